import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from fakefaces.base.errors import DataError
from fakefaces.cli import app
from fakefaces.data import decoders
from fakefaces.explain.explanation import explain_images
from fakefaces.models import runtime
from tests.conftest import picture
from tests.detectors import copy_detector


def test_the_command_draws_heatmaps_feature_maps_and_filters(workspace, loaded):
    copy_detector(loaded, workspace / "outputs" / "models" / "custom_cnn")
    images = sorted((workspace / "data" / "training_fake").iterdir())[:2]
    done = CliRunner().invoke(app, ["explain", "custom_cnn", *map(str, images)], catch_exceptions=False)
    written = [workspace / line for line in done.stdout.split()]
    assert {path.name for path in written} == {"filters.png"} | {
        f"{image.stem}_{kind}.png" for image in images for kind in ("heat", "feature_maps")
    }
    for path in written:
        with Image.open(path) as drawn:
            assert np.asarray(drawn.convert("L")).std() > 5


def test_all_images_are_decoded_before_tensorflow_is_loaded(workspace, loaded, monkeypatch):
    """Both at once would take more memory than a command may: 1.7 GB with photographs of 50 megapixels."""
    events = []

    def noted(module, name):
        function = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *arguments: events.append(name) or function(*arguments))

    noted(decoders, "pixels")
    noted(runtime, "load_network")
    copy_detector(loaded, workspace / "outputs" / "models" / "custom_cnn")
    images = sorted((workspace / "data" / "training_fake").iterdir())[:2]
    CliRunner().invoke(app, ["explain", "custom_cnn", *map(str, images)], catch_exceptions=False)
    assert events.count("pixels") >= 2
    assert events[-1] == "load_network" and events.count("load_network") == 1


def test_a_broken_file_is_named_and_the_others_are_drawn(workspace, loaded):
    copy_detector(loaded, workspace / "outputs" / "models" / "custom_cnn")
    (workspace / "text.jpg").write_text("no image")
    image = next((workspace / "data" / "training_real").iterdir())
    with pytest.raises(DataError, match="1 of 2"):
        CliRunner().invoke(app, ["explain", "custom_cnn", "text.jpg", str(image)], catch_exceptions=False)
    assert (workspace / "explained" / f"{image.stem}_heat.png").is_file()


def test_a_file_is_explained_as_it_is_alone_and_refused_ones_have_a_problem(loaded, tmp_path):
    rng = np.random.default_rng(0)
    for k in range(3):
        picture(rng, fake=True, size=48).save(tmp_path / f"{k}.png")
    files = [(f"{k}.png", (tmp_path / f"{k}.png").read_bytes()) for k in range(3)]
    files.insert(1, ("broken.jpg", b"\xff\xd8\xff broken"))
    explanations = explain_images(loaded, files, threads=2)
    assert [explanation.score.path for explanation in explanations] == [name for name, _ in files]
    assert explanations[1].score.problem and explanations[1].heatmap is None
    for k in (0, 2, 3):
        assert explanations[k].heatmap is not None and explanations[k].score.p_fake is not None
    (alone,) = explain_images(loaded, files[3:], threads=1)
    assert (alone.heatmap == explanations[3].heatmap).all()
