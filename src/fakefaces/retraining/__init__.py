"""Retraining from corrections: reviewed labels become a branch with a pull request, which a person decides on."""
