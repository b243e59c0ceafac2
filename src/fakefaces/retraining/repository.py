"""The git repository of a project, as far as retraining needs it: a branch of its own, and back."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from fakefaces.base.environment import DVC
from fakefaces.base.errors import FakefacesError
from fakefaces.base.names import on_one_line
from fakefaces.base.secrets import masked

KEPT = ("corrections.csv", "data.dvc", "dvc.lock", "reports")  # what git holds of a state of the data and the models


class Repository:
    """The repository of the project in ``root``."""

    def __init__(self, root: Path):
        self.root = root

    def git(self, *arguments: str) -> str:
        """Run git, and return what it printed without the last line end; a FakefacesError with git's own reason."""
        try:
            done = subprocess.run(["git", *arguments], cwd=self.root, capture_output=True, text=True, check=False)
        except OSError as error:
            raise FakefacesError(f"git cannot be run ({error.strerror}); retraining commits to a branch") from None
        if done.returncode:
            reason = on_one_line(masked(" ".join(done.stderr.split())))[:300] or f"exit code {done.returncode}"
            raise FakefacesError(f"git {arguments[0]}: {reason}")
        return done.stdout.rstrip("\n")

    def branch(self) -> str:
        """The name of the present branch; a FakefacesError where none is checked out."""
        name = self.git("branch", "--show-current")
        if not name:
            raise FakefacesError(
                "no branch is checked out, so there is nothing to propose a change to; git switch main"
            )
        return name

    def require_clean(self) -> None:
        """Refuse to go on where tracked files differ from the last commit, for they would become part of the change."""
        changed = self.git("status", "--porcelain", "--untracked-files=no").splitlines()
        if changed:
            names = ", ".join(line[3:] for line in changed[:5]) + (" and more" if len(changed) > 5 else "")
            raise FakefacesError(f"uncommitted changes: {names}; commit them, or git stash, then again")

    def has_remote(self, remote: str) -> bool:
        """Whether there is a remote of this name."""
        return remote in self.git("remote").splitlines()

    def is_proposed(self, branch: str, remote: str) -> bool:
        """Whether a branch is there already, here or on the remote."""
        if self.git("branch", "--list", branch):
            return True
        return self.has_remote(remote) and bool(self.git("ls-remote", "--heads", remote, branch))

    @contextmanager
    def on_branch(self, branch: str) -> Iterator[None]:
        """Work on a new branch, and return to the present one, its files and its photographs, whatever happens.

        A branch to which the block commits nothing is removed, and so is what it changed.
        """
        before, start = self.branch(), self.git("rev-parse", "HEAD")
        self.git("switch", "--quiet", "--create", branch)
        try:
            yield
        finally:
            self.git("add", "--all", "--", *self.present())  # so that new files go, too
            self.git("switch", "--quiet", "--discard-changes", before)
            if self.git("rev-parse", branch) == start:
                self.git("branch", "--quiet", "--delete", "--force", branch)
            self.dvc("checkout", "--quiet", "--force", "data.dvc")
            self.dvc("checkout", "--quiet", "--force", "--allow-missing")  # not every stage has run here

    def present(self) -> Sequence[str]:
        """Those of :data:`KEPT` that are there."""
        return [name for name in KEPT if (self.root / name).exists()]

    def commit(self, message: str) -> None:
        """Commit :data:`KEPT`; a FakefacesError where nothing has changed."""
        self.git("add", "--all", "--", *self.present())
        if not self.git("diff", "--cached", "--name-only"):
            raise FakefacesError(
                "these labels change nothing: the photographs and all that is made of them are the same"
            )
        self.git("commit", "--quiet", "--message", message)

    def dvc(self, *arguments: str) -> None:
        """Run DVC, with its output on the terminal; a FakefacesError where it fails."""
        if subprocess.run([*DVC, *arguments], cwd=self.root, check=False).returncode:
            raise FakefacesError(f"dvc {arguments[0]} failed: its reason is above")
