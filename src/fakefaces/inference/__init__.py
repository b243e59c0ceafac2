"""Score images with a trained detector."""
