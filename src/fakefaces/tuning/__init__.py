"""Hyperparameter studies."""
