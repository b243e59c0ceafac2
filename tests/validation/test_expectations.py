"""Each expectation names exactly the images that violate it, and accepts those at its bounds."""

import pandas as pd
import pytest

from fakefaces.data.faces import PARTS
from fakefaces.params.validate import Validate
from fakefaces.validation.expectations import MAX_EXAMPLES, failures, validate_images

RULES = Validate(
    formats=["JPEG", "PNG"], min_side=16, max_side=99, max_bytes=1000, min_class_share=0.25, min_readable_share=0.9
)
VALID = {"readable": True, "problem": "", "format": "JPEG", "mode": "RGB", "width": 20, "height": 20, "bytes": 500}
VALID |= {"program": "", "orientation": 1, "faces": 1} | dict.fromkeys(PARTS, 0)


def table(**changed: dict) -> pd.DataFrame:
    """Sixteen images, with the smallest allowed share of the rarer class in each split; some of them changed."""
    rows = []
    for split, labels in (("train", "00000011"), ("test", "0001"), ("validation", "1110")):
        rows += [{"split": split, "label": int(label)} for label in labels]
    for k, row in enumerate(rows):
        name = "abcdefghijklmnop"[k]
        row |= VALID | {"image": name, "sha256": f"sha {k}", "group": f"g{k}"} | changed.get(name, {})
    return pd.DataFrame(rows).astype(dict.fromkeys(PARTS, "Int64"))


def violated(summary: dict) -> dict[str, list[str]]:
    return {result["meaning"]: result["examples"] for result in summary["expectations"] if not result["success"]}


def test_images_at_the_bounds_are_accepted():
    summary = validate_images(
        table(
            a={"width": 16, "height": 99, "bytes": 1}, b={"width": 99, "height": 16, "bytes": 1000}, c={"format": "PNG"}
        ),
        RULES,
        None,
    )
    assert violated(summary) == {}
    assert (summary["success"], summary["images"]) == (True, 16)


def test_each_expectation_names_the_images_that_violate_it():
    unreadable = {
        "sha256": "",
        "readable": False,
        "format": "",
        "mode": "",
        "width": None,
        "height": None,
        "bytes": None,
        "faces": None,
    }
    summary = validate_images(
        table(
            a={"width": 15},
            b={"width": 100},
            c={"height": 15},
            d={"height": 100},
            e={"bytes": 0, "format": "GIF"},
            f={"bytes": 1001, "mode": "L"},
            g={"sha256": "copy", "orientation": 6},  # a train fake
            o={"sha256": "copy", "program": "GIMP"},  # a validation fake
            h={"sha256": "both"} | dict.fromkeys(PARTS),  # a fake
            i={"sha256": "both", "split": "train"},  # a real
            j={"group": "one"},  # of test
            k={"group": "one", "split": "validation"},
            l=unreadable,  # of test, a fake
            m={"faces": 0},
            n={"faces": 3},
            p=unreadable,  # of validation, a real
        ),
        RULES,
        None,
    )
    assert violated(summary) == {
        "at least 90% of the files decode completely": ["l", "p"],
        "every file decodes completely": ["l", "p"],
        "formats are JPEG, PNG": ["e"],
        "widths are between 16 and 99 pixels": ["a", "b"],
        "heights are between 16 and 99 pixels": ["c", "d"],
        "files have at most 1000 bytes": ["e", "f"],
        "no file is in two splits": ["g", "o"],
        "no file is labelled both real and fake": ["h", "i"],
        "no group of images of one photograph is in two splits": ["j", "k"],
        "no file is a copy of another": ["g", "h", "i", "o"],
        "images are stored as RGB": ["f"],
        "images are stored upright": ["g"],
        "no EXIF Software tag names an editor": ["o"],
        "a face is found in every photograph": ["m"],
        "fakes are named by the convention difficulty_number_parts, or none is": ["h"],
        "each class is at least 25% of each split": ["train"],  # two of nine
    }
    assert not summary["success"]
    severities = {result["meaning"]: result["severity"] for result in summary["expectations"]}
    warnings = {meaning for meaning, severity in severities.items() if severity == "warning"}
    assert warnings == {
        "every file decodes completely",
        "no file is a copy of another",
        "images are stored as RGB",
        "images are stored upright",
        "no EXIF Software tag names an editor",
        "a face is found in every photograph",
        "fakes are named by the convention difficulty_number_parts, or none is",
    }
    assert len(failures(summary, "critical")) + len(failures(summary, "warning")) == len(violated(summary))


def test_whole_image_fakes_of_any_name_are_no_warning():
    unnamed = table()
    unnamed.loc[unnamed["label"] == 1, list(PARTS)] = pd.NA
    assert failures(validate_images(unnamed, RULES, None), "warning") == []


@pytest.mark.parametrize(("share", "success"), [(0.95, False), (0.9375, True)])
def test_a_share_of_the_files_may_be_unreadable(share, success):
    rules = RULES.model_copy(update={"min_readable_share": share})
    summary = validate_images(table(a={"readable": False}), rules, None)
    assert summary["success"] == success
    assert failures(summary, "warning") == ["every file decodes completely: violated by 1: a"]


def test_the_first_examples_are_named_and_the_others_counted():
    summary = validate_images(table(**{name: {"mode": "L"} for name in "abcdefghijkl"}), RULES, None)
    (line,) = failures(summary, "warning")
    assert line == "images are stored as RGB: violated by 12: a, b, c, d, e, f, g, h, i, j and 2 more"
    assert MAX_EXAMPLES == 10
    assert failures(summary, "critical") == [] and summary["success"]
