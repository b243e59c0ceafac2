"""What a network reads of an image, as a record that metadata and file names are made of."""

from dataclasses import dataclass

from fakefaces.params.extractor import Extractor, Harmonise


@dataclass(frozen=True)
class FeatureSpec:
    """What a network reads of an image."""

    extractor: Extractor  # pixels: the whole image, scaled to a square; residuals: residual features of a face
    image_size: int  # side of the square in pixels; with residuals the side above which images are scaled down
    crop: int = 0  # with residuals, the side of the square around the face that a backbone reads besides; 0 for none
    harmonise: Harmonise | None = None  # sizes and encoders that the image is passed through before; None for none
    region_sizes: bool = False  # with residuals, whether the sizes of the regions come first, in a column

    @property
    def follows_face(self) -> bool:
        """Whether it is of one face, so that an image of several has several features."""
        return self.extractor == "residuals"

    @property
    def file_name(self) -> str:
        """The name of a file with features of this kind."""
        numbers = [self.image_size] + [self.crop] * bool(self.crop)
        harmonise = [_name(self.harmonise)] if self.harmonise else []
        sizes = ["region_sizes"] * self.region_sizes
        return "-".join([self.extractor, *map(str, numbers), *harmonise, *sizes]) + ".npy"


def _name(settings: Harmonise) -> str:
    sides, quality = ("_".join(map(str, numbers)) for numbers in (settings.sides, settings.quality))
    return f"sides_{sides}-quality_{quality}"
