"""The paths of each stage's outputs, as ``dvc.yaml`` declares them."""

from dataclasses import dataclass
from pathlib import Path

import yaml


@dataclass(frozen=True)
class Layout:
    """The paths of a project.

    Attributes:
        root: the folder with ``dvc.yaml``.
    """

    root: Path

    @property
    def data(self) -> Path:
        """The photographs."""
        return self.root / "data"

    @property
    def duplicates(self) -> Path:
        """Keypoints and compared pairs of the search for near-duplicates, by the images' sha256."""
        return self.root / "outputs" / "duplicates.npz"

    @property
    def duplicate_pairs(self) -> Path:
        """Pairs of near-duplicates, one a row."""
        return self.root / "reports" / "duplicate_pairs.csv"

    @property
    def split(self) -> Path:
        """All images with label, group and split."""
        return self.root / "outputs" / "split.csv"

    @property
    def images(self) -> Path:
        """The accepted images with split and facts."""
        return self.root / "outputs" / "images.csv"

    @property
    def facts(self) -> Path:
        """The accepted images with facts alone, so that it is the same for every split."""
        return self.root / "outputs" / "facts.csv"

    @property
    def shortcuts(self) -> Path:
        """Scores of the shortcut rules, which read only a file's encoding or framing."""
        return self.root / "outputs" / "shortcuts.csv"

    @property
    def corrupted(self) -> Path:
        """The folder of the corrupted test images."""
        return self.root / "outputs" / "corrupted"

    @property
    def predictions(self) -> Path:
        """The test images with every model's score."""
        return self.root / "outputs" / "predictions.csv"

    @property
    def heatmaps(self) -> Path:
        """The folder of heat maps, forgery masks, feature maps and filters."""
        return self.root / "outputs" / "heatmaps"

    @property
    def explanations(self) -> Path:
        """How well each model's heat maps localize the forgery."""
        return self.root / "reports" / "explanations.json"

    @property
    def candidate(self) -> Path:
        """The model that is best on validation, with its metrics."""
        return self.root / "outputs" / "candidate.json"

    def recipe(self, name: str) -> Path:
        """An augmentation: ``none`` or ``standard``."""
        return self.root / "outputs" / "augment" / f"{name}.json"

    def features(self, name: str) -> Path:
        """The folder of a feature set."""
        return self.root / "outputs" / "features" / name

    def tuned(self, name: str) -> Path:
        """Hyperparameters: ``none``, or those of the ``best`` trial."""
        return self.root / "outputs" / "tune" / f"{name}.json"

    @property
    def tuning_trials(self) -> Path:
        """The trials of the study."""
        return self.root / "reports" / "tune.json"

    def model(self, name: str) -> Path:
        """The folder of a trained model."""
        return self.root / "outputs" / "models" / name

    def detector(self, name: str, fold: int, n_splits: int) -> Path:
        """The folder of the detector of one fold: the model's own where there is only one."""
        return self.model(name) if n_splits == 1 else self.model(name) / f"fold{fold}"

    def scores(self, name: str) -> Path:
        """A model's scores of the validation and test images."""
        return self.root / "outputs" / "scores" / f"{name}.csv"

    @property
    def score_cache(self) -> Path:
        """Digests of the inputs of each model's scores."""
        return self.root / "outputs" / "score_cache.json"

    def corrupted_scores(self, name: str) -> Path:
        """A model's scores of the corrupted test images."""
        return self.root / "outputs" / "corrupted_scores" / f"{name}.csv"

    def metrics(self, name: str) -> Path:
        """A model's metrics."""
        return self.root / "reports" / "metrics" / f"{name}.json"

    def history(self, name: str) -> Path:
        """A model's training metrics by epoch."""
        return self.root / "reports" / "history" / f"{name}.csv"

    @property
    def reports(self) -> Path:
        """The folder of what people read."""
        return self.root / "reports"

    @property
    def promotion(self) -> Path:
        """The latest promotion decision; ignored by git, and no output of DVC's."""
        return self.root / "reports" / "promotion.json"

    def unfinished(self, stage: str, name: str) -> Path:
        """The folder of checkpoints that an interrupted stage resumes from; no output of DVC's."""
        return self.root / ".unfinished" / stage / name

    def code(self, stage: str) -> list[Path]:
        """The files and folders of code among a stage's ``deps`` in ``dvc.yaml``."""
        text = (self.root / "dvc.yaml").read_text(encoding="utf-8")
        deps = yaml.safe_load(text)["stages"][stage]["deps"]
        return [
            self.root / dep.replace("${src}", "src/fakefaces") for dep in deps if dep.endswith(".py") or "${src}" in dep
        ]

    def relative(self, path: Path) -> str:
        """A path as DVC writes it: relative to the project, with ``/``."""
        return path.relative_to(self.root).as_posix()
