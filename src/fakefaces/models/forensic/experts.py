"""What each expert learns from, and the images that are left out of it together to see how well it ranks others."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fakefaces.data.arrays import SplitArrays, TrainArrays

Array = NDArray[np.float64]
Rows = NDArray[np.intp]

_LEFT_OUT = 4096  # images that an expert answers without, at most; of evenly spaced photographs
_FAMILY = 64  # images that are left out together, at most: what is solved grows as the cube


@dataclass(frozen=True)
class Expert:
    """The rows of the training arrays that an expert learns from."""

    rows: Rows  # (n,), ascending
    families: Sequence[Rows]  # (k, size) each, places in ``rows``: in a row are images that are left out together

    def left_out(self) -> Rows:
        """The places in ``rows`` of all images that are left out, in the order of answers to them."""
        return np.concatenate([of_size.ravel() for of_size in self.families])

    def family(self) -> Rows:
        """The number of the family of each image that is left out, in the same order."""
        sizes = np.concatenate([np.full(len(of_size), of_size.shape[1]) for of_size in self.families])
        return np.repeat(np.arange(len(sizes)), sizes)


def experts(train: TrainArrays) -> list[Expert]:
    """The expert on originals; and that on copies, if there are any.

    Images of one photograph are left out together, and the copies of one original: a fake whose source is still
    learned from would be called real for it, the more often the more a group of features tells people apart.
    """
    n_originals = len(train.labels) - len(train.copy_of)
    photographs = train.photographs if len(train.photographs) else np.arange(n_originals)
    found = [Expert(np.arange(n_originals), _families(photographs))]
    if len(train.copy_of):
        found.append(Expert(n_originals + np.arange(len(train.copy_of)), _families(photographs[train.copy_of])))
    return found


def _families(photographs: Rows) -> list[Rows]:
    """The places of images of one photograph, by their number; of some photographs, if there are many images."""
    order = np.argsort(photographs, kind="stable")
    changes = np.flatnonzero(np.diff(photographs[order])) + 1
    families = [family[k : k + _FAMILY] for family in np.split(order, changes) for k in range(0, len(family), _FAMILY)][
        :: -(-len(photographs) // _LEFT_OUT)
    ]
    by_size: dict[int, list[Rows]] = {}
    for family in families:
        by_size.setdefault(len(family), []).append(family)
    return [np.stack(by_size[size]) for size in sorted(by_size)]


def output_targets(arrays: SplitArrays) -> Array:
    """The targets float64 (n, 5): fake, and each part replaced; the mean of fakes where it is unknown."""
    replaced = arrays.replaced.astype(np.float64)
    unknown = replaced < 0
    known = replaced[(arrays.labels == 1) & ~unknown.any(axis=1)]
    replaced = np.where(unknown, known.mean(axis=0) if len(known) else 0.5, replaced)
    return np.column_stack([arrays.labels.astype(np.float64), replaced])


def evenly(n: int, most: int) -> Rows:
    """Evenly spaced numbers below ``n``, at most so many."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(np.intp))
