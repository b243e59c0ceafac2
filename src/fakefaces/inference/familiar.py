"""What is familiar to a detector: one image at a time, and a batch of many."""

from fakefaces.base.schema import Count, Schema

LEAST = 40  # images of a batch that is compared
_SIGNIFICANT = 0.01


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

    def caution(self, images: int, unfamiliar: int) -> str | None:
        """A sentence above the verdicts of a batch that is unlike what was learned from; None where it is not.

        By Fisher's exact test more of its images are unfamiliar than of left-out ones and their corrupted copies.

        Args:
            images: of the batch, scored ones; of fewer than 40 nothing is said.
            unfamiliar: of those.
        """
        if images < LEAST:
            return None
        from scipy.stats import fisher_exact

        table = [[unfamiliar, images - unfamiliar], [self.refused, self.left_out - self.refused]]
        p = float(fisher_exact(table, alternative="greater").pvalue)
        if p > _SIGNIFICANT:
            return None
        return (
            f"these images are unlike the photographs that this model has learned from: {unfamiliar:,} of {images:,} "
            f"are unfamiliar, and of corrupted copies of left-out photographs {self.refused / self.left_out:.0%} "
            f"(Fisher's exact test, p = {p:.0e}); its metrics say nothing of them"
        )
