import pandas as pd
import pytest

from fakefaces.base.errors import DataError
from fakefaces.duplicates.groups import group_images


def table(*pairs: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame(pairs, columns=["a", "b"], dtype="str")


def test_groups_are_named_by_their_first_member():
    groups = group_images(["e", "b", "d", "a", "c"], table(("b", "d"), ("d", "e")))
    assert groups.to_dict() == {"e": "b", "b": "b", "d": "b", "a": "a", "c": "c"}
    assert list(groups.index) == ["e", "b", "d", "a", "c"] and str(groups.dtype) == "str"


def test_order_of_names_and_pairs_changes_nothing():
    one = group_images(list("abcdef"), table(("a", "c"), ("e", "f"), ("c", "d")))
    other = group_images(list("fedcba"), table(("c", "d"), ("a", "c"), ("e", "f")))
    assert one.to_dict() == other.to_dict()


def test_no_pairs_and_no_names():
    assert group_images(["b", "a"], table()).tolist() == ["b", "a"]
    assert group_images([], table()).empty


def test_wrong_names_are_refused():
    with pytest.raises(DataError, match="repeated"):
        group_images(["a", "a"], table())
    with pytest.raises(DataError, match="x, which is not"):
        group_images(["a", "b"], table(("a", "x")))
