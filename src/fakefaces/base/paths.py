"""Where each stage's outputs lie; ``dvc.yaml`` says the same to DVC."""

from dataclasses import dataclass
from pathlib import Path

import yaml


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
    def duplicates(self) -> Path:
        """What the search for shared photographs remembers: features and pairs by the images' sha256."""
        return self.root / "outputs" / "duplicates.npz"

    @property
    def duplicate_pairs(self) -> Path:
        """The images that share a photograph, a pair a row."""
        return self.root / "reports" / "duplicate_pairs.csv"

    @property
    def split(self) -> Path:
        """The split stage's table."""
        return self.root / "outputs" / "split.csv"

    @property
    def images(self) -> Path:
        """The validate stage's table: the split of the accepted images, with their facts."""
        return self.root / "outputs" / "images.csv"

    @property
    def facts(self) -> Path:
        """The accepted images with their facts alone, whatever the split."""
        return self.root / "outputs" / "facts.csv"

    @property
    def shortcuts(self) -> Path:
        """Scores of the rules that see only the file or the framing."""
        return self.root / "outputs" / "shortcuts.csv"

    @property
    def corrupted(self) -> Path:
        """The corrupted test images, by size."""
        return self.root / "outputs" / "corrupted"

    def corrupted_features(self, extractor: str, size: int, crop: int, folder: Path | None = None) -> Path:
        """The corrupted test images as one extractor reads them."""
        return (folder or self.corrupted) / f"{extractor}-{size}{f'-{crop}' if crop else ''}.npy"

    @property
    def predictions(self) -> Path:
        """The test images with every model's score."""
        return self.root / "outputs" / "predictions.csv"

    @property
    def heatmaps(self) -> Path:
        """The heat maps of the test images, what was replaced in them, feature maps and filters."""
        return self.root / "outputs" / "heatmaps"

    @property
    def explanations(self) -> Path:
        """How often each model's heat maps point at the forgery."""
        return self.root / "reports" / "explanations.json"

    @property
    def candidate(self) -> Path:
        """The model that is best on validation, with its figures."""
        return self.root / "outputs" / "candidate.json"

    def recipe(self, name: str) -> Path:
        """An augmentation recipe: ``none`` or ``standard``."""
        return self.root / "outputs" / "augment" / f"{name}.json"

    def features(self, name: str) -> Path:
        """The folder of a view."""
        return self.root / "outputs" / "features" / name

    def tuned(self, name: str) -> Path:
        """What tuning found: ``none`` or ``best``."""
        return self.root / "outputs" / "tune" / f"{name}.json"

    def model(self, name: str) -> Path:
        """The folder of a trained model."""
        return self.root / "outputs" / "models" / name

    def detector(self, name: str, number: int, rounds: int) -> Path:
        """The folder of the detector of one round: the model's own where there is but one."""
        return self.model(name) if rounds == 1 else self.model(name) / f"fold{number}"

    def scores(self, name: str) -> Path:
        """A model's scores of the validation and test images."""
        return self.root / "outputs" / "scores" / f"{name}.csv"

    @property
    def score_cache(self) -> Path:
        """Of what each model's scores were made."""
        return self.root / "outputs" / "score_cache.json"

    def corrupted_scores(self, name: str) -> Path:
        """A model's scores of the corrupted test images."""
        return self.root / "outputs" / "corrupted_scores" / f"{name}.csv"

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

    @property
    def promotion(self) -> Path:
        """The latest decision on a promotion; no output of DVC's, and git ignores it."""
        return self.root / "reports" / "promotion.json"

    def unfinished(self, stage: str, name: str) -> Path:
        """Where a stage keeps what a killed process goes on from; no output of DVC's."""
        return self.root / ".unfinished" / stage / name

    def code(self, stage: str) -> list[Path]:
        """The code that a stage depends on, files and folders, as ``dvc.yaml`` names it."""
        text = (self.root / "dvc.yaml").read_text(encoding="utf-8")
        deps = yaml.safe_load(text)["stages"][stage]["deps"]
        return [
            self.root / dep.replace("${src}", "src/fakefaces") for dep in deps if dep.endswith(".py") or "${src}" in dep
        ]

    def relative(self, path: Path) -> str:
        """A path as DVC spells it."""
        return path.relative_to(self.root).as_posix()
