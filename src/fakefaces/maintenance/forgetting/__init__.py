"""Forget a photograph: take it, and all that was made of it, out of a project."""
