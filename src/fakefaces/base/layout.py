"""Where each stage's outputs lie; ``dvc.yaml`` says the same to DVC."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """The paths below a project's folder.

    Attributes:
        root: the folder with ``dvc.yaml``.
    """

    root: Path

    @property
    def data(self) -> Path:
        """The photographs."""
        return self.root / "data"

    @property
    def split(self) -> Path:
        """The split stage's table."""
        return self.root / "outputs" / "split.csv"

    @property
    def images(self) -> Path:
        """The validate stage's table: the split of the accepted images, with their facts."""
        return self.root / "outputs" / "images.csv"

    def recipe(self, name: str) -> Path:
        """An augmentation recipe: ``none`` or ``standard``."""
        return self.root / "outputs" / "augment" / f"{name}.json"

    def view(self, name: str) -> Path:
        """The folder of a view."""
        return self.root / "outputs" / "views" / name

    def tuned(self, name: str) -> Path:
        """What tuning found: ``none`` or ``best``."""
        return self.root / "outputs" / "tune" / f"{name}.json"

    def model(self, name: str) -> Path:
        """The folder of a trained detector."""
        return self.root / "outputs" / "models" / name

    def scores(self, name: str) -> Path:
        """A model's scores of the validation and test images."""
        return self.root / "outputs" / "scores" / f"{name}.csv"

    def metrics(self, name: str) -> Path:
        """A model's figures."""
        return self.root / "reports" / "metrics" / f"{name}.json"

    def history(self, name: str) -> Path:
        """A model's figures by epoch."""
        return self.root / "reports" / "history" / f"{name}.csv"

    @property
    def reports(self) -> Path:
        """What people read."""
        return self.root / "reports"

    def unfinished(self, stage: str, name: str) -> Path:
        """Where a stage keeps what a killed process goes on from; no output of DVC's."""
        return self.root / ".unfinished" / stage / name

    def relative(self, path: Path) -> str:
        """A path as DVC spells it."""
        return path.relative_to(self.root).as_posix()
