"""Whether a batch of images is unlike what a detector has learned from: what one image cannot show, forty can."""

LEAST = 40  # images of a batch that is compared
_SIGNIFICANT = 0.01


def unlike(images: int, unfamiliar: int, left_out: int, refused: int) -> str | None:
    """A sentence that stands above the verdicts of a batch that is unlike what was learned from; None where it is not.

    By Fisher's exact test, at the level 0.01, more of its images are unfamiliar than of left-out familiar ones.

    Args:
        images: of the batch, scored ones; of fewer than 40 nothing is said.
        unfamiliar: of those.
        left_out: corrupted copies of images that were not learned from.
        refused: of those, the unfamiliar ones.
    """
    if images < LEAST:
        return None
    from scipy.stats import fisher_exact

    table = [[unfamiliar, images - unfamiliar], [refused, left_out - refused]]
    p = float(fisher_exact(table, alternative="greater").pvalue)
    if p > _SIGNIFICANT:
        return None
    return (
        f"these images are unlike the photographs that this model has learned from: {unfamiliar:,} of {images:,} are "
        f"unfamiliar, and {refused / left_out:.0%} of corrupted copies of left-out photographs (Fisher's exact test, "
        f"p = {p:.0e}); its metrics say nothing of them"
    )
