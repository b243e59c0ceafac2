"""Metrics files of version 0.1 in today's keys: evaluations in MLflow stores keep the form they were logged in."""

from typing import Any


def upgraded(record: dict[str, Any]) -> dict[str, Any]:
    """The record in today's keys; one that has them already is returned as it is."""
    if "operating" not in record:
        return record
    record = dict(record)
    record["n_splits"] = record.pop("rounds", 1)
    record["part_scores"] = _estimates(record.pop("parts", None))
    record["operating_point"] = _operating_point(record.pop("operating"))
    record["variance_explained_by_shortcuts"] = record.pop("explained", {})
    record["robustness"] = _estimates(record.get("robustness", []))
    bootstrap = record["test"]["bootstrap"]
    n_resamples = bootstrap["draws"] if "draws" in bootstrap else bootstrap["n_resamples"]
    record["test"] = _estimates(record["test"]) | {"bootstrap": {"n_resamples": n_resamples, "seed": bootstrap["seed"]}}
    return record


def _operating_point(old: dict[str, Any]) -> dict[str, Any]:
    point: dict[str, Any] = _estimates(old)
    if "unsure" in point:
        point["abstention_band"] = point.pop("unsure")
    return point


def _estimates(value: Any) -> Any:
    """Wherever a record has ``intervals``, put each metric's value, interval and reason together."""
    if isinstance(value, list):
        return [_estimates(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "intervals" not in value:
        return {key: _estimates(item) for key, item in value.items()}
    intervals, undefined, reasons = (value[key] for key in ("intervals", "left_out", "reasons"))
    new = {key: _estimates(item) for key, item in value.items() if key not in ("intervals", "left_out", "reasons")}
    for name, interval in intervals.items():
        reason = reasons.get(name) or reasons.get(f"intervals.{name}")
        new[name] = {
            "value": value[name],
            "interval": interval,
            "n_undefined": undefined.get(name, 0),
            "reason": reason,
        }
    return new
