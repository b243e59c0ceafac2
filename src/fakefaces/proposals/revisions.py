"""Results of another revision of the project: what git holds, and what DVC's cache or remote holds by its dvc.lock."""

import subprocess
from pathlib import Path

from fakefaces.base.errors import FakefacesError
from fakefaces.base.paths import Layout


def merge_base(root: Path, base: str) -> str:
    """The commit that the present one and a branch, such as ``origin/main``, have in common.

    Raises:
        FakefacesError: there is no such branch, or no history to it, as in a shallow clone.
    """
    if base.startswith("-"):
        raise FakefacesError(f"{base}: not the name of a revision")
    done = subprocess.run(["git", "merge-base", base, "HEAD"], cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = " ".join(done.stderr.split())[:200] or "they have no commit in common"
        raise FakefacesError(
            f"{base}: {reason}; name another one with --base, or fetch it: git fetch --unshallow origin"
        )
    return done.stdout.strip()


class Revision:
    """The files of the project at a commit."""

    def __init__(self, root: Path, commit: str, target: Path):
        """Fetch into ``target``, an empty folder, which becomes laid out as the project is.

        Raises:
            FakefacesError: there is no such commit.
        """
        from dvc.api import DVCFileSystem
        from dvc.exceptions import DvcException
        from dvc.scm import SCMError

        self.commit, self.layout = commit, Layout(target)
        self._project = Layout(root)
        self._errors = (DvcException, SCMError, OSError)
        try:
            self._files = DVCFileSystem(str(root), rev=commit)
        except self._errors as error:
            raise FakefacesError(f"{commit}: {_sentence(error)}") from None

    def fetch(self, path: Path) -> None:
        """Fetch a file or a folder, given by its path in ``layout``.

        Raises:
            FakefacesError: it does not exist at this commit, or neither the cache nor a remote holds it.
        """
        name = self.layout.relative(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            if not self._files.exists(name):
                raise FileNotFoundError(f"there is no {name}")
            self._files.get(name, str(path), recursive=self._files.isdir(name))
        except self._errors as error:
            raise FakefacesError(
                f"{self.commit[:10]}: {name} cannot be had ({_sentence(error)}); where dvc.lock names it, whoever ran "
                "the pipeline has to push it to a DVC remote that this machine reads: dvc push"
            ) from None


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
