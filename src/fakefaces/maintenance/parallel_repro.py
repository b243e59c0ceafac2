"""``dvc repro`` with independent stages side by side.

One ``dvc repro`` runs its stages one after the other. Several may share a checkout, for DVC locks the paths that a
stage reads and writes, and the repository only between two stages (https://dvc.org/doc/command-reference/repro).
What has changed, and what the run cache has, stays DVC's business.
"""

import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path

from fakefaces.base.environment import JOBS
from fakefaces.base.errors import FakefacesError
from fakefaces.base.progress import echo
from fakefaces.base.slots import Slot, Slots

DVC = (sys.executable, "-m", "dvc")

_POLL = 1.0  # seconds after which a slot that a training has taken is asked for again
_NODE = re.compile(r'^"([^"]+)";$')
_EDGE = re.compile(r'^"([^"]+)" -> "([^"]+)";$')
_STARTED = re.compile(r"^Running stage '([^']+)'")
_ENDED = re.compile(r"^(Updating|Generating) lock file ")
_SKIPPED = re.compile(r"^(Stage|'data\.dvc') .*(cached|skipping)|^ERROR")


@dataclass(frozen=True)
class StageGraph:
    """Which stage needs which, in an order in which they can run."""

    needs: Mapping[str, frozenset[str]]

    @classmethod
    def from_dot(cls, text: str) -> "StageGraph":
        """Read what ``dvc dag --dot`` prints."""
        lines = [line.strip() for line in text.splitlines()]
        needs: dict[str, set[str]] = {match[1]: set() for line in lines if (match := _NODE.match(line))}
        for line in lines:
            if match := _EDGE.match(line):
                needs[match[2]].add(match[1])
        return cls({stage: frozenset(needed) for stage, needed in needs.items()})

    def affected(self, changed: set[str]) -> list[str]:
        """The changed stages and all that come after them.

        Those first that the most stages in a row wait for, and of these those that the most stages wait for.
        """
        order = list(TopologicalSorter(self.needs).static_order())
        affected = set(changed)
        for stage in order:
            if self.needs[stage] & affected:
                affected.add(stage)
        height = dict.fromkeys(order, 0)
        after: dict[str, set[str]] = {stage: set() for stage in order}
        for stage in reversed(order):
            for needed in self.needs[stage]:
                height[needed] = max(height[needed], height[stage] + 1)
                after[needed] |= {stage, *after[stage]}
        urgent = sorted(self.needs, key=lambda stage: (height[stage], len(after[stage])), reverse=True)
        return [stage for stage in urgent if stage in affected]

    def batch(self, waiting: Sequence[str], running: set[str], jobs: int) -> list[str]:
        """The stages that one process runs next, in this order; none where all have to wait.

        Each process costs a start of DVC, so that it takes a share of the stages that can run, and a chain of stages
        whole where there is nothing else to do.
        """
        blocked = {*waiting, *running}
        ready = [stage for stage in waiting if not self.needs[stage] & blocked]
        batch = ready[: -(-len(ready) // (2 * jobs))]
        if len(ready) == 1 and not running:
            while len(following := [stage for stage in waiting if self._ready_after(stage, batch, blocked)]) == 1:
                batch += following
        return batch

    def _ready_after(self, stage: str, batch: Sequence[str], blocked: set[str]) -> bool:
        return stage not in batch and not self.needs[stage] & (blocked - set(batch))


@dataclass
class _Process:
    """A ``dvc repro`` of a few stages, whose lines are printed behind the stage's name."""

    batch: list[str]
    slot: Slot
    dvc: "subprocess.Popen[str]"
    ended: "queue.Queue[_Process]"
    running: str = ""
    reader: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        with self.dvc:
            for line in map(str.rstrip, self.dvc.stdout or ()):
                if match := _STARTED.match(line):
                    self.running = match[1]
                elif _ENDED.match(line):
                    self.running = ""
                elif self.running and line:
                    print(f"{self.running} | {line}", flush=True)
                elif _SKIPPED.match(line):
                    print(line, flush=True)
        self.ended.put(self)


def reproduce(root: Path, jobs: int | None = None) -> None:
    """Bring the pipeline up to date, as ``dvc repro`` does.

    Where nothing has changed this takes little more than ``dvc status``: benchmarks/startup.py.

    Args:
        root: the project's folder.
        jobs: number of stages that run at a time, with the trainings that a stage runs beside its own; by default that
            of ``params.yaml``.

    Raises:
        FakefacesError: a stage failed; what others made is kept.
    """
    changed = _changed(root)
    if changed is not None and not changed:
        print("Data and pipelines are up to date.", flush=True)
        return
    from fakefaces.params.file import load  # which takes as long as the rest of this

    jobs = jobs or load(root / "params.yaml").jobs
    slots = Slots(root, jobs)
    if changed and jobs > 1 and (waiting := _affected(root, changed)):
        _run_side_by_side(*waiting, root, slots)
    # Whatever is left, a change of the meantime too; and DVC's own words at the end.
    with slots.take() or Slot():
        done = subprocess.run([*DVC, "repro"], cwd=root, env=os.environ | {JOBS: str(jobs)}, check=False)
    if done.returncode:
        raise FakefacesError("dvc repro: a stage failed; its lines above say why. Run the command again to go on")


def _changed(root: Path) -> set[str] | None:
    """The stages that have changed, or that always run; None where DVC cannot say, as then its own run says why.

    Where there is none, `dvc repro` would look at all of it again, lock each stage and do nothing.
    """
    status = _output(root, "status", "--json")
    return None if status is None else set(json.loads(status))


def _affected(root: Path, changed: set[str]) -> tuple[StageGraph, list[str]] | None:
    """The stages that may run, if they are several; None where DVC cannot say."""
    dag = _output(root, "dag", "--dot")
    if dag is None:
        return None
    graph = StageGraph.from_dot(dag)
    stages = graph.affected(changed)
    return (graph, stages) if len(stages) > 1 else None


def _output(root: Path, *arguments: str) -> str | None:
    done = subprocess.run([*DVC, *arguments], cwd=root, stdout=subprocess.PIPE, text=True, check=False)
    return None if done.returncode else done.stdout


def _run_side_by_side(graph: StageGraph, waiting: list[str], root: Path, slots: Slots) -> None:
    ended: queue.Queue[_Process] = queue.Queue()
    processes: list[_Process] = []
    failed: list[_Process] = []
    with _stopped_together(processes):
        while processes or (waiting and not failed):
            while len(processes) < slots.count and not failed:
                running = {stage for process in processes for stage in process.batch}
                batch = graph.batch(waiting, running, slots.count)
                if not batch or not (slot := slots.take() or (None if processes else Slot())):
                    break
                waiting = [stage for stage in waiting if stage not in batch]
                processes.append(_Process(batch, slot, _start(root, batch, slots.count), ended))
            with suppress(queue.Empty):
                process = ended.get(timeout=_POLL)
                process.slot.release()
                processes.remove(process)
                if process.dvc.returncode:
                    failed.append(process)
                    if processes:
                        others = ", ".join(other.running or other.batch[0] for other in processes)
                        echo(f"{process.running or process.batch[0]} failed; waiting for what runs beside it: {others}")
    if failed:
        names = ", ".join(process.running or process.batch[0] for process in failed)
        raise FakefacesError(f"{names} failed; the lines above say why. Run the command again to go on")


def _start(root: Path, batch: list[str], jobs: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        # Another dvc process has the repository's lock for moments only.
        [*DVC, "--wait-for-lock", "repro", "--single-item", *batch],
        cwd=root,
        env=os.environ | {"PYTHONUNBUFFERED": "1", JOBS: str(jobs)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,  # so that a signal reaches DVC and its stage together, and once
    )


@contextmanager
def _stopped_together(processes: list[_Process]) -> Iterator[None]:
    """Interrupt, or terminate, the stages with this process, and wait until they have ended."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as stop:
        number = signal.SIGINT if isinstance(stop, KeyboardInterrupt) else signal.SIGTERM
        for process in processes:
            with suppress(ProcessLookupError):
                os.killpg(process.dvc.pid, number)
        for process in processes:
            process.reader.join()
        raise
