"""The numbers and operators of an ONNX file, read without the package ``onnx``, whose import takes longer than a score.

The fields are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, in the wire format of
https://protobuf.dev/programming-guides/encoding.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LENGTHS = {1: 8, 5: 4}  # bytes of a field by its wire type, where that is fixed
_VARINT, _BYTES = 0, 2
# Fields that lead to tensors, by message: their number, and the message that they hold.
_WITHIN = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor"},
}
_RAW = 9
# Of raw_data by data_type, and of float_data and double_data by their fields.
_TYPES: dict[int, np.dtype[Any]] = {
    1: np.dtype("<f4"),
    10: np.dtype("<f2"),
    11: np.dtype("<f8"),
}
_PACKED: dict[int, np.dtype[Any]] = {4: np.dtype("<f4"), 10: np.dtype("<f8")}
_DATA_TYPE, _EXTERNAL = 2, 13
_DEEPEST = 32
_INPUT, _OPERATOR = 1, 4
_RANDOM = {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli"}
_UNFIXED = _RANDOM | {"Loop", "Scan", "If", "SequenceMap"}


def unsound(data: bytes) -> str:
    """What is wrong with the numbers and operators of an ONNX file; empty where equal images get equal scores in time.

    Numbers are finite and all in the file, and no operator loops, branches or draws random numbers.
    A single infinite number is no fault: it is the bound of a clipping.

    Raises:
        ValueError: the file is cut or not in this format.
    """
    try:
        for node in _messages(memoryview(data), "model", "node", 0):
            if operator := _unfixed(list(_fields(node))):
                return f"an operator that loops, branches or draws random numbers ({operator})"
        for tensor in _messages(memoryview(data), "model", "tensor", 0):
            if any(number == _EXTERNAL for number, _ in _fields(tensor)):
                return "weights in another file"
            for values in _floats(tensor):
                if np.isnan(values).any() or (values.size > 1 and not np.isfinite(values).all()):
                    return "weights that are not finite numbers"
    except IndexError:
        raise ValueError("it is cut") from None
    return ""


def _unfixed(node: list[tuple[int, int | memoryview]]) -> str:
    """The operator of a node, if it is one whose result or duration its inputs do not tell; else empty."""
    names = [bytes(value) for number, value in node if number == _OPERATOR and isinstance(value, memoryview)]
    name = names[-1].decode("ascii", "replace") if names else ""
    trains = name == "Dropout" and sum(number == _INPUT for number, _ in node) > 2  # with a flag to drop in scoring
    return name if name in _UNFIXED or trains else ""


def _messages(message: memoryview, kind: str, wanted: str, depth: int) -> Iterator[memoryview]:
    if kind == wanted:
        yield message
        return
    if depth > _DEEPEST:
        raise ValueError("its graphs lie too deep in each other")
    for number, value in _fields(message):
        inner = _WITHIN[kind].get(number)
        if (inner == wanted or inner in _WITHIN) and isinstance(value, memoryview):
            yield from _messages(value, inner, wanted, depth + 1)


def _floats(tensor: memoryview) -> Iterator[NDArray[np.floating]]:
    fields = list(_fields(tensor))
    type_ = next((value for number, value in fields if number == _DATA_TYPE), 0)
    for number, value in fields:
        dtype = _TYPES.get(type_) if number == _RAW and isinstance(type_, int) else _PACKED.get(number)
        if dtype and isinstance(value, memoryview):
            floats: NDArray[np.floating] = np.frombuffer(value, dtype)
            yield floats


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The fields of a message: their number, and an integer or their bytes."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        if wire == _BYTES:
            length, at = _varint(message, at)
        elif wire in _LENGTHS:
            length = _LENGTHS[wire]
        else:
            raise ValueError(f"a field of type {wire}")
        if at + length > len(message):
            raise ValueError("it is cut")
        yield number, message[at : at + length]
        at += length


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, and the place after it."""
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at
        if shift > 63:
            raise ValueError("a number of too many bytes")
