"""What a model's scores are worth: figures with intervals, comparisons, slices, calibration."""
