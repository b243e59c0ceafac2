"""The paths of each stage's outputs, as ``dvc.yaml`` declares them."""

from pathlib import Path

import yaml


class Layout:
    """The paths of the project in ``root``."""

    def __init__(self, root: Path) -> None:
        outputs, reports = root / "outputs", root / "reports"
        self.root = root  # the folder with dvc.yaml
        self.data = root / "data"  # the photographs
        self.fetched = outputs / "fetch.txt"  # says that data/ is there; data.dvc depends on it
        self.duplicates = outputs / "duplicates.npz"  # which images were compared, and their pairs, by sha256
        self.duplicate_pairs = reports / "duplicate_pairs.csv"  # pairs of near-duplicates, one a row
        self.split = outputs / "split.csv"  # all images with label, group and split
        self.images = outputs / "images.csv"  # the accepted images with split and facts
        self.facts = outputs / "facts.csv"  # the accepted images with facts alone: the same for every split
        self.shortcuts = outputs / "shortcuts.csv"  # scores of the rules that read only a file's encoding or framing
        self.corrupted = outputs / "corrupted"  # the corrupted test images, as each extractor reads them
        self.score_cache = outputs / "score_cache.json"  # digests of the inputs of each model's scores
        self.predictions = outputs / "predictions.csv"  # the test images with every model's score
        self.heatmaps = outputs / "heatmaps"  # heat maps, forgery masks, feature maps and filters
        self.tuning_trials = reports / "tune.json"  # the trials of the tuning study
        self.explanations = reports / "explanations.json"  # how well each model's heat maps localize the forgery
        self.best_metrics = reports / "best.json"  # the best model's few metrics that DVC's tables show
        self.candidate = outputs / "candidate.json"  # the model that is best on validation, with its metrics
        self.reports = reports  # what people read
        self.promotion = reports / "promotion.json"  # the latest decision; ignored by git, and no output of DVC's

    @property
    def drawn(self) -> bool:
        """Whether the photographs are drawn faces, as those of the embedded sample are: their manifest tells how."""
        return (self.data / "manifest.csv").is_file()

    def recipe(self, name: str) -> Path:
        """An augmentation: ``none`` or ``standard``."""
        return self.root / "outputs" / "augment" / f"{name}.json"

    def features(self, name: str) -> Path:
        """The folder of a feature set."""
        return self.root / "outputs" / "features" / name

    def tuned(self, name: str) -> Path:
        """Hyperparameters: ``none``, or those of the ``best`` trial."""
        return self.root / "outputs" / "tune" / f"{name}.json"

    def model(self, name: str) -> Path:
        """The folder of a trained model."""
        return self.root / "outputs" / "models" / name

    def detector(self, name: str, fold: int, n_splits: int, seed: int = 0) -> Path:
        """The folder of the detector of one fold and one seed, of which 0 is the first.

        It is the model's own where there is one training, and ``fold0``, ``seed1`` or ``seed1-fold0`` in it for others.
        """
        which = [f"seed{seed}"] * (seed > 0) + [f"fold{fold}"] * (n_splits > 1)
        return self.model(name) / "-".join(which)

    def scores(self, name: str) -> Path:
        """A model's scores of the validation and test images."""
        return self.root / "outputs" / "scores" / f"{name}.csv"

    def corrupted_scores(self, name: str) -> Path:
        """A model's scores of the corrupted test images."""
        return self.root / "outputs" / "corrupted_scores" / f"{name}.csv"

    def metrics(self, name: str) -> Path:
        """A model's metrics."""
        return self.reports / "metrics" / f"{name}.json"

    def history(self, name: str) -> Path:
        """A model's training metrics by epoch."""
        return self.reports / "history" / f"{name}.csv"

    def unfinished(self, stage: str, name: str) -> Path:
        """The folder of checkpoints that an interrupted stage resumes from; no output of DVC's."""
        return self.root / ".unfinished" / stage / name

    def computed(self, name: str) -> Path:
        """Results of single images that a stage keeps from one run to the next; no output of DVC's."""
        return self.root / ".computed" / f"{name}.sqlite"

    def code(self, stage: str) -> list[Path]:
        """The files and folders of code among a stage's ``deps`` in ``dvc.yaml``."""
        entry = yaml.safe_load((self.root / "dvc.yaml").read_text(encoding="utf-8"))["stages"][stage]
        deps = entry.get("do", entry)["deps"]
        paths = [dep.replace("${src}", "src/fakefaces") for dep in deps if dep.endswith(".py") or "${src}" in dep]
        return [self.root / path for path in paths]

    def relative(self, path: Path) -> str:
        """A path as DVC writes it: relative to the project, with ``/``."""
        return path.relative_to(self.root).as_posix()
