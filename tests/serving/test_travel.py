"""The registered model where this package is not installed: an empty environment from its own requirements.txt."""

import base64
import json
import re
import shutil
import subprocess
import urllib.request
from pathlib import Path

import pytest

from fakefaces.inference import detector
from fakefaces.inference.predict import score_files
from fakefaces.inference.score import Prediction
from fakefaces.tracking.detectors import REQUIREMENTS, fetch_detector
from tests.conftest import write_photographs
from tests.graphs import write_residual_detector
from tests.serving.conftest import photographs
from tests.serving.environments import clean_environ, new_environment, predictions
from tests.serving.servers import free_port, mlflow, running, tracking_server
from tests.tracking.factories import evaluated, promoted, trained

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("tracked", ["sqlite"], indirect=True)]

CHAMPION = "models:/fake-faces@champion"
MLFLOW = ("mlflow-skinny==", "pandas==")  # mlflow.pyfunc needs pandas, which mlflow-skinny does not require


def fetch_model(target: Path) -> Path:
    """The champion's files in a new folder, as a download from a store brings them."""
    shutil.copytree(fetch_detector(CHAMPION).parents[1], target)
    return target


def own_predictions(root: Path) -> list[dict]:
    scores = score_files(detector.load(fetch_detector(CHAMPION)), photographs(root), threads=2)
    return [score.model_dump(exclude={"path"}) for score in scores]


def test_its_requirements_are_all_that_a_folder_needs(registered, python, elsewhere):
    model = fetch_model(elsewhere / "model")
    required = (model / "requirements.txt").read_text().split()
    assert [line.split("==")[0] for line in required] == list(REQUIREMENTS)
    rows = predictions(python, elsewhere, "model", str(registered / "more"))
    assert rows == own_predictions(registered)
    assert {row["model_version"] for row in rows} == {"1"}


def test_what_it_requires_besides_mlflow_is_below_350_megabytes(registered, elsewhere):
    model = fetch_model(elsewhere / "model")
    others = [line for line in (model / "requirements.txt").read_text().split() if not line.startswith(MLFLOW)]
    assert len(others) == len(REQUIREMENTS) - 2
    venv = new_environment(elsewhere / "venv", others).parents[1]
    assert sum(file.stat().st_size for file in venv.rglob("*") if file.is_file()) < 350e6


def test_an_http_store_is_read_with_mlflow_skinny_alone(tracked, python, elsewhere, tmp_path, monkeypatch):
    with tracking_server(tmp_path / "server") as url:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", url)
        trained(tracked, "m", detector=write_residual_detector(tmp_path / "residual"))
        promoted(tracked, evaluated(tracked, "m", 1))
        write_photographs(tracked / "more", reals=5, fakes=5)
        assert predictions(python, elsewhere, CHAMPION, str(tracked / "more"), url) == own_predictions(tracked)


def test_mlflow_serves_it_from_another_directory_in_an_environment_of_its_own(registered, elsewhere, tmp_path):
    fetch_model(elsewhere / "model")
    port = free_port()
    command = [mlflow(), "models", "serve", "-m", "model", "--env-manager", "uv", "--port", str(port)]
    with running(command, elsewhere, port, "/ping", MLFLOW_ENV_ROOT=str(tmp_path / "envs")) as url:
        check_served(url, registered)


def test_the_steps_of_its_dockerfile_serve_it(registered, elsewhere):
    """By hand and without Docker: in another folder than the image's, with neither apt nor nginx."""
    fetch_model(elsewhere / "model")
    command = [mlflow(), "models", "generate-dockerfile", "-m", "model", "-d", "image"]
    subprocess.run(command, cwd=elsewhere, env=clean_environ(), capture_output=True, check=True)
    steps = (elsewhere / "image" / "Dockerfile").read_text()
    (packages,) = re.findall(r"^RUN pip install (.+)$", steps, re.MULTILINE)
    ((source, target),) = re.findall(r"^COPY (\S+) (\S+)$", steps, re.MULTILINE)
    (install,) = re.findall(r'^RUN python -c "(.+)"$', steps, re.MULTILINE)
    entrypoint = json.loads(re.findall(r"^ENTRYPOINT (.+)$", steps, re.MULTILINE)[0])
    others = [line.split()[1] for line in re.findall(r"^RUN .+$", steps, re.MULTILINE)]
    assert set(others) == {"printf", "apt-get", "pip", "python", "chmod", "rm"}
    assert entrypoint[:2] == ["python", "-c"]

    python = new_environment(elsewhere / "venv", packages.split(), pip=True)
    copied = elsewhere / "copied"
    shutil.copytree(elsewhere / "image" / source, copied)
    environ = clean_environ(DISABLE_NGINX="true", MLFLOW_DISABLE_ENV_CREATION="True", MLFLOW_MODELS_WORKERS="1")
    environ["PATH"] = f"{python.parent}:{environ['PATH']}"
    done = subprocess.run(
        [python, "-c", install.replace(target, str(copied))], cwd=elsewhere, env=environ, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    port = 8000  # which MLflow's entry point has fixed
    moved = f"from mlflow.models import container; container.MODEL_PATH = {str(copied)!r}; "
    with running([str(python), "-c", moved + entrypoint[2]], elsewhere, port, "/ping", **environ) as url:
        check_served(url, registered)


def check_served(url: str, root: Path) -> None:
    """Ask MLflow's server for the photographs of a ``registered`` project, with one bad image among them."""
    images = [path.read_bytes() for path in photographs(root)[:20]]
    images.insert(3, b"not an image")
    body = json.dumps({"inputs": [base64.b64encode(image).decode() for image in images]}).encode()
    request = urllib.request.Request(f"{url}/invocations", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        rows = json.loads(answer.read())["predictions"]
    bad = rows.pop(3)
    assert rows == own_predictions(root)[:20]
    assert (bad["problem"], list(bad)) == ("not_an_image", list(Prediction.model_fields))
