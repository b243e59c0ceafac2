"""The registered model in this process, loaded by MLflow from its store."""

import shutil
from pathlib import Path

import pytest

import fakefaces
from fakefaces.base.errors import TrackingError
from fakefaces.inference import detector
from fakefaces.inference.detector import Detector
from fakefaces.inference.metadata import Operating
from fakefaces.inference.predict import score_files
from fakefaces.inference.score import PART_COLUMNS, Prediction
from fakefaces.tracking import registration
from fakefaces.tracking.detectors import MODEL_CODE, fetch_detector, pyfunc, write_model_files
from fakefaces.tracking.store import connect
from tests.graphs import write_residual_detector
from tests.pictures import striped
from tests.serving.conftest import photographs
from tests.tracking.factories import evaluated, promoted, trained

PACKAGE = Path(fakefaces.__file__).parent

CHAMPION = "models:/fake-faces@champion"


def test_it_takes_the_content_of_files_and_says_what_predict_says(registered):
    files = photographs(registered)[::6]
    predictions = pyfunc().load_model(CHAMPION).predict([path.read_bytes() for path in files])
    alone = score_files(detector.load(fetch_detector(CHAMPION)), files, threads=1)
    assert [p.model_dump() for p in predictions] == [score.model_dump(exclude={"path"}) for score in alone]
    assert {p.label for p in predictions} == {"fake", "real"}
    # This operating point: unsure from the threshold on, and never surely fake.
    assert [p.unsure for p in predictions] == [p.label == "fake" for p in predictions]
    assert {p.model_version for p in predictions} == {"1"}
    assert len({getattr(predictions[0], name) for name in PART_COLUMNS}) == 4


def test_a_bad_image_is_a_row_and_what_is_no_image_at_all_is_refused_by_its_type(registered):
    model, file = pyfunc().load_model(CHAMPION), photographs(registered)[0]
    good, text, empty, broken = model.predict([file.read_bytes(), b"x", b"", file.read_bytes()[:900]])
    assert (good.problem, text.problem, empty.problem, broken.problem) == (None, "not_an_image", "empty", "broken")
    assert good.p_fake is not None
    assert (text.p_fake, text.label, text.model_version) == (None, None, "1")
    assert text.problem_detail.startswith("image 2: not an image")
    assert model.predict([]) == []
    from mlflow.exceptions import MlflowException

    for invalid in (["photo.jpg"], [7], [file]):
        with pytest.raises(MlflowException, match="Expected type bytes"):
            model.predict(invalid)


def test_the_signature_has_all_columns(registered):
    signature = pyfunc().load_model(CHAMPION).metadata.signature
    assert [column.type.name for column in signature.inputs] == ["binary"]
    (row,) = signature.outputs
    assert {column.name for column in row.type.properties} == set(Prediction.model_fields)
    assert not any(column.required for column in row.type.properties)


def test_it_holds_nothing_but_the_detector_its_code_and_what_mlflow_needs(tracked, tmp_path):
    for name in ("pyproject.toml", "uv.lock"):  # which MLflow would take along from a project's folder
        (tracked / name).write_text("")
    trained(tracked, "m", detector=write_residual_detector(tmp_path / "residual"))
    promoted(tracked, evaluated(tracked, "m", 1))
    folder = fetch_detector(CHAMPION)
    (code,) = (folder.parents[1] / "code").iterdir()
    assert code.name.startswith("fakefaces_inference_")
    assert {path.name for path in folder.iterdir()} == {"network.onnx", "detector.json"}
    assert {path.name for path in folder.parents[1].iterdir()} == {
        *("MLmodel", "artifacts", "code", "conda.yaml", "pyfunc_model.py", "python_env.yaml"),
        *("registered_model_meta", "requirements.txt"),
    }


@pytest.mark.slow
def test_it_uses_one_thread_unless_it_is_loaded_with_more(registered):
    alone = pyfunc().load_model(CHAMPION)
    more = pyfunc().load_model(CHAMPION, model_config={"threads": 4})
    assert (alone.unwrap_python_model().threads, more.unwrap_python_model().threads) == (1, 4)
    images = [path.read_bytes() for path in photographs(registered)[:20]]
    assert more.predict(images) == alone.predict(images)


def test_a_prediction_has_the_score_label_abstention_and_parts_of_its_own_image(mean_detector, tmp_path):
    pyfunc()  # without the warnings of MLflow's own import
    from fakefaces.serving.pyfunc_model import FakeFaces

    point = Operating(threshold=0.6, low=0.3, high=0.8)
    model, files = FakeFaces(), []
    model.detector = Detector(mean_detector.graph, mean_detector.metadata.model_copy(update={"operating": point}))
    for grey in (51, 230, 102, 178, 140):
        files.append(tmp_path / f"{grey}.png")
        striped((grey,) * 3).save(files[-1])
    predictions = model.predict(None, [path.read_bytes() for path in files])
    assert [p.p_fake for p in predictions] == pytest.approx([0.2, 230 / 255, 0.4, 178 / 255, 140 / 255])
    assert [p.label for p in predictions] == ["real", "fake", "real", "fake", "real"]
    assert [p.unsure for p in predictions] == [False, False, True, True, True]
    parts = {"left_eye": 0.02, "right_eye": 0.04, "nose": 0.06, "mouth": 0.08}
    assert predictions[0].parts == pytest.approx(parts)
    model.detector = mean_detector
    (plain,) = model.predict(None, [files[4].read_bytes()])
    assert (plain.label, plain.unsure) == ("fake", None)


@pytest.mark.slow
def test_two_versions_with_different_code_live_in_one_process_beside_the_installed_package(
    registered, tmp_path, monkeypatch
):
    other = tmp_path / "another release" / "fakefaces"
    shutil.copytree(PACKAGE, other, ignore=shutil.ignore_patterns("__pycache__"))
    images = other / "data" / "images.py"
    images.write_text(images.read_text().replace("the file is empty", "nothing is in it"))
    monkeypatch.setattr(registration, "MODEL_CODE", other / MODEL_CODE.relative_to(PACKAGE))
    trained(registered, "n", detector=write_residual_detector(tmp_path / "n", seed=1))
    promoted(registered, evaluated(registered, "n", 1))
    first, second = (pyfunc().load_model(f"models:/fake-faces/{k}") for k in (1, 2))
    assert [model.predict([b""])[0].problem_detail for model in (first, second, first)] == [
        "image 1: the file is empty",
        "image 1: nothing is in it",
        "image 1: the file is empty",
    ]
    image = photographs(registered)[0]
    alone = detector.load(fetch_detector("models:/fake-faces/2")).score("p", image.read_bytes)
    (prediction,) = second.predict([image.read_bytes()])
    assert prediction.model_dump() == alone.model_dump(exclude={"path"})
    import fakefaces.evaluation.gate

    assert Path(fakefaces.evaluation.gate.__file__).is_relative_to(PACKAGE)


@pytest.mark.slow
def test_a_version_of_an_earlier_release_is_packed_later(registered, tmp_path, monkeypatch):
    trained(registered, "n", detector=write_residual_detector(tmp_path / "n", seed=1))
    with monkeypatch.context() as earlier:
        earlier.setattr(registration, "write_packed", write_model_files)  # which packs no code
        promoted(registered, evaluated(registered, "n", 1))
    uri, store = "models:/fake-faces/2", connect()
    image = photographs(registered)[0].read_bytes()
    before = pyfunc().load_model(uri).predict([image])
    assert [registration.is_packed(f"models:/fake-faces/{k}") for k in (1, 2)] == [True, False]
    model_id = store.client.get_model_version("fake-faces", "2").source.removeprefix("models:/")
    registration.repack(store, model_id, fetch_detector(uri))
    assert registration.is_packed(uri)
    model = pyfunc().load_model(uri)
    assert model.metadata.flavors["python_function"]["code"] == "code"
    assert model.metadata.model_id == model_id
    assert model.predict([image])[0].model_dump() == before[0].model_dump()
    with pytest.raises(TrackingError, match="no such model"):
        registration.is_packed("models:/fake-faces/9")
