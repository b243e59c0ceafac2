"""The checks of ``params.yaml`` that need neither data nor TensorFlow."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, Field

from fakefaces.base.errors import ParamsError
from fakefaces.base.names import on_one_line
from fakefaces.base.schema import Schema, parse, read_yaml
from fakefaces.models.kinds import kinds
from fakefaces.params.augment import Transform
from fakefaces.params.file import Params
from fakefaces.params.prepare import FeatureSet
from fakefaces.params.train import Fit, Model
from fakefaces.params.tune import SET_BY_TRIALS, SearchRange, Tune
from fakefaces.preflight import model_names
from fakefaces.preflight.backbones import backbone_names
from fakefaces.preflight.renamed import with_new_keys
from fakefaces.training.augmentation import Recipe, check_outputs, compose

M = TypeVar("M", bound=BaseModel)


def check(path: Path) -> str:
    """Check each section of a ``params.yaml``, and what refers from one to another; returns a line for the user.

    Raises:
        ParamsError: with a line for each fault: the key, the value, and what is allowed.
    """
    value, sentences = with_new_keys(read_yaml(path))
    faults = [f"{path.name}: {sentence}" for sentence in sentences]
    try:
        parse(Params, value, path.name)
    except ParamsError as error:
        faults += str(error).splitlines()
    sections = _Sections.of(value)
    faults += (on_one_line(f"{path.name}: {fault}") for fault in sections.faults())
    if faults:
        raise ParamsError("\n".join(dict.fromkeys(faults)))
    return f"{path.name}: ok, {len(sections.models)} models on {len(sections.features)} feature sets"


def _valid(record: type[M], value: Any) -> M | None:
    """The record; None where the value is faulty, which the check of the whole file has reported."""
    try:
        return parse(record, value, "")
    except ParamsError:
        return None


def _all_valid(record: type[M], values: Any) -> dict[str, M]:
    """The values of a mapping that are valid records."""
    parsed = {str(key): _valid(record, value) for key, value in values.items()} if isinstance(values, dict) else {}
    return {key: value for key, value in parsed.items() if value is not None}


def _faults_of(record: type[BaseModel], value: Mapping[str, Any], within: str) -> list[str]:
    """The faults of ``value`` as a record; ``within`` is its key in the file."""
    try:
        parse(record, value, "", within=within)
    except ParamsError as error:
        return [line.removeprefix(": ") for line in str(error).splitlines()]
    return []


@dataclass(frozen=True)
class _Sections:
    """The valid parts of a file that refer to each other."""

    feature_names: list[str]  # of all feature sets, the faulty ones too
    features: dict[str, FeatureSet]
    models: dict[str, Model]
    fit: Fit | None
    tune: Tune | None  # without its space
    space: dict[str, SearchRange]
    transforms: list[Transform]

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> "_Sections":
        def section(*path: str) -> Any:
            inner: Any = value
            for key in path:
                inner = inner.get(key) if isinstance(inner, dict) else None
            return inner

        tune, features, steps = section("tune"), section("prepare", "features"), section("augment", "transforms")
        return cls(
            feature_names=[str(name) for name in features] if isinstance(features, dict) else [],
            features=_all_valid(FeatureSet, features),
            models=_all_valid(Model, section("train", "models")),
            fit=_valid(Fit, section("train", "fit")),
            tune=_valid(Tune, tune | {"space": {}}) if isinstance(tune, dict) else None,
            space=_all_valid(SearchRange, section("tune", "space")),
            transforms=list(_all_valid(Transform, dict(enumerate(steps))).values()) if isinstance(steps, list) else [],
        )

    def faults(self) -> Iterator[str]:
        """Faults that are not in a section by itself."""
        for step in self.transforms:
            try:
                recipe = Recipe([(step.name, step.arguments)])
                compose(recipe, seed=[0])
                for size in self.augmented_sizes():
                    check_outputs(recipe, size)
            except ParamsError as error:
                yield str(error).removeprefix("params.yaml: ")
        known = backbone_names()
        for name, features in self.features.items():
            if features.backbone and known and features.backbone not in known:
                yield (
                    f"'prepare.features.{name}.backbone': no backbone '{features.backbone}' in keras.applications; "
                    f"known: {', '.join(known)}"
                )
        for name, model in self.models.items():
            if fault := model_names.fault_of(name):
                yield f"'train.models.{name}': this name {fault}; take another"
            yield from self._faults_of_model(f"train.models.{name}", model)
        if self.tune:
            yield from self._faults_of_kind("tune", self.tune, {})
            yield from self._faults_of_space(self.tune)

    def augmented_sizes(self) -> list[int]:
        """The sides of the images that are augmented."""
        rows: list[Model | Tune] = [*self.models.values(), *([self.tune] if self.tune else [])]
        names = {row.features for row in rows if row.augment != "none"} & set(self.features)
        return sorted({self.features[name].image_size for name in names if self.features[name].content == "pixels"})

    def _faults_of_model(self, key: str, model: Model) -> Iterator[str]:
        yield from self._faults_of_kind(key, model, model.settings)
        if self.fit:
            yield from _faults_of(Fit, self.fit.model_dump() | model.fit, f"{key}.fit")
        if model.tuned == "best" and self.tune:
            if model.kind != self.tune.kind:
                yield f"'{key}.tuned': best is of the kind '{self.tune.kind}' (tune.kind), not of '{model.kind}'"
            if "augment.strength" in self.space and model.augment != self.tune.augment:
                yield (
                    f"'{key}.augment': the study tunes the strength of '{self.tune.augment}' (tune.augment), "
                    f"not of '{model.augment}'"
                )

    def _faults_of_kind(self, key: str, row: Model | Tune, settings: Mapping[str, Any]) -> Iterator[str]:
        """The kind, its settings, and whether it can read the features."""
        reads = None
        if row.kind not in kinds():
            yield f"'{key}.kind': no kind '{row.kind}'; known: {', '.join(kinds())}"
        else:
            kind = import_module(f"fakefaces.models.{row.kind}")
            yield from _faults_of(kind.Settings, settings, f"{key}.settings")
            reads = getattr(kind, "READS", None)
            if isinstance(row, Model) and row.seeds > 1 and hasattr(kind, "fit"):
                yield f"'{key}.seeds': the kind '{row.kind}' is fitted in closed form, which no seed changes"
        if row.features not in self.feature_names:
            yield f"'{key}.features': no feature set '{row.features}'; known: {', '.join(self.feature_names)}"
        if row.features not in self.features:
            return
        content = self.features[row.features].content
        if reads and reads != content:
            fitting = [name for name, features in self.features.items() if features.content == reads]
            yield (
                f"'{key}.features': the kind '{row.kind}' reads {reads}, but the feature set '{row.features}' holds "
                f"{content}; sets that fit: {', '.join(fitting) or 'none'}"
            )
        if row.augment != "none" and content != "pixels":
            yield (
                f"'{key}.augment': {row.augment} changes pixels, but the feature set '{row.features}' holds {content}; "
                "say augment: none"
            )

    def _faults_of_space(self, tune: Tune) -> Iterator[str]:
        """Faults of the keys and values of the search space."""
        if "augment.strength" in self.space and tune.augment == "none":
            yield "'tune.augment': none has no strength to tune; say standard, or leave augment.strength out"
        records: dict[str, type[BaseModel]] = {"augment": _Augment}
        if self.fit:
            records["fit"] = Fit
        if tune.kind in kinds():
            records["settings"] = import_module(f"fakefaces.models.{tune.kind}").Settings
        for key, values in self.space.items():
            section, _, name = key.partition(".")
            if section == "fit" and name in SET_BY_TRIALS:
                yield f"'tune.space.{key}': each trial takes tune.epochs for it; leave it out"
            elif record := records.get(section):
                others = self.fit.model_dump() if section == "fit" and self.fit else {}
                for value in values.examples():
                    yield from _faults_of(record, {**others, name: value}, f"tune.space.{section}")
                field = record.model_fields.get(name)
                if values.choices is None and field and field.annotation is int:
                    yield f"'tune.space.{key}': takes whole numbers, not an interval; say choices: [...]"


class _Augment(Schema):
    """What a study may set of the augmentation."""

    strength: float = Field(ge=0, le=1)
