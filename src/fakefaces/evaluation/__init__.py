"""Evaluation of scores: metrics with intervals, slices, calibration, thresholds, comparisons. No Keras, no MLflow."""
