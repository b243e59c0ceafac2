"""``params.yaml``, read once into frozen records: one section a stage, and what all stages share."""

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, model_validator

from fakefaces.base.errors import ParamsError
from fakefaces.base.schema import Strict, parse

Share = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Extractor = Literal["pixels", "residuals"]  # what a network is given of an image: see fakefaces.features.extract


class Duplicates(Strict):
    """Which images share a photograph."""

    min_inliers: Annotated[int, Field(ge=8)]  # places in which two images agree under one motion


class Split(Strict):
    """How the photographs are divided."""

    protocol: Literal["reference", "grouped", "folds"]
    test_size: Share
    validation_size: Share  # of what the test set, or the tested fold, leaves
    n_splits: Annotated[int, Field(ge=3)]  # of the folds: one is tested, some of the next validate, all others train


class Validate(Strict):
    """What an image and a split must be, for Great Expectations."""

    formats: list[Literal["JPEG", "PNG", "WEBP", "BMP", "TIFF"]]
    min_side: Count  # pixels
    max_side: Count  # pixels
    max_bytes: Count
    min_class_share: Share  # of each split, for either class
    min_readable_share: Annotated[float, Field(gt=0, le=1)]


class Transform(Strict):
    """One albumentations transform: its own name and its own arguments."""

    name: str
    arguments: dict[str, Any] = {}


class Augment(Strict):
    """The transforms that an augmented model sees its training images through, and the picture of them."""

    transforms: list[Transform]
    examples: Count  # rows of the picture
    copies: Count  # columns beside the original


class FeatureSet(Strict):
    """The input of a model: pixels at a size, a frozen backbone's features, or residual features.

    ``extractor: residuals`` measures residuals at native resolution; ``image_size`` is then the longest side that is
    not scaled down.
    """

    image_size: Annotated[int, Field(ge=16, le=1024)]
    extractor: Extractor = "pixels"
    copies: Annotated[int, Field(ge=0)] = 0  # corrupted copies of each image, to train a forensic model on
    crop: Annotated[int, Field(ge=64, le=1024)] = 448  # side of the face that a backbone is shown; 448 of 600 is native
    layers: list[str] = ["block_6_expand_relu", "block_13_expand_relu"]  # of the backbone, pooled; MobileNetV2's
    backbone: str | None = None  # a name in keras.applications
    weights: str = "imagenet"  # imagenet, none, or the path of a Keras weights file
    allow_random_weights: bool = False  # go on where the ImageNet weights cannot be had
    trainable_from: str | None = None  # the backbone's layer from which on it is trained; None: all frozen

    @model_validator(mode="after")
    def _options_fit_the_extractor(self) -> "FeatureSet":
        if self.extractor == "residuals" and self.trainable_from:
            raise ValueError(
                "the backbone of a feature set with extractor: residuals stays frozen; leave trainable_from out"
            )
        if self.extractor == "pixels" and self.copies:
            raise ValueError("'copies' are for extractor: residuals; pixels are augmented in training")
        return self


class Prepare(Strict):
    """The feature sets by name."""

    features: dict[Slug, FeatureSet]


class Fit(Strict):
    """How a network is fitted."""

    epochs: Count
    batch_size: Count
    learning_rate: Annotated[float, Field(gt=0)]
    patience: Count  # epochs without a better validation loss before the fit ends
    monitor: Literal["val_loss", "val_roc_auc"] = "val_loss"


class Model(Strict):
    """One row of the results table: a kind of model with its own settings."""

    kind: Slug
    features: Slug
    augment: Literal["none", "standard"] = "none"
    tuned: Literal["none", "best"] = "none"
    settings: dict[str, Any] = {}
    fit: dict[str, Any] = {}


class Corrupt(Strict):
    """What the test images are put through to see how robust a model is."""

    images: Count  # of the test set, at most
    quality: Annotated[int, Field(ge=1, le=100)]  # of the encoder that every image passes through at the end
    jpeg: list[Annotated[int, Field(ge=1, le=100)]]  # qualities
    blur: list[Annotated[float, Field(gt=0)]]  # standard deviations of a Gaussian, pixels
    resize: list[Annotated[float, Field(gt=0, le=2)]]  # factors of either side
    noise: list[Annotated[float, Field(gt=0)]]  # standard deviations, of 255


class Train(Strict):
    """The models, and the fit that each may change a part of."""

    fit: Fit
    threshold: Share  # of p_fake, from which on an image is called fake
    models: dict[Slug, Model]

    def fit_with(self, *overrides: dict[str, Any], where: str) -> Fit:
        """The shared fit with other values over it, the last ones on top."""
        values = self.fit.model_dump()
        for override in overrides:
            values |= override
        return parse(Fit, values, f"params.yaml: {where}")


class Range(Strict):
    """Where a study looks for one value: a list of choices, or an interval."""

    choices: list[Any] | None = None
    low: float | None = None
    high: float | None = None
    log: bool = False

    @model_validator(mode="after")
    def _one_of_two(self) -> "Range":
        interval = self.low is not None and self.high is not None
        if (self.choices is None) != interval:
            raise ValueError("give either 'choices' or both 'low' and 'high'")
        return self


class Tune(Strict):
    """The study: which kind on which view, how long, and where it looks.

    A place of the space is ``settings.<one of the kind's>``, ``fit.<one of train.fit's>`` or ``augment.strength``.
    """

    kind: Slug
    features: Slug
    augment: Literal["none", "standard"] = "none"
    trials: Annotated[int, Field(ge=0)]
    epochs: Count
    startup_trials: Count  # drawn at random before the sampler learns, and never pruned
    pruner: Literal["median", "hyperband", "none"] = "median"
    space: dict[Annotated[str, Field(pattern=r"^(settings|fit)\.[a-z0-9_]+$|^augment\.strength$")], Range]


class Evaluate(Strict):
    """The figures: how sure they are."""

    n_resamples: Annotated[int, Field(ge=100)]  # of the bootstrap
    max_fpr: Share  # of the reals that the operating threshold may call fake
    max_fnr: Share  # of the fakes that may be called real outside of the unsure band
    source_inliers: Annotated[int, Field(ge=8)]  # places in which a fake agrees with a real that it was made from


class Explain(Strict):
    """The heat maps' judgement, and how much of a network is drawn."""

    random_maps: Count  # maps of noise, whose mean is what a model's maps are held against
    layers: Count  # convolutions that are drawn of a network, at most
    maps: Count  # feature maps that are drawn of a convolution, at most


class Report(Strict):
    """The page."""

    gallery: Count  # test images in its galleries, at most
    pairs: Count  # pairs of one photograph, at most
    max_bytes: Annotated[int, Field(ge=2_000_000)]  # of the page; pictures shrink to fit


class Promote(Strict):
    """Which figure chooses among the models, and how far the chosen one may fall behind the champion."""

    name: str
    metric: Literal["roc_auc", "average_precision", "accuracy", "balanced_accuracy", "f1"]
    margin: Annotated[float, Field(ge=0, lt=1)]  # of the metric, to which the interval of the difference may reach
    slice_margin: Annotated[float, Field(ge=0, lt=1)]  # of the metric, within any difficulty or part


class Params(Strict):
    """The whole of ``params.yaml``."""

    seed: Annotated[int, Field(ge=0, lt=2**32)]
    threads: Count
    duplicates: Duplicates
    split: Split
    validate_: Annotated[Validate, Field(alias="validate")]
    augment: Augment
    prepare: Prepare
    tune: Tune
    train: Train
    corrupt: Corrupt
    evaluate: Evaluate
    explain: Explain
    report: Report
    promote: Promote

    @model_validator(mode="after")
    def _names_lead_somewhere(self) -> "Params":
        if "augment.strength" in self.tune.space and self.tune.augment == "none":
            raise ValueError(
                "tune.augment: 'none' has no strength to tune; say standard, or leave augment.strength out"
            )
        for name, model in self.train.models.items():
            if model.features not in self.prepare.features:
                known = ", ".join(self.prepare.features)
                raise ValueError(f"train.models.{name}.features: no feature set '{model.features}'; known: {known}")
            if model.tuned == "best" and model.kind != self.tune.kind:
                raise ValueError(f"train.models.{name}.tuned: the study tunes the kind '{self.tune.kind}' only")
            if model.tuned == "best" and "augment.strength" in self.tune.space and model.augment != self.tune.augment:
                raise ValueError(f"train.models.{name}.augment: the study tunes the strength of '{self.tune.augment}'")
        if self.tune.features not in self.prepare.features:
            raise ValueError(
                f"tune.features: no feature set '{self.tune.features}'; known: {', '.join(self.prepare.features)}"
            )
        return self


def load(path: Path) -> Params:
    """Read ``params.yaml``.

    Raises:
        ParamsError: the file is missing, is no YAML, or holds a key or value that cannot be used.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ParamsError(f"{path.name}: cannot be read ({error}); restore it with: git checkout {path.name}") from None
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ParamsError(f"{path.name}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(value, dict):
        raise ParamsError(f"{path.name}: expected the sections {', '.join(_sections())}")
    return parse(Params, value, path.name)


def _sections() -> list[str]:
    return [field.alias or name for name, field in Params.model_fields.items()]
