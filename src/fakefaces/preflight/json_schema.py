"""The JSON Schema of ``params.yaml``, by which an editor completes keys and marks faults."""

from importlib import import_module
from typing import Any

from fakefaces.models.kinds import kinds
from fakefaces.params.file import Params
from fakefaces.params.tune import SET_BY_TRIALS
from fakefaces.preflight.backbones import backbone_names


def json_schema() -> dict[str, Any]:
    """The schema of the whole file, with each kind's settings by ``kind``."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | Params.model_json_schema(by_alias=True)
    definitions = schema["$defs"]
    fit = definitions["Fit"]["properties"]
    settings = {kind: import_module(f"fakefaces.models.{kind}").Settings.model_json_schema() for kind in kinds()}
    definitions |= {f"{kind}.Settings": values for kind, values in settings.items()}

    model, tune = definitions["Model"], definitions["Tune"]
    model["properties"]["kind"]["enum"] = tune["properties"]["kind"]["enum"] = kinds()
    model["properties"]["fit"] |= {"properties": fit, "additionalProperties": False}
    model["allOf"] = [_if_kind(kind, {"settings": {"$ref": f"#/$defs/{kind}.Settings"}}) for kind in settings]
    shared = ["augment.strength", *(f"fit.{key}" for key in fit if key not in SET_BY_TRIALS)]
    tune["allOf"] = []
    for kind, values in settings.items():
        keys = shared + [f"settings.{key}" for key in values["properties"]]
        tune["allOf"].append(_if_kind(kind, {"space": {"propertyNames": {"enum": keys}}}))
    definitions["FeatureSet"]["properties"]["backbone"]["enum"] = [*backbone_names(), None]
    return schema


def _if_kind(kind: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {"if": {"properties": {"kind": {"const": kind}}}, "then": {"properties": properties}}
