"""Numbers to strings and back."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.core import array, dtypes
from penstock.core.array import Value
from penstock.core.dtypes import DType, as_dtype
from penstock.core.op import Type, op
from penstock.core.shape_rules import unchanged
from penstock.core.tensor import Tensor
from penstock.ops.math.reduce import one_of
from penstock.ops.string.elementwise import as_strings, invalid

_SHOWN = dtypes.NUMBER | {dtypes.bool_, dtypes.string, dtypes.variant}


def _formatter(
    kind: str, dtype: str, precision: int, scientific: bool, shortest: bool, width: int, fill: str
) -> Callable[[Any], str]:
    """Return how one element is shown, by the rules of C's printf."""
    is_float = kind in "fcV"
    if scientific and shortest:
        raise invalid("Cannot select both scientific and shortest notation")
    if len(fill) > 1:
        raise invalid("Fill string must be one or fewer characters")
    if fill and fill not in " +-0#":
        raise invalid(f'Fill argument not supported: "{fill}"')
    if not is_float and kind != "O":
        if scientific or shortest:
            raise invalid(f"scientific and shortest format not supported for datatype {dtype}")
        if precision > -1:
            raise invalid(f"precision not supported for datatype {dtype}")
    if kind == "b":
        return lambda item: "true" if item else "false"
    specification = "%" + fill + (str(width) if width > -1 else "")
    if kind == "O":
        return lambda item: f"{specification}s" % item.decode("utf-8", "surrogateescape")
    if kind == "u" and fill in (" ", "+"):
        specification = specification.replace(fill, "", 1)  # as in C, what is never negative has no place for a sign
    if kind in "iu":
        return lambda item: f"{specification}d" % int(item)
    letter = "e" if scientific else "g" if shortest else "f"
    number = specification + (f".{precision}" if precision > -1 else "") + letter
    # As in C, zeros do not fill up what is not finite.
    special = specification.replace("0", "", 1) + letter if fill == "0" else specification + letter

    def show(item: float) -> str:
        return (number if np.isfinite(item) else special) % item

    if kind == "c":
        return lambda item: f"({show(float(item.real))},{show(float(item.imag))})"
    return lambda item: show(float(item))


@op(
    "AsString(input: T) -> output: string",
    T=_SHOWN,
    differentiable=False,
    shape=unchanged,
)
def as_string_op(
    input: Value,
    *,
    T: DType,
    precision: int = -1,
    scientific: bool = False,
    shortest: bool = False,
    width: int = -1,
    fill: str = "",
) -> Value:
    values = input if T == dtypes.string else np.asarray(array.to_numpy(input))
    show = _formatter(values.dtype.kind, T.name, precision, scientific, shortest, width, fill)
    items = [show(item).encode("utf-8", "surrogateescape") for item in values.reshape(-1)]
    return as_strings(items, values.shape)


_INTEGER = re.compile(rb"[ \t\n\v\f\r]*[+-]?[0-9]+[ \t\n\v\f\r]*\Z")
_FLOAT = re.compile(
    rb"\s*[+-]?(?:inf(?:inity)?|nan(?:\([\w]*\))?|0x[0-9a-f.]+(?:p[+-]?[0-9]+)?|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?)\s*\Z",
    re.IGNORECASE,
)


def _float(item: bytes) -> float:
    text = item.decode("ascii").strip().lower()
    if "0x" in text:
        return float.fromhex(text)
    return float(text.split("(")[0])


@op(
    "StringToNumber(string_tensor: string) -> output: out_type",
    out_type=Type(
        frozenset({dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64, dtypes.uint32, dtypes.uint64}),
        default=dtypes.float32,
    ),
    differentiable=False,
    shape=unchanged,
)
def string_to_number_op(string_tensor: Value, *, out_type: DType = dtypes.float32) -> Value:
    numpy_type = out_type.as_numpy_dtype
    numbers = np.empty(string_tensor.size, dtype=numpy_type)
    for index, item in enumerate(string_tensor.reshape(-1)):
        pattern = _FLOAT if out_type.is_floating else _INTEGER
        number: Any = None
        if pattern.match(item):
            number = _float(item) if out_type.is_floating else int(item)
        if number is not None and not out_type.is_floating:
            limits = np.iinfo(numpy_type)
            number = number if limits.min <= number <= limits.max else None
        if number is None:
            shown = item.decode("utf-8", "backslashreplace")
            raise invalid(f"StringToNumberOp could not correctly convert string: {shown}")
        with np.errstate(over="ignore"):
            numbers[index] = number
    return array.from_numpy(numbers.reshape(string_tensor.shape))


def as_string(
    input: Any,
    precision: int = -1,
    scientific: bool = False,
    shortest: bool = False,
    width: int = -1,
    fill: str = "",
    name: str | None = None,
) -> Tensor:
    """Return numbers as strings.

    Args:
        input: a tensor of numbers, bools or strings.
        precision: the number of digits after the point, for floating types; -1 for 6.
        scientific: whether floating numbers are shown with an exponent.
        shortest: whether they are shown with one only where that is shorter.
        width: the least number of characters; -1 for any.
        fill: what fills up the width: "0", " ", or as in C's printf "-" (to the left) and "+" (always a sign).
        name: the node's name.

    >>> as_string(3.14159, precision=2).numpy()
    b'3.14'
    """
    return as_string_op(
        input,
        precision=precision,
        scientific=scientific,
        shortest=shortest,
        width=width,
        fill=fill,
        name=name,
    )


def string_to_number(input: Any, out_type: Any = dtypes.float32, name: str | None = None) -> Tensor:
    """Return the numbers that strings show.

    Args:
        input: a string tensor.
        out_type: float32, float64, int32, int64, uint32 or uint64.
        name: the node's name.
    Raises:
        InvalidArgumentError: if a string shows no number of that type.
    """
    return string_to_number_op(input, out_type=as_dtype(out_type), name=name)


def string_to_number_v1(
    string_tensor: Any = None, out_type: Any = dtypes.float32, name: str | None = None, input: Any = None
) -> Tensor:
    """Return the numbers that strings show. See `string_to_number`."""
    return string_to_number(one_of("input", input, "string_tensor", string_tensor), out_type, name)
