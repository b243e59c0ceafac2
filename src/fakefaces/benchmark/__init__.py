"""Anyone's predictions, evaluated as our own are; and the description of a set by which others evaluate theirs."""
