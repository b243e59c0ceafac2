import io
import shutil

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fakefaces.base.paths import Layout
from fakefaces.data import computed
from fakefaces.duplicates import pairs as pairs_module
from fakefaces.duplicates.state import load_state
from fakefaces.params.file import load
from pipelines import duplicates


def scene(seed: int, size: int = 300) -> np.ndarray:
    """A picture with structure at several scales, of which no two seeds share any."""
    rng = np.random.default_rng(seed)
    layers = [
        cv2.resize(rng.uniform(0, 255, (k, k, 3)), (size, size), interpolation=cv2.INTER_CUBIC) for k in (8, 30, 90)
    ]
    return np.clip(sum(layers) / 3 * 1.6 - 70, 0, 255).astype(np.uint8)


@pytest.fixture
def set_up(workspace):
    """Twelve photographs of each class; one fake is made of a real, turned, with a part of another pasted in."""
    shutil.rmtree(workspace / "data")
    for name in ("training_real", "training_fake"):
        (workspace / "data" / name).mkdir(parents=True)
    for k in range(12):
        Image.fromarray(scene(k)).save(workspace / "data/training_real" / f"real_{k:05d}.jpg", quality=90)
        Image.fromarray(scene(100 + k)).save(workspace / "data/training_fake" / f"mid_{k}_0011.jpg", quality=90)
    turned = cv2.warpAffine(
        scene(3), cv2.getRotationMatrix2D((150, 150), 6, 1.05), (300, 300), borderMode=cv2.BORDER_REFLECT
    )
    turned[180:240, 90:210] = scene(104)[180:240, 90:210]
    Image.fromarray(turned).save(workspace / "data/training_fake/mid_7_0001.jpg", quality=75)
    return Layout(workspace), load(workspace / "params.yaml")


def test_the_pair_is_found_and_nothing_else(set_up):
    layout, params = set_up
    duplicates.main(params, layout)
    pairs = pd.read_csv(layout.duplicate_pairs)
    assert list(pairs.columns) == ["a", "b", "inliers", "scale", "angle"]
    found_pairs = {tuple(row) for row in pairs[["a", "b"]].to_numpy()}
    assert ("training_fake/mid_7_0001.jpg", "training_real/real_00003.jpg") in found_pairs
    assert found_pairs <= {
        ("training_fake/mid_7_0001.jpg", "training_real/real_00003.jpg"),
        ("training_fake/mid_4_0011.jpg", "training_fake/mid_7_0001.jpg"),  # the pasted part is another photograph's
    }


def test_an_added_image_costs_only_its_own_description_and_the_outcome_is_that_of_a_fresh_start(set_up, monkeypatch):
    layout, params = set_up
    duplicates.main(params, layout)
    shutil.copy(layout.data / "training_real/real_00001.jpg", layout.data / "training_real/copy_of_1.jpg")
    Image.fromarray(scene(55)).save(layout.data / "training_real/real_00055.jpg")
    (layout.data / "training_fake/mid_11_0011.jpg").unlink()
    described: list[str] = []
    original = computed.read_content
    monkeypatch.setattr(computed, "read_content", lambda *file: described.append(file[1]) or original(*file))
    duplicates.main(params, layout)
    assert described == ["training_real/real_00055.jpg"]  # the copy has known bytes
    state, pairs = layout.duplicates.read_bytes(), layout.duplicate_pairs.read_bytes()
    assert b"training_real/copy_of_1.jpg,training_real/real_00001.jpg" in pairs
    layout.duplicates.unlink()
    layout.computed("duplicates").unlink()
    duplicates.main(params, layout)
    assert layout.duplicates.read_bytes() == state
    assert layout.duplicate_pairs.read_bytes() == pairs


def test_a_file_that_is_no_image_and_a_broken_memory_do_not_stop_the_search(set_up, capfd):
    layout, params = set_up
    (layout.data / "training_real/note.jpg").write_text("no image")
    layout.duplicates.parent.mkdir(parents=True)
    layout.duplicates.write_bytes(b"PK broken")
    duplicates.main(params, layout)
    assert "searching all images again" in capfd.readouterr().err
    assert "note.jpg" not in layout.duplicate_pairs.read_text()


def test_an_image_that_goes_leaves_no_trace_and_comes_back_as_it_was(set_up):
    layout, params = set_up
    duplicates.main(params, layout)
    state, pairs = layout.duplicates.read_bytes(), layout.duplicate_pairs.read_bytes()
    partner = layout.data / "training_fake/mid_7_0001.jpg"
    data = partner.read_bytes()
    partner.unlink()
    duplicates.main(params, layout)
    without = layout.duplicates.read_bytes(), layout.duplicate_pairs.read_bytes()
    assert b"mid_7" not in without[1]
    layout.duplicates.unlink()
    duplicates.main(params, layout)
    assert (layout.duplicates.read_bytes(), layout.duplicate_pairs.read_bytes()) == without
    partner.write_bytes(data)
    duplicates.main(params, layout)
    assert (layout.duplicates.read_bytes(), layout.duplicate_pairs.read_bytes()) == (state, pairs)


def test_another_seed_repeats_the_comparisons_and_another_limit_does_not(set_up, monkeypatch):
    layout, params = set_up
    compared: list[int] = []
    original = pairs_module.compare
    monkeypatch.setattr(pairs_module, "compare", lambda *a, seed: compared.append(seed) or original(*a, seed=seed))
    duplicates.main(params, layout)
    assert set(compared) == {params.seed}
    pairs = pd.read_csv(layout.duplicate_pairs)
    compared.clear()
    strict = params.duplicates.model_copy(update={"min_inliers": int(pairs["inliers"].max()) + 1})
    duplicates.main(params.model_copy(update={"duplicates": strict}), layout)
    assert pd.read_csv(layout.duplicate_pairs).empty
    assert compared == []
    duplicates.main(params.model_copy(update={"seed": params.seed + 1}), layout)
    assert set(compared) == {params.seed + 1}
    assert load_state(layout.duplicates).seed == params.seed + 1


def test_images_are_described_by_their_luma():
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (255, 0, 0)).save(file, "png")
    assert set(duplicates.grey(file.getvalue(), "red.png").ravel()) == {76}
