"""Groups of images that share a photograph, directly or through other images."""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from fakefaces.base.errors import DataError


def group_images(names: Sequence[str], pairs: pd.DataFrame) -> pd.Series:
    """Connected components of the images over the pairs.

    Args:
        names: of all images, unique.
        pairs: with the columns ``a`` and ``b``, such as from :func:`fakefaces.duplicates.pairs.find_pairs`.

    Returns:
        str Series indexed by ``names``: the lexicographically first member of each image's group. An image without
        a partner is a group of its own.

    Raises:
        DataError: a name is repeated, or a pair names an image that is not in ``names``.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    index = pd.Index(sorted(names), dtype="str")
    if not index.is_unique:
        raise DataError(f"duplicates: the name {index[index.duplicated()][0]} is repeated")
    for name in pairs[["a", "b"]].stack():
        if name not in index:
            raise DataError(f"duplicates: a pair names {name}, which is not among the images")
    a, b = (index.get_indexer(pd.Index(pairs[column])) for column in "ab")
    graph = coo_array((np.ones(len(a), np.int8), (a, b)), shape=(len(index), len(index)))
    count, component = connected_components(graph, directed=False)
    first = np.full(count, len(index))
    np.minimum.at(first, component, np.arange(len(index)))
    groups = pd.Series(np.asarray(index)[first[component]], index=index, dtype="str", name="group")
    return groups.loc[list(names)]


def groups_by_content(contents: Mapping[str, str], pairs: pd.DataFrame) -> pd.Series:
    """The groups of :func:`group_images`, named so that no file's name matters.

    Args:
        contents: the sha256 of each image by its name; empty for a file that cannot be read.
        pairs: as :func:`group_images` takes them.

    Returns:
        str Series indexed by the names: the first sixteen digits of the smallest sha256 among the images that share the
        photograph. So an image that joins a group renames it only if its own sha256 is smaller.
    """
    known = {name: digest or hashlib.sha256(name.encode()).hexdigest() for name, digest in contents.items()}
    digests = pd.Series(known, index=pd.Index(list(known), dtype="str"), dtype="str")
    smallest = digests.groupby(group_images(list(known), pairs)).transform("min")
    return smallest.str[:16].rename("group")
