"""What happens in a month, in its order, and what is expected of each step."""

import csv
import hashlib
import json
import random
import re
import shutil
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import yaml

from benchmarks.month.clone import Clone, linked
from benchmarks.month.diary import Diary
from benchmarks.month.servers import Client, ask, server
from fakefaces.base.files import read_json
from fakefaces.base.progress import waiting_for

CHECKOUT = Path(__file__).resolve().parents[2]
MODELS = ("simple_cnn", "forensic")
SEED = 2026


@dataclass
class Month:
    """The folder of a month, and those who act in it."""

    folder: Path
    checkout: Path = CHECKOUT
    images: int = 100  # photographs a day
    days: int = 10
    change: int = 8  # the day from which on all fakes are generated whole, a kind that the models have not learned
    diary: Diary = field(default_factory=Diary)
    truth: dict[str, bool] = field(default_factory=dict)  # whether fake, by the sha256 of a photograph's bytes

    @property
    def project(self) -> Clone:
        """Where people work."""
        return Clone(self.folder / "project", self.folder)

    @property
    def runner(self) -> Clone:
        """Where continuous integration works."""
        return Clone(self.folder / "runner", self.folder)

    def day(self, number: int) -> Path:
        """The photographs of a day."""
        return self.folder / "days" / f"{number:02}"

    def begin(self) -> None:
        """A finished project with its remotes, and a champion by the gate."""
        hub, project = self.folder / "hub.git", self.project
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "store").mkdir()
        here = Clone(self.checkout, self.folder)
        here.run("git", "init", "--quiet", "--bare", "--initial-branch", "main", str(hub))
        here.run("git", "push", "--quiet", str(hub), "HEAD:refs/heads/main")
        here.run("git", "clone", "--quiet", str(hub), str(project.root))
        with suppress(FileNotFoundError):
            shutil.copytree(self.checkout / ".dvc" / "cache", project.root / ".dvc" / "cache", copy_function=linked)
        params = yaml.safe_load((project.root / "params.yaml").read_text())
        params["train"]["models"] = {name: params["train"]["models"][name] for name in MODELS}
        read = {model["features"] for model in params["train"]["models"].values()} | {params["tune"]["features"]}
        params["prepare"]["features"] = {name: params["prepare"]["features"][name] for name in sorted(read)}
        params["tune"] |= {"trials": 2, "startup_trials": 1, "epochs": 2}
        (project.root / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
        project.run("dvc", "remote", "add", "--quiet", "--default", "here", str(self.folder / "dvc"))
        project.run("dvc", "checkout", "--quiet", "--allow-missing")
        project.run("dvc", "repro", "report")
        project.run("git", "add", "--all")
        project.run("git", "commit", "--quiet", "--message", "The models of the month, and their results")
        project.run("dvc", "push", "--quiet", "--run-cache")
        project.run("git", "push", "--quiet", "origin", "main")
        project.run("git", "clone", "--quiet", str(hub), str(self.runner.root))
        self.runner.make("promote")
        decision = read_json(self.runner.root / "reports" / "promotion.json")
        self.diary.expect(decision["outcome"] == "champion", "a first champion by the gate", decision["reason"])
        self.diary.tell(
            "before", f"the pipeline has run; version 1 ({decision['model']}) is champion: {decision['reason']}"
        )

    def draw(self) -> None:
        """The photographs of all days, in folders and under names that say nothing."""
        quiet, changed = range(1, self.change), range(self.change, self.days + 1)
        for name, days, options in (("quiet", quiet, ()), ("changed", changed, ("--whole",))):
            drawn, n = self.folder / "drawn" / name, self.images * len(days)
            self.project.run(
                "fakefaces", "sample", str(drawn), "--images", str(n), "--seed", str(SEED + days[0]), *options
            )
            files = sorted(path for path in drawn.rglob("*.jpg"))
            random.Random(SEED).shuffle(files)
            for k, path in enumerate(files):
                data, target = path.read_bytes(), self.day(days[k % len(days)]) / f"photo_{k:04}.jpg"
                self.truth[hashlib.sha256(data).hexdigest()] = "fake" in path.parent.name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)

    def score(self, number: int, *options: str) -> tuple[Path, str]:
        """A day's scores, and how many of the day's fakes and reals are called fake."""
        scores = self.folder / "scores" / "-".join([f"{number:02}", *options[1:]])
        self.project.run("fakefaces", "score", str(self.day(number)), str(scores), *options)
        rows = pd.concat(map(pd.read_parquet, sorted(scores.glob("*.parquet"))))
        called = Counter(
            (self.truth[key], label == "fake") for key, label in zip(rows["sha256"], rows["label"], strict=True)
        )
        return scores, " and ".join(
            f"{called[kind, True]} of {called[kind, True] + called[kind, False]} {name}"
            for kind, name in ((True, "fakes"), (False, "reals"))
        )

    def watch(self, number: int) -> None:
        """A day is scored, and watched without its labels."""
        scores, called = self.score(number)
        page = self.folder / "watch" / f"{number:02}"
        said = self.project.run(
            "fakefaces", "watch", str(scores), "--to", str(page), code=3 if number >= self.change else 0
        )
        alarms = re.findall(r"ALARM ([^:]+):", said)
        self.diary.tell(
            f"day {number}", f"{'ALARM: ' + ', '.join(alarms) if alarms else 'quiet'} (called fake: {called})"
        )

    def review(self) -> None:
        """Two people label the photographs of the days with an alarm on the review page, by its keys' requests.

        The last day is kept for the question whether it was of use.
        """
        to, days = self.folder / "reviews", [str(self.day(number)) for number in range(self.change, self.days)]
        command = ("review", *days, "--no-open", "--reviewer", "anna", "--to", str(to))
        with server(self.project, self.folder / "review.log", *command) as url, waiting_for("the review page to score"):
            while (news := ask(f"{url}/changes?reviewer=anna")[1])["scored"] < self.images * len(days):
                self.diary.expect(not news["n_refused"], "no photograph is refused", news["refused"])
                time.sleep(0.5)
            photographs = {row["key"]: row for row in news["photographs"]}
            for k, key in enumerate(photographs):
                names = {True: "fake", False: "real"}
                label = {"photograph": key, "reviewer": "anna", "label": names[self.truth[key]], "sure": k % 20 != 0}
                ask(f"{url}/labels", json.dumps(label).encode())
                if k % 4 == 0:  # a second look at every fourth, and another opinion on some
                    second = names[self.truth[key] != (k % 40 == 0)]
                    ask(
                        f"{url}/labels", json.dumps(label | {"reviewer": "ben", "label": second, "sure": True}).encode()
                    )
            done = ask(f"{url}/export", b"{}")[1]
        with (to / "agreement.csv").open() as file:
            kappa = next(csv.DictReader(file))
        wrong = sum(row["predicted"] != ("fake" if self.truth[key] else "real") for key, row in photographs.items())
        self.diary.expect(done["rows"] + done["disagreeing"] == len(photographs), "each photograph has a label", done)
        self.diary.tell(
            "review",
            f"the champion has {wrong} of {len(photographs)} wrong; {done['rows']} labels are exported, "
            f"{done['disagreeing']} not, as anna and ben disagree (Cohen's kappa {float(kappa['kappa']):.2f} of "
            f"{kappa['n']})",
        )

    def retrain(self) -> str:
        """The labels are learned from on a branch, which is proposed; its name."""
        said = self.project.run("fakefaces", "retrain", str(self.folder / "reviews"))
        branch = re.search(r"(retrain-[0-9a-f]+) is pushed to origin", said)
        self.diary.expect(branch is not None, "a branch is pushed", said[-500:])
        assert branch
        self.diary.tell("retrain", f"branch {branch[1]} with the labels, the models and their results is pushed")
        return branch[1]

    def report(self, branch: str) -> None:
        """The pull request's report, from the two remotes alone."""
        runner = self.runner
        runner.run("git", "fetch", "--quiet")
        runner.run("git", "checkout", "--quiet", "--detach", f"origin/{branch}")
        computed = set(re.findall(r"Running stage '([^']+)'", runner.make("pr-report", "BASE=origin/main")))
        self.diary.expect(computed <= {"fetch"}, "DVC's remote has the results of the branch", computed)
        shutil.copytree(runner.root / "pull_request", self.folder / "pull_request")
        gate = read_json(self.folder / "pull_request" / "proposal.json")["gate"]
        decision = gate["decision"] or {"outcome": None}
        self.diary.expect(decision["outcome"] == "champion", "the gate would promote", gate["reason"] or decision)
        self.diary.tell("report", f"pull_request/comment.md: {decision['reason']}")

    def merge(self, branch: str) -> None:
        """A person merges, and what was merged is promoted by the gate."""
        for command in (("merge", "--quiet", f"{branch}"), ("push", "--quiet", "origin", "main")):
            self.project.run("git", *command)
        self.project.run("dvc", "checkout", "--quiet", "--allow-missing")
        self.runner.run("git", "fetch", "--quiet")
        self.runner.run("git", "checkout", "--quiet", "--detach", "origin/main")
        self.runner.make("promote")
        decision = read_json(self.runner.root / "reports" / "promotion.json")
        self.diary.expect(
            (decision["outcome"], decision["version"]) == ("champion", 2), "version 2 is champion", decision
        )
        self.diary.tell("promotion", f"version 2 is champion: {decision['reason']}")


def play(month: Month) -> None:
    """All of it; SystemExit where anything goes otherwise."""
    tell, expect = month.diary.tell, month.diary.expect
    month.begin()
    month.draw()
    serving = server(month.project, month.folder / "server.jsonl", "serve", "--poll", "1")
    with serving as url:
        client = Client(url, sorted(month.day(1).iterdir()))
        for number in range(1, month.days + 1):
            month.watch(number)
        month.review()
        branch = month.retrain()
        month.report(branch)
        expect(set(client.versions) == {"1"}, "version 1 serves until the merge", Counter(client.versions))
        month.merge(branch)
        tell("serving", f"the server follows: {client.serves(2)}")
        called = month.score(month.days, "--model", "2")[1]
        tell(f"day {month.days}", f"again, by version 2 (called fake: {called})")
        month.project.run("fakefaces", "promote", "--rollback")
        tell("rollback", f"the server follows: {client.serves(1)}")
        again = month.project.run("fakefaces", "promote", "--dry-run")
        expect("taken back" in again, "the rollback outlasts the next promotion of main", again)
        answers = client.stop()
    expect(not client.failed, "no request is lost", client.failed[:3])
    tell(
        "in all",
        f"{month.diary.spent()}; {sum(answers.values())} requests answered, none lost: "
        + ", ".join(f"{n} by version {v}" for v, n in sorted(answers.items())),
    )
    print(f"\n{month.diary.table()}\n\n{month.project.run('fakefaces', 'registry')}")
