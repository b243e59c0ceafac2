"""Take in corrected labels on a branch, run the pipeline, and propose the result; nothing is promoted."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fakefaces.base.errors import DataError, FakefacesError
from fakefaces.base.files import read_json, write_text
from fakefaces.base.paths import Layout
from fakefaces.base.progress import echo
from fakefaces.ingest import changes, conflicts
from fakefaces.ingest.importing import Options, import_photographs, labelled_images
from fakefaces.ingest.recorded_labels import recorded_labels
from fakefaces.ingest.replacing import recover
from fakefaces.ingest.sources import is_address, local_copy
from fakefaces.retraining.proposal import Proposal
from fakefaces.retraining.repository import Repository

TARGET = "report"  # the stage that depends on all others but the promotion
TABLE = "corrections.csv"


@dataclass(frozen=True)
class Plan:
    """What a person says of a retraining."""

    remote: str = "origin"  # of git
    only_sure: bool = False  # leave out labels of people who were not sure of them
    dry_run: bool = False  # say what would be proposed


def retrain(source: str, root: Path, plan: Plan) -> None:
    """Propose a retraining with the labels of an exported review, where some of them are new.

    Args:
        source: the folder of the review, its ``corrections.csv``, or an address of the folder that DVC can fetch.
        root: the project's folder, a clone of git with nothing uncommitted.
        plan: what to do with it.

    Raises:
        FakefacesError: the labels cannot be read, the clone is not clean, or a step fails; the branch that was checked
            out, its files and its photographs are there again.
    """
    repository = Repository(root)
    repository.branch()
    repository.require_clean()
    recover(root)
    changes.check(root)
    place = root / ".unfinished" / "retrain"
    shutil.rmtree(place, ignore_errors=True)
    try:
        table = _table(source, place)
        proposal = _proposal(table, root, plan)
        if proposal is None:
            echo("all labels are among the training data already: there is nothing to propose")
        elif repository.is_proposed(proposal.branch, plan.remote):
            echo(f"{proposal.branch}: these labels were proposed before; merge that branch, or delete it to try again")
        elif plan.dry_run:
            echo(f"{proposal.branch}: would be proposed: {proposal.title} (--dry-run)")
        else:
            body = place / "pull_request.md"
            with repository.on_branch(proposal.branch):
                _run(repository, table, proposal, plan, body)
            _propose(repository, proposal, plan.remote, body)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _table(source: str, place: Path) -> Path:
    """The table of an exported review, of this machine."""
    path = Path(source).expanduser()
    found = local_copy(source, place) if is_address(source) else path
    table = found / TABLE if found.is_dir() else found
    if not table.is_file():
        raise DataError(f"{source}: no {TABLE} in it; the review page writes one: its button Export")
    return table.resolve()


def _proposal(table: Path, root: Path, plan: Plan) -> Proposal | None:
    """The labels that are new; None without any."""
    recorded = recorded_labels(root)
    rows = labelled_images(table, Options(only_sure=plan.only_sure))
    new = {row.sha256: row for row in rows if row.sha256 not in recorded or recorded[row.sha256].label != row.label}
    undecided = conflicts.read_decisions(table.parent).undecided
    return Proposal(list(new.values()), undecided) if new else None


def _run(repository: Repository, table: Path, proposal: Proposal, plan: Plan, body: Path) -> None:
    """Import the labels, run the pipeline, commit, and share the data and the branch."""
    layout = Layout(repository.root)
    before = _best(layout)
    import_photographs(str(table), repository.root, Options(mode="add", only_sure=plan.only_sure))
    repository.dvc("repro", TARGET)
    text = proposal.body(before, _best(layout))
    repository.commit(f"{proposal.title}\n\n{text}")
    write_text(body, text)
    if _has_dvc_remote(repository.root):
        repository.dvc("push", "--quiet")
    else:
        echo("no DVC remote is configured (dvc remote add -d NAME ADDRESS): the photographs stay on this machine")
    if repository.has_remote(plan.remote):
        repository.git("push", "--quiet", plan.remote, proposal.branch)


def _propose(repository: Repository, proposal: Proposal, remote: str, body: Path) -> None:
    """Open the pull request by GitHub's command line, or say how a person does."""
    text = body.read_text(encoding="utf-8")
    echo(f"{proposal.branch}: {proposal.title}\n{text}")
    if not repository.has_remote(remote):
        echo(f"no git remote {remote}: look at it with: git diff HEAD...{proposal.branch}; merge it, or delete it")
        return
    command = ["gh", "pr", "create", "--head", proposal.branch, "--base", repository.branch()]
    command += ["--title", proposal.title, "--body-file", str(body)]
    if shutil.which("gh") and _is_on_github(repository, remote):
        if subprocess.run(command, cwd=repository.root, check=False).returncode:
            raise FakefacesError(f"gh opened no pull request; the branch {proposal.branch} is pushed: open it by hand")
    else:
        echo(f"{proposal.branch} is pushed to {remote}: open a pull request for it, and let a person decide")


def _is_on_github(repository: Repository, remote: str) -> bool:
    return "github" in repository.git("remote", "get-url", remote)


def _has_dvc_remote(root: Path) -> bool:
    from fakefaces.ingest.record import run_dvc

    return bool(run_dvc(root, "remote", "list").strip())


def _best(layout: Layout) -> dict[str, Any]:
    try:
        record = read_json(layout.best_metrics)
    except (OSError, json.JSONDecodeError, UnicodeDecodeError):
        return {}
    return record if isinstance(record, dict) else {}
