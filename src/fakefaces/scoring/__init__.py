"""Scores of millions of images: inputs, parts, engines, receipt."""
