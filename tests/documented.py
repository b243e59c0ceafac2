"""The commands of the documentation: found in its pages, and how each is run in a small project."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import ROOT

# docs/ciplab is of a data set that is not here.
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])

# Blocks that are no commands, by how they begin.
NO_COMMANDS = (
    "fetch -> duplicates -> split",  # diagrams of the pipeline, of the runs and of a folder
    "scores/part-00000",
    "http://127.0.0.1:5000/#/",  # the page of the runs
    "repro-4bdf6dc",
    "photographs -> score",
    "custom_cnn_wide: {",  # an entry of params.yaml
    "pipelines/<stage>.py",  # the map of the code
    "Content Credentials",  # what a command prints
)
_YAML = re.compile(r"\w+:( |$)")  # how a part of params.yaml begins
PYTHON = ("import ", "from ")

# Commands that are not run here, by what they contain, and why.
EXCEPTIONS = {
    "make test": "runs the tests",
    "make torture": "runs the tests of tests/torture",
    "make lint": "runs in CI",
    "make check-lock": "runs in CI",
    "uv run pytest": "runs the tests",
    "make pr-report": "runs the whole pipeline; tests/proposals has it",
    "make app": "opens a browser; tests/test_review.py drives the page",
    "s3://": "needs S3",
    "fakefaces data kaggle": "needs Kaggle",
    "uv venv elsewhere": "fetches packages",
    "elsewhere/bin/python": "needs that environment; tests/serving has one",
    "--env-manager uv": "fetches packages",
    "fakefaces watch": "an alarm is up to these few photographs; tests/monitoring has it",
    "--shadow": "needs a challenger; tests/monitoring has it",
    "fakefaces shadow": "needs corrections; tests/monitoring has it",
    "benchmarks/": "takes minutes, and data that are not here",
    "read_parquet": "a line of another program; tests/scoring reads the parts",
    "duckdb.sql": "needs DuckDB",
    "uv sync": "fetches packages",
    "sudo ": "changes the machine",
    "$SPARK/": "needs Spark; tests/scoring has it",
    "import pyspark": "needs Spark",
    "docs/ciplab": "needs scores of CIPLAB's photographs; tests/benchmark evaluates on a published set",
    "fakefaces retrain": "needs a remote of git; tests/retraining has one",
    "make retrain": "needs a remote of git; tests/retraining has one",
    "17 4 * * 1": "a line of cron",
    "15 3 * * *": "a line of cron",
    "45 3 * * *": "a line of cron",
    "faces[0]": "goes on with the photograph of the line before",
    "find_faces(pixels)": "needs the pixels of a photograph; tests/faces has them",
    "git clone ADDRESS": "needs an address",
    "make experiments": "needs the project's own environment; tests/test_dvc_tables.py has it",
    "4f6d27c5d21f265d...": "a sha256 that is cut short; tests/maintenance has whole ones",
    "FAKEFACES_VERIFYING_KEY": "needs signed versions; tests/provenance has them",
    "make month": "takes ten minutes; tests/test_month.py plays its short form",
    "/srv/": "photographs that are not here",
    "OPTUNA_STORAGE": "needs PostgreSQL; tests/test_tune.py has it",
    "fakefaces tune --worker": "needs PostgreSQL; tests/test_tune.py has it",
}

# What is put in place of what only a reader has: programs, paths, addresses, names of this project's few models.
SUBSTITUTIONS = (
    ("uv run ", ""),
    ("make repro", "make repro RUN= UV=true"),
    ("make ui", "make ui RUN= UV=true PORT={ui}"),
    ("make serve ", "make serve RUN= UV=true SERVE_PORT={serve} "),
    ("127.0.0.1:5001", "127.0.0.1:{serve}"),
    ("/path/with/real/and/fake", "~/Downloads/real_and_fake_face"),
    ("samples/training_real/real_00001.jpg", "photo.jpg"),
    ("SOURCE ", "~/Downloads/real_and_fake_face "),
    ("-n slower", "-n slower train@simple_cnn"),  # one stage of six
    ("explain custom_cnn ", "explain custom_cnn_tuned "),
    ("promote custom_cnn ", "promote custom_cnn_tuned "),
    ("models:/fake-faces/2", "models:/fake-faces/1"),
    ("promote 3 --force", "promote 1 --force"),
    ("theirs.csv", "outputs/scores/simple_cnn.csv"),
    ("outputs/scores/custom_cnn.csv", "outputs/scores/custom_cnn_tuned.csv"),
    ("[RUN|VERSION]", "1"),
    ("[--json]", "--json"),
)

# Refusals that are right in this project, by what the command contains: the sentence that is expected.
REFUSALS = {
    "promote --rollback": "no champion before this one to roll back to",
    "fakefaces promote custom_cnn ": "is not champion",
    "fakefaces doctor    # a line": "--fix: update their paths",  # this project was copied
    "fakefaces data --update": "data.dvc names no source to fetch again",  # after --add
}

SERVERS = ("make ui", "make serve")  # run until the page's other commands have


def commands(page: Path) -> Iterator[str]:
    """The commands of a page, as printed: a line of the shell with those that continue it, or a block of Python."""
    for block in re.findall(r"(?:(?<=\n\n)|\A)((?:    \S.*\n(?:    .*\n)*)+)", page.read_text(encoding="utf-8")):
        lines = [line.removeprefix("    ") for line in block.splitlines()]
        if lines[0].startswith(NO_COMMANDS) or lines[0].startswith(("1.", "- ", "  ")):
            continue
        if _YAML.match(lines[0]):
            continue
        if lines[0].startswith(PYTHON):
            yield "\n".join(lines)
            continue
        yield from re.sub(r"\|\n\s*", "| ", re.sub(r"\\\n\s*", "", "\n".join(lines))).splitlines()


def exception(command: str) -> str | None:
    """Why a command is not run here; None if it is."""
    return next((reason for part, reason in EXCEPTIONS.items() if part in command), None)


def substituted(command: str, ports: dict[str, int]) -> str:
    """A command as it is run here."""
    for printed, here in SUBSTITUTIONS:
        for name, port in ports.items():
            here = here.replace(f"{{{name}}}", str(port))
        command = command.replace(printed, here)
    return command
