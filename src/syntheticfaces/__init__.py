"""Synthetic sample set: procedurally drawn faces, real and forged, in the layout of the public set."""

from syntheticfaces.whole import write_whole_images
from syntheticfaces.writing import write_samples

__all__ = ["write_samples", "write_whole_images"]
