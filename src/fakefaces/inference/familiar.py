"""What is familiar to a detector."""

from fakefaces.base.schema import Count, Schema


class Familiar(Schema):
    """What is familiar: what a detector has learned from, with corrupted copies of it.

    An image is unfamiliar if its unfamiliarity, the last output of the network, is above ``threshold``, or if its face
    is smaller or larger than ``face_sizes``.
    """

    threshold: float  # 0 to 1, chosen so that few left-out images and copies are above it
    face_sizes: tuple[float, float] | None = None  # pixels, of fakefaces.faces.regions.unit; None: any size
    left_out: Count  # images that the threshold was chosen on: copies of validation images, or else themselves
    refused: int  # of those, the unfamiliar ones

    def unfamiliarity(self, output: float, face_size: float | None) -> float:
        """The output of the network, or 1 for a face of a size that it has not learned from."""
        if self.face_sizes is None or face_size is None:
            return output
        least, most = self.face_sizes
        return output if least <= face_size <= most else 1.0

    def unfamiliar(self, unfamiliarity: float) -> bool:
        """Whether an unfamiliarity is above what is familiar."""
        return unfamiliarity > self.threshold
