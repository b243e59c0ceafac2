"""Groups of images that must not be separated: whoever shares a photograph, directly or through others."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fakefaces.base.errors import DataError


def group_images(names: Sequence[str], pairs: pd.DataFrame) -> pd.Series:
    """Connected components of the images over the pairs.

    Args:
        names: of all images, each once.
        pairs: a table with the columns ``a`` and ``b``, as of :func:`fakefaces.duplicates.pairs.find_pairs`.

    Returns:
        str Series indexed by ``names`` in their order: the group's lexicographically first member. An image
        without a partner is its own group. A group keeps its id as long as it gets no earlier member.

    Raises:
        DataError: a name comes twice, or a pair names an image that is not among ``names``.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    index = pd.Index(sorted(names), dtype="str")
    if not index.is_unique:
        raise DataError(f"sources: the name {index[index.duplicated()][0]} comes twice")
    a, b = (index.get_indexer(pd.Index(pairs[column])) for column in "ab")
    for column, found in (("a", a), ("b", b)):
        if (found < 0).any():
            raise DataError(f"sources: a pair names {pairs[column][found < 0].iloc[0]}, which is not among the images")
    graph = coo_array((np.ones(len(a), np.int8), (a, b)), shape=(len(index), len(index)))
    count, component = connected_components(graph, directed=False)
    first = np.full(count, len(index))
    np.minimum.at(first, component, np.arange(len(index)))
    groups = pd.Series(np.asarray(index)[first[component]], index=index, dtype="str", name="group")
    return groups.loc[list(names)]
