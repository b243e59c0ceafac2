import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from fakefaces.base.errors import DataError, FakefacesError
from fakefaces.cli import app
from fakefaces.cli.chosen import any_detector
from fakefaces.explain.explanation import look, shown
from tests.conftest import picture


def test_the_command_draws_what_a_trained_model_sees(workspace, loaded):
    loaded.save(workspace / "outputs" / "models" / "custom_cnn")
    images = sorted((workspace / "data" / "training_fake").iterdir())[:2]
    done = CliRunner().invoke(app, ["explain", "custom_cnn", *map(str, images)], catch_exceptions=False)
    made = [workspace / line for line in done.stdout.split()]
    assert {path.name for path in made} == {"filters.png"} | {
        f"{image.stem}_{kind}.png" for image in images for kind in ("heat", "feature_maps")
    }
    for path in made:
        with Image.open(path) as drawn:
            assert np.asarray(drawn.convert("L")).std() > 5


def test_a_broken_file_is_named_and_the_others_are_drawn(workspace, loaded):
    loaded.save(workspace / "outputs" / "models" / "custom_cnn")
    (workspace / "text.jpg").write_text("no image")
    image = next((workspace / "data" / "training_real").iterdir())
    with pytest.raises(DataError, match="1 of 2"):
        CliRunner().invoke(app, ["explain", "custom_cnn", "text.jpg", str(image)], catch_exceptions=False)
    assert (workspace / "explained" / f"{image.stem}_heat.png").is_file()


def test_an_unknown_model_is_one_message(workspace):
    with pytest.raises(FakefacesError, match="neither a folder"):
        any_detector("nobody")


def test_files_are_looked_at_in_one_batch_and_refused_ones_say_why(loaded, tmp_path):
    rng = np.random.default_rng(0)
    for k in range(3):
        picture(rng, fake=True, size=48).save(tmp_path / f"{k}.png")
    files = [(f"{k}.png", (tmp_path / f"{k}.png").read_bytes()) for k in range(3)]
    files.insert(1, ("broken.jpg", b"\xff\xd8\xff broken"))
    looks = look(loaded, files, threads=2)
    assert [one.score.name for one in looks] == [name for name, _ in files]
    assert looks[1].score.problem and looks[1].heat is None
    for k in (0, 2, 3):
        assert looks[k].heat is not None and looks[k].score.p_fake is not None
        assert shown(files[k][1], "x", looks[k].heat).shape == (48, 48, 3)
    (alone,) = look(loaded, files[3:], threads=1)
    np.testing.assert_allclose(alone.heat, looks[3].heat, atol=1e-5)
