"""Frozen records of YAML and JSON files; each fault of a file is reported in one line."""

from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fakefaces.base.errors import ParamsError
from fakefaces.base.files import read_regular
from fakefaces.base.names import on_one_line

Share = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
# Files and folders, columns, runs and stages are named so; a file's name has 255 bytes at most, with what is added.
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
_MAX_BYTES = 16 * 2**20  # of a YAML file

M = TypeVar("M", bound=BaseModel)


class Schema(BaseModel):
    """A frozen record: unknown keys are refused, and defaults are checked."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)


class StageParams(Schema):
    """What a stage reads of ``params.yaml``: a field a section; the other sections are ignored."""

    model_config = ConfigDict(extra="ignore")

    seed: int = Field(ge=0, lt=2**32, description="Of everything that is random.")


def read(record: type[M], path: Path) -> M:
    """Read a YAML file into ``record``; a ParamsError with a line for each fault."""
    return parse(record, read_yaml(path), path.name)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds a mapping; a ParamsError if it is missing, not YAML, or holds something else."""
    try:
        data = read_regular(path, _MAX_BYTES)
        if len(data) > _MAX_BYTES:
            raise ParamsError(f"{path.name}: more than {_MAX_BYTES:,} bytes, which no such file has")
        value = yaml.safe_load(data.decode("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ParamsError(f"{path.name}: cannot be read ({error}); restore it with: git checkout {path.name}") from None
    except yaml.YAMLError as error:
        raise ParamsError(f"{path.name}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(value, dict):
        raise ParamsError(f"{path.name}: expected keys with values, such as 'seed: 20'")
    return value


def parse(record: type[M], value: object, where: str, within: str = "") -> M:
    """Turn a value of a YAML or JSON file into ``record``.

    Args:
        record: a pydantic model.
        value: what the file holds.
        where: the file, such as ``params.yaml``; the start of each message.
        within: the key of ``value`` in that file, such as ``train.fit``; put before the keys in messages.

    Raises:
        ParamsError: with a line per fault: the key, what is wrong and, for an unknown key, the allowed ones.
    """
    try:
        return record.model_validate(value)
    except ValidationError as error:
        lines = [_message(record, dict(fault), where, within) for fault in error.errors(include_url=False)]
        raise ParamsError("\n".join(lines)) from None


def _message(record: type[BaseModel], fault: dict[str, Any], where: str, within: str) -> str:
    parts = [str(part) for part in fault["loc"] if part != "[key]"]
    key = on_one_line(".".join([within, *parts] if within else parts))
    if fault["type"] == "extra_forbidden":
        allowed = _keys_at(record, parts[:-1])
        return f"{where}: unknown key '{key}'" + (f"; allowed here: {', '.join(allowed)}" if allowed else "")
    if fault["type"] == "missing":
        return f"{where}: the key '{key}' is missing"
    prefix = f"'{key}': " if key else ""
    message = fault["msg"].removeprefix("Value error, ")
    actual = "" if isinstance(fault["input"], dict | list) else f" (it is {fault['input']!r})"
    return f"{where}: {prefix}{message[0].lower()}{message[1:]}{actual}"


def _keys_at(record: Any, parts: list[str]) -> list[str]:
    """The keys of the record that lies at a path within ``record``."""
    for part in parts:
        if isinstance(record, type) and issubclass(record, BaseModel):
            fields = {field.alias or name: field for name, field in record.model_fields.items()}
            record = fields[part].annotation if part in fields else None
        else:  # a dict[str, Record] or list[Record]: the value's type comes last
            arguments = [a for a in getattr(record, "__args__", ()) if a is not type(None)]
            record = arguments[-1] if arguments else None
    if isinstance(record, type) and issubclass(record, BaseModel):
        return sorted(field.alias or name for name, field in record.model_fields.items())
    return []
