"""Frozen records that refuse what they do not know, and say so in one line."""

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from fakefaces.base.errors import ParamsError

M = TypeVar("M", bound=BaseModel)


class Strict(BaseModel):
    """A frozen record: unknown keys are refused, values are not coerced across kinds, defaults are checked."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)


def parse(record: type[M], value: Any, where: str) -> M:
    """Read ``value`` into ``record``.

    Args:
        record: the record's class.
        value: what the YAML or JSON file holds.
        where: how the user finds the place, such as ``params.yaml: split``.

    Raises:
        ParamsError: with a line per fault: the key, what is wrong with it and, for an unknown key, the
            allowed ones.
    """
    try:
        return record.model_validate(value)
    except ValidationError as error:
        faults = [_fault(record, dict(fault), where) for fault in error.errors(include_url=False)]
        raise ParamsError("\n".join(faults)) from None


def _fault(record: type[BaseModel], fault: dict[str, Any], where: str) -> str:
    path = [str(part) for part in fault["loc"]]
    key = ".".join(path) or "(the whole)"
    if fault["type"] == "extra_forbidden":
        allowed = _allowed(record, fault["loc"][:-1])
        return f"{where}: unknown key '{key}'" + (f"; allowed here: {', '.join(allowed)}" if allowed else "")
    if fault["type"] == "missing":
        return f"{where}: the key '{key}' is missing"
    message = fault["msg"].removeprefix("Value error, ")
    shown = "" if isinstance(fault["input"], dict | list) else f" (it is {fault['input']!r})"
    return f"{where}: '{key}': {message[0].lower()}{message[1:]}{shown}"


def _allowed(record: Any, path: tuple[str | int, ...]) -> list[str]:
    """Follow ``path`` through the records' fields to the one that refused a key, and list its keys."""
    for part in path:
        if isinstance(record, type) and issubclass(record, BaseModel):
            if part not in record.model_fields:
                return []
            record = record.model_fields[str(part)].annotation
        else:  # a dict[str, Record] or list[Record]: the key is the user's, the value's type comes last
            arguments = [a for a in getattr(record, "__args__", ()) if a is not type(None)]
            record = arguments[-1] if arguments else None
    if isinstance(record, type) and issubclass(record, BaseModel):
        return sorted(record.model_fields)
    return []
