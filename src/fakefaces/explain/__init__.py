"""Explanations of detectors: heatmaps, their localization metrics, feature maps and filters."""
