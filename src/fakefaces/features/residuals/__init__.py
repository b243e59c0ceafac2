"""Residual features: statistics of noise and of traces of processing in each region, at native resolution."""

import cv2

# Callers work on as many images at a time as they may use processors: OpenCV must not start threads of its own. What is
# set here is the process's, for all that is read of images: :mod:`fakefaces.features.extract` imports this package.
cv2.setNumThreads(1)
