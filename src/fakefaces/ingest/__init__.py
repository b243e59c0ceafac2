"""Bring photographs and labels into data/."""
