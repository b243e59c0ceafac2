"""Residual features: statistics of noise and of traces of processing in each region, at native resolution."""
