"""The embedded sample set: procedural faces, real and doctored, in the layout of the public set."""

from syntheticfaces.writing import write_samples

__all__ = ["write_samples"]
