"""The results as tables."""
