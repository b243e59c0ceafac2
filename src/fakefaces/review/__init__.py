"""A local page on which a person goes through photographs that the champion has scored."""
