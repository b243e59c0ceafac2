import io

import numpy as np
import pytest
from PIL import Image

from fakefaces import detector, runtime
from fakefaces.base.errors import ModelError
from fakefaces.card import Operating
from fakefaces.scoring import score, score_files
from fakefaces.tracking.digests import digest
from fakefaces.views import pixels
from tests.conftest import picture


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    paths = []
    for k in range(37):
        paths.append(tmp_path / f"{k}.jpg")
        picture(rng, fake=bool(k % 2), size=48).save(paths[-1])
    return paths


def test_scores_come_in_the_order_given_and_do_not_depend_on_company(loaded, files):
    together = list(score_files(loaded, files, threads=2))
    assert [s.name for s in together] == [str(path) for path in files]
    for path, with_others in zip(files[:9], together, strict=False):
        alone = next(iter(score_files(loaded, [path], threads=1)))
        assert alone.p_fake == pytest.approx(with_others.p_fake, abs=1e-6)
        assert 0 <= alone.p_fake <= 1
        assert alone.label == ("fake" if alone.p_fake >= 0.5 else "real")


@pytest.mark.parametrize(
    ("low", "high", "p", "unsure"),
    [
        (0.3, 0.7, 0.3, True),
        (0.3, 0.7, 0.7, False),
        (0.3, 0.7, 0.29, False),
        (None, 0.7, 0.0, True),
        (0.3, None, 1.0, True),
        (0.6, 0.6, 0.6, False),
    ],
)
def test_the_unsure_band_holds_its_lower_end_only(low, high, p, unsure):
    assert Operating(threshold=0.6, low=low, high=high).unsure(p) is unsure


def test_the_label_turns_at_the_operating_threshold_where_there_is_one(loaded, files, tmp_path):
    plain = list(score_files(loaded, files, threads=2))
    assert {s.unsure for s in plain} == {None}
    between = sorted(s.p_fake for s in plain)[20]
    point = Operating(threshold=between, low=between, high=1.0)
    chosen = detector.Detector(loaded.network, loaded.card.model_copy(update={"operating": point}))
    chosen.save(tmp_path / "d")
    again = list(score_files(detector.load(tmp_path / "d"), files, threads=2))
    assert [s.p_fake for s in again] == [s.p_fake for s in plain]
    assert [s.label for s in again] == ["fake" if s.p_fake >= between else "real" for s in plain]
    assert [s.unsure for s in again] == [s.label == "fake" for s in again]


def test_scoring_sees_the_pixels_that_training_saw(loaded, files):
    arrays = np.stack([pixels.view(path.read_bytes(), 32) for path in files])
    direct = loaded.network(arrays.astype("float32"), training=False).numpy()[:, 0]
    scored = [s.p_fake for s in score_files(loaded, files, threads=2)]
    assert np.abs(direct - scored).max() < 1e-6


def test_a_file_that_is_no_image_is_told_and_the_others_are_scored(loaded, files):
    files[1].write_bytes(b"no image")
    files[2].unlink()
    scores = list(score_files(loaded, files[:4], threads=2))
    assert [s.p_fake is None for s in scores] == [False, True, True, False]
    assert "1.jpg: not an image" in scores[1].problem
    assert "2.jpg: cannot be read" in scores[2].problem
    assert scores[1].label is None


def test_any_number_of_images_from_none_to_many(loaded):
    out = io.BytesIO()
    Image.new("RGB", (40, 40), (200, 9, 9)).save(out, "PNG")
    for n in (0, 1, 3, 64, 65):
        got = list(score(loaded, ((str(k), out.getvalue) for k in range(n)), threads=2))
        assert len(got) == n
        assert len({round(s.p_fake, 6) for s in got}) <= 1


def test_a_saved_detector_scores_the_same_and_saves_to_the_same_bytes(loaded, files, tmp_path):
    loaded.save(tmp_path / "one")
    again = detector.load(tmp_path / "one")
    loaded.save(tmp_path / "two")
    assert again.card == loaded.card
    assert digest(tmp_path / "one") == digest(tmp_path / "two")
    one, two = (list(score_files(d, files, threads=1)) for d in (loaded, again))
    assert one == two


def test_what_is_no_detector_is_refused(loaded, tmp_path):
    with pytest.raises(ModelError, match="not a detector"):
        detector.load(tmp_path)
    loaded.save(tmp_path / "d")
    (tmp_path / "d" / "network.keras").write_bytes(b"PK broken")
    with pytest.raises(ModelError, match="not a network"):
        detector.load(tmp_path / "d")
    (tmp_path / "d" / "detector.json").write_text('{"model": 1}')
    with pytest.raises(ModelError, match="detector.json"):
        detector.load(tmp_path / "d")


def test_a_network_that_carries_code_is_refused(tmp_path):
    import keras

    network = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Lambda(lambda x: x * 2)])
    network.save(tmp_path / "network.keras")
    with pytest.raises(ModelError, match="network"):
        runtime.load_network(tmp_path / "network.keras")
