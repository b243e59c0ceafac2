"""A set that is published without its photographs: read back, described, and the one of CIPLAB."""

import hashlib
import json
import shutil
import tomllib

import mlcroissant
import pandas as pd
import pytest
import yaml

from fakefaces.base.errors import DataError, ParamsError
from fakefaces.benchmark.croissant import read_description
from fakefaces.benchmark.evaluation import evaluate_predictions
from fakefaces.benchmark.predictions import read_predictions
from fakefaces.benchmark.published import read_set, write_tables
from fakefaces.data.splits import cv_splits
from tests.benchmark.sets import near_duplicates, publish, scores_of, small_set, written
from tests.conftest import ROOT

CIPLAB = ROOT / "docs" / "ciplab"
PHOTOGRAPHS = ROOT.parent / "shared" / "data" / "ciplab"


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return publish(tmp_path_factory.mktemp("published") / "set", small_set(folds=4))


@pytest.mark.parametrize("folds", [0, 4])
def test_predictions_are_evaluated_alike_on_a_set_and_on_what_was_published_of_it(tmp_path, folds):
    own = small_set(folds)
    read = read_set(publish(tmp_path / "set", own))
    theirs = written(tmp_path / "theirs.csv", scores_of(own))
    records = [evaluate_predictions(s, {"x": read_predictions(theirs, s).scores}).record() for s in (own, read)]
    assert records[0] == records[1]


def test_equal_sets_are_published_as_equal_bytes(published, tmp_path):
    again = publish(tmp_path / "again", small_set(folds=4))
    assert {path.name: path.read_bytes() for path in again.iterdir()} == {
        path.name: path.read_bytes() for path in published.iterdir()
    }


def test_copies_are_published_once(tmp_path):
    own = small_set()
    copies = own.images.assign(sha256=own.images["sha256"].where(own.images.index > 1, own.images["sha256"].iloc[0]))
    tables = write_tables(tmp_path, type(own)(copies, own.rules, own.settings), near_duplicates(own))
    assert len(tables["images.csv"]) == len(own.images) - 1 and tables["images.csv"]["sha256"].is_unique


def test_a_changed_set_is_refused(published, tmp_path):
    for name, change in (("images.csv", "x\n"), ("pairs.csv", None), ("settings.json", "{}"), ("croissant.json", "[]")):
        folder = shutil.copytree(published, tmp_path / name)
        (folder / name).unlink() if change is None else (folder / name).write_text(change)
        with pytest.raises(DataError, match=f"{name}: it is"):
            read_set(folder)
    with pytest.raises(DataError, match="there is no such folder"):
        read_set(tmp_path / "none")


def test_the_description_is_asked_for_and_checked(tmp_path):
    with pytest.raises(DataError, match=r"description\.yaml: it is missing; it gives name"):
        read_description(tmp_path)
    (tmp_path / "description.yaml").write_text("name: x\ncolour: red\n")
    with pytest.raises(ParamsError, match="unknown key 'colour'"):
        read_description(tmp_path)


@pytest.mark.filterwarnings("ignore:.* is deprecated:DeprecationWarning")  # rdflib 7.6, within itself
@pytest.mark.parametrize("own", [True, False], ids=["small", "ciplab"])
def test_mlcroissant_finds_no_fault_and_reads_the_rows(published, own):
    folder = published if own else CIPLAB
    dataset = mlcroissant.Dataset(jsonld=str(folder / "croissant.json"))
    issues = dataset.metadata.ctx.issues
    assert not issues.errors and not issues.warnings
    table = pd.read_csv(folder / "images.csv")
    first = next(iter(dataset.records("images")))
    assert (
        first["images/sha256"] == table["sha256"].iloc[0].encode() and first["images/label"] == table["label"].iloc[0]
    )
    described = {field.id for records in dataset.metadata.record_sets for field in records.fields}
    for name in ("images", "pairs", "near_duplicates", "shortcuts"):
        columns = pd.read_csv(folder / f"{name}.csv").columns
        assert {f"{name}/{column}" for column in columns} <= described


def test_the_published_split_of_ciplab_separates_no_photograph():
    benchmark = read_set(CIPLAB)
    images = benchmark.images
    assert images["sha256"].str.fullmatch("[0-9a-f]{64}").all() and images["sha256"].is_unique
    assert images.groupby("group")["fold"].nunique().max() == 1
    near = pd.read_csv(CIPLAB / "near_duplicates.csv")
    group = images.set_index("sha256")["group"]
    assert (near["a"].map(group) == near["b"].map(group)).all() and len(near)
    for split in cv_splits(images):
        parts = [set(part["group"]) for part in (split.train, split.validation, split.test)]
        assert not parts[0] & parts[1] and not parts[0] & parts[2] and not parts[1] & parts[2]
        assert all(part["label"].nunique() == 2 for part in (split.train, split.validation, split.test))
    label = images.set_index("sha256")["label"]
    pairs = pd.read_csv(CIPLAB / "pairs.csv")
    assert (pairs["fake"].map(label) == 1).all() and (pairs["source"].map(label) == 0).all()
    matched = images[pd.read_csv(CIPLAB / "images.csv")["matched"] == 1]
    assert matched["encoding"].nunique() == 1
    assert matched["encoding"].iloc[0] == images[images["label"] == 0]["encoding"].mode()[0]


def test_only_text_is_published():
    names = {entry["contentUrl"] for entry in json.loads((CIPLAB / "croissant.json").read_text())["distribution"]}
    assert names == {"images.csv", "pairs.csv", "near_duplicates.csv", "shortcuts.csv", "settings.json"}
    for name in names:
        (CIPLAB / name).read_text(encoding="ascii")


@pytest.mark.skipif(not PHOTOGRAPHS.is_dir(), reason="the photographs are not here")
def test_the_digests_are_those_of_the_photographs():
    images = read_set(CIPLAB).images.iloc[::40]
    for image, digest in zip(images["image"], images["sha256"], strict=True):
        assert hashlib.sha256((PHOTOGRAPHS / image).read_bytes()).hexdigest() == digest


def test_the_citation_is_of_this_version_and_of_this_set():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {name: citation[name] for name in ("title", "version", "license")} == {
        "title": project["name"],
        "version": project["version"],
        "license": project["license"],
    }
    assert citation["cff-version"] == "1.2.0" and citation["message"] and citation["authors"]
    about = read_description(CIPLAB)
    assert about.photographs == citation["references"][0]["url"]
    described = json.loads((CIPLAB / "croissant.json").read_text())
    assert (described["version"], described["citeAs"]) == (about.version, about.cite_as)
