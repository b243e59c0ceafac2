"""The container and the devcontainer name what the project has."""

import json
import re
import tomllib

from packaging.specifiers import SpecifierSet

from tests.conftest import ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()
DEVCONTAINER = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
MAKEFILE = (ROOT / "Makefile").read_text()


def test_both_have_a_python_that_the_project_runs_on():
    images = [re.search(r"^FROM (\S+)", DOCKERFILE, flags=re.MULTILINE)[1], DEVCONTAINER["image"]]
    versions = [re.search(r"python:(\d+\.\d+)", image)[1] for image in images]
    supported = SpecifierSet(PYPROJECT["project"]["requires-python"])
    assert len(set(versions)) == 1 and versions[0] in supported


def test_what_they_copy_is_there_and_what_they_run_are_targets_of_make():
    copied = re.findall(r"^COPY (?:--\S+ )?(.*) \S+$", DOCKERFILE, flags=re.MULTILINE)
    assert all((ROOT / name).exists() for names in copied for name in names.split())
    commands = [*re.findall(r"^RUN make (.*)$", DOCKERFILE, flags=re.MULTILINE), "repro", "ui"]
    commands += DEVCONTAINER["postCreateCommand"].removeprefix("make ").split()
    assert 'CMD ["make", "repro"]' in DOCKERFILE
    assert all(re.search(rf"^{target}:", MAKEFILE, flags=re.MULTILINE) for target in commands)


def test_the_environment_is_built_from_what_setup_reads():
    before = DOCKERFILE.partition("RUN make setup")[0]
    assert all(name in before for name in ("Makefile", "pyproject.toml", "uv.lock", "src", "README.md", "LICENSE"))


def test_the_image_holds_nothing_that_git_ignores():
    ignored = {line.strip("/*") for line in (ROOT / ".gitignore").read_text().splitlines() if line.startswith("/")}
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    left_out = {line.strip("/*") for line in lines}
    assert {name for name in ignored if not name.startswith(("!", "reports/"))} <= left_out
    assert ".git" not in left_out


def test_the_devcontainer_forwards_the_ports_of_our_servers():
    ports = {int(port) for port in re.findall(r"PORT := (\d+)", MAKEFILE)}
    assert ports | {8080} == set(DEVCONTAINER["forwardPorts"])
