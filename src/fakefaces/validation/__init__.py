"""Validation of the images: facts, expectations and the shortcut audit."""
