"""The embedded sample set: procedural faces, real and doctored, in the layout of the public set."""

from fakefaces.samples.writing import write_samples

__all__ = ["write_samples"]
