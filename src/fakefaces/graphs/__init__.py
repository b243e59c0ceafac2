"""Inference graphs: what they hold, and how they are run."""
