import os

import pytest

from fakefaces.base.errors import DataError
from fakefaces.data.photographs import list_photographs
from fakefaces.ingest.collection import Collection, sha256
from tests.conftest import write_photographs


@pytest.fixture
def images(tmp_path):
    return sorted((write_photographs(tmp_path / "images", reals=4, fakes=4) / "training_real").iterdir())


def test_a_content_is_taken_once_and_a_name_never_twice(tmp_path, images):
    collection = Collection(tmp_path / "set")
    (tmp_path / "a").mkdir()
    names = [tmp_path / "a" / "X.jpg", tmp_path / "x.JPG", tmp_path / "copy.jpg"]
    for name, image in zip(names, [images[0], images[1], images[0]], strict=True):
        name.write_bytes(image.read_bytes())
    targets = [collection.add(name, 0) for name in names]
    folder = tmp_path / "set" / "training_real"
    assert targets == [folder / "X.jpg", folder / sha256(images[1])[:8] / "x.JPG", None]
    assert (collection.copies, collection.renamed) == (1, 1)
    with pytest.raises(DataError, match="copy.jpg: the same image as training_real/X.jpg"):
        collection.add(names[2], 1)


@pytest.mark.parametrize("name", [b"line\nbreak.jpg", b"no\xffutf8.jpg", b"x" * 250 + b".jpg", b"back\\slash.jpg"])
def test_names_that_tables_cannot_hold_become_digests(tmp_path, images, name):
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(images[0].read_bytes())
    target = Collection(tmp_path / "set").add(path, 1)
    assert target == tmp_path / "set" / "training_fake" / f"{sha256(images[0])[:16]}.jpg"


def test_a_set_goes_on_from_what_is_there(tmp_path, images):
    data = write_photographs(tmp_path / "data", reals=2, fakes=3)
    collection = Collection.of(data, tmp_path / "set")
    assert len(list_photographs(tmp_path / "set")) == 5
    first = sorted((data / "training_real").iterdir())[0]
    assert sha256(first) in collection
    assert collection.label(sha256(first)) == 0
    assert collection.add(first, 0) is None
    assert collection.put(first, 1, sha256(first)).parent.name == "training_fake"
    assert first.is_file()  # data/ itself is left as it is
