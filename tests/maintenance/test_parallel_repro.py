import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import yaml

from fakefaces.base.errors import FakefacesError
from fakefaces.maintenance.parallel_repro import DVC, StageGraph, reproduce

DOT = """strict digraph {
"data";
"split";
"prepare@a";
"prepare@b";
"train@a";
"train@b";
"score";
"report";
"data" -> "split";
"split" -> "prepare@a";
"split" -> "prepare@b";
"prepare@a" -> "train@a";
"prepare@b" -> "train@b";
"train@a" -> "score";
"train@b" -> "score";
"score" -> "report";
}
"""


def test_what_comes_after_a_change_is_affected():
    graph = StageGraph.from_dot(DOT)
    assert graph.affected({"prepare@b"}) == ["prepare@b", "train@b", "score", "report"]
    assert graph.affected(set()) == []
    assert graph.affected({"data"})[:2] == ["data", "split"]


def test_what_more_stages_wait_for_comes_first():
    wider = DOT.replace('"prepare@b" -> "train@b"', '"prepare@b" -> "train@a";\n"prepare@b" -> "train@b"')
    everything = StageGraph.from_dot(wider).affected({"data"})
    assert everything[2:] == ["prepare@b", "prepare@a", "train@a", "train@b", "score", "report"]


def test_a_chain_is_one_batch_and_a_stage_waits_for_what_it_needs():
    graph = StageGraph.from_dot(DOT)
    everything = graph.affected({"data"})
    assert graph.batch(everything, set(), jobs=2) == ["data", "split"]
    left = everything[2:]
    assert graph.batch(left, set(), jobs=2) == ["prepare@a"]
    assert graph.batch(left[1:], {"prepare@a"}, jobs=2) == ["prepare@b"]
    assert graph.batch(left[2:], {"prepare@a", "prepare@b"}, jobs=2) == []
    assert graph.batch(["score", "report"], {"train@b"}, jobs=2) == []
    assert graph.batch(["score", "report"], set(), jobs=2) == ["score", "report"]


def met(name: str, other: str) -> str:
    """A command that succeeds only while another one runs, too."""
    return (
        f"touch {name}.started; for i in $(seq 600); do [ -e {other}.started ] && break; sleep 0.1; done;"
        f" [ -e {other}.started ] && cat source.txt > {name}.txt"
    )


def after(name: str) -> str:
    """A command that waits until another stage runs."""
    return f"for i in $(seq 600); do [ -e {name}.started ] && break; sleep 0.1; done;"


# Prints how many slots a stage is told of, and whether a training beside its own would get one.
SLOT = f"""{sys.executable} -c 'from pathlib import Path; from fakefaces.base import environment, slots; \
jobs = environment.jobs(); print(jobs, slots.Slots(Path.cwd(), jobs).take())'"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for command in (["git", "init", "-q"], [*DVC, "init", "-q"]):
        subprocess.run(command, check=True)
    (tmp_path / "seed.txt").write_text("seed")
    return tmp_path


def stages(project: Path, **commands: tuple[str, list[str]]) -> None:
    content = {name: {"cmd": cmd, "deps": deps, "outs": [f"{name}.txt"]} for name, (cmd, deps) in commands.items()}
    (project / "dvc.yaml").write_text(yaml.safe_dump({"stages": content}))


def test_independent_stages_run_at_the_same_time(project, capfd):
    stages(
        project,
        source=("cat seed.txt > source.txt", ["seed.txt"]),
        left=(met("left", "right"), ["source.txt"]),
        right=(f"echo hello; {after('left')} {SLOT} > slot.out; " + met("right", "left"), ["source.txt"]),
        joined=("cat left.txt right.txt > joined.txt", ["left.txt", "right.txt"]),
    )
    reproduce(project, jobs=2)
    assert (project / "joined.txt").read_text() == "seedseed"
    assert (project / "slot.out").read_text() == "2 None\n"  # each of the two stages has one, and none is left
    printed = capfd.readouterr().out
    assert "right | hello" in printed and "Data and pipelines are up to date" in printed
    parallel = yaml.safe_load((project / "dvc.lock").read_text())
    subprocess.run([*DVC, "repro", "-q", "--force", "source", "joined"], check=True)
    assert yaml.safe_load((project / "dvc.lock").read_text()) == parallel
    capfd.readouterr()
    reproduce(project, jobs=2)
    assert capfd.readouterr().out == "Data and pipelines are up to date.\n"  # and no stage is looked at once more


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_failed_stage_is_named_and_what_others_made_stays(project, capfd, jobs):
    slow = ("sleep 3; cat source.txt > slow.txt", ["source.txt"])
    stages(
        project,
        source=("cat seed.txt > source.txt", ["seed.txt"]),
        slow=slow,
        broken=("echo no such thing; exit 3", ["source.txt"]),
        joined=("cat slow.txt broken.txt > joined.txt", ["slow.txt", "broken.txt"]),
    )
    with pytest.raises(FakefacesError, match="failed.*Run the command again to go on"):
        reproduce(project, jobs=jobs)
    printed = capfd.readouterr()
    assert "no such thing" in printed.out and "failed to reproduce 'broken'" in printed.out + printed.err
    recorded = yaml.safe_load((project / "dvc.lock").read_text())["stages"]
    assert "source" in recorded and "broken" not in recorded and "joined" not in recorded
    assert ("slow" in recorded) or jobs == 1


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_reaches_the_stages(project, number):
    slow = "echo $$ > {0}.pid; exec sleep 600; touch {0}.txt"
    stages(project, left=(slow.format("left"), ["seed.txt"]), right=(slow.format("right"), ["seed.txt"]))
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"  # ignored in a job in the background
        "from pathlib import Path; from fakefaces.base.stage import error_boundary;"
        "from fakefaces.maintenance.parallel_repro import reproduce;"
        "raise SystemExit(error_boundary(lambda: reproduce(Path('.'), 2)))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=project)
    numbers = [project / "left.pid", project / "right.pid"]
    deadline = time.monotonic() + 120
    while not all(path.is_file() and path.read_text().strip() for path in numbers):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(number)
    try:
        assert process.wait(timeout=60) == 128 + number
    finally:
        process.kill()
    for path in numbers:
        with suppress(psutil.NoSuchProcess):  # ended, though perhaps not yet waited for by its new parent
            assert psutil.Process(int(path.read_text())).status() == psutil.STATUS_ZOMBIE
