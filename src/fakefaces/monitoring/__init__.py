"""Watching what was scored: batches without labels against the training data, and two models side by side."""
