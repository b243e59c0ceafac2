"""The champion of a whole pipeline: its scores by MLflow in an empty environment, by predict, and as evaluated."""

import json
import shutil
import sys

import pandas as pd
import pytest

from tests.serving.environments import predictions


@pytest.mark.slow
def test_the_pipelines_champion_has_the_scores_that_were_evaluated(copied, python, elsewhere):
    project = copied("project of its own")
    champion = json.loads(project.run("fakefaces", "registry", "--json").stdout)["versions"][0]
    uri = f"models:/fake-faces/{champion['version']}"
    code = f"from fakefaces.tracking.detectors import fetch_detector; print(fetch_detector({uri!r}).parents[1])"
    shutil.copytree(project.run(sys.executable, "-c", code).stdout.strip(), elsewhere / "model")
    rows = predictions(python, elsewhere, "model", str(project.root / "data"))
    names = sorted(path.relative_to(project.root / "data").as_posix() for path in project.root.glob("data/**/*.jpg"))
    travelled = dict(zip(names, rows, strict=True))

    lines = project.run("fakefaces", "predict", "--json", "data").stdout.splitlines()
    predicted = {row.pop("path").removeprefix("data/"): row for row in map(json.loads, lines)}
    assert travelled == predicted
    evaluated_scores = pd.read_csv(project.root / "outputs" / "scores" / f"{champion['model']}.csv", dtype=str)
    assert len(evaluated_scores) > 10
    for row in evaluated_scores.itertuples():
        assert f"{travelled[row.image]['p_fake']:.8f}" == row.p_fake
