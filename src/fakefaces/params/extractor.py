"""What a network reads of an image: its pixels, or residual features at native resolution."""

from typing import Literal

Extractor = Literal["pixels", "residuals"]
