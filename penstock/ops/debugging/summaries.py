"""How values are shown in messages and printed lines: short, in the notation of the one who reads them.

Assert and Print show the first elements (`[1 2 3...]`); PrintV2 and StringFormat show both ends of every axis
(`[0 1 2 ... 7 8 9]`).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.core import array
from penstock.core.array import Value

_ESCAPES = {ord("\n"): "\\n", ord("\r"): "\\r", ord("\t"): "\\t", ord('"'): '\\"', ord("'"): "\\'", ord("\\"): "\\\\"}
_ESCAPES.update({code: f"\\{code:03o}" for code in (*range(32), 127) if code not in _ESCAPES})


def escape(item: bytes) -> str:
    """Return a string with control characters, quotes and backslashes escaped as in C; other bytes stay as they are."""
    return item.decode("utf-8", "surrogateescape").translate(_ESCAPES)


def printable(text: str) -> str:
    """Return text whose bytes beyond UTF-8 are escaped, so that every stream and message can hold it."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def format_float(number: float, digits: int = 6, largest_digits: int = 9) -> str:
    """Return a number in the fewest digits of two precisions that lead back to it.

    Args:
        number: the number.
        digits: the precision to try: 6 for float32, 15 for float64.
        largest_digits: the precision that always suffices: 9 for float32, 17 for float64.
    """
    if not math.isfinite(number):
        return "nan" if math.isnan(number) else "inf" if number > 0 else "-inf"
    text = f"{number:.{digits}g}"
    restored = float(text) if largest_digits > 9 else float(np.float32(text))
    return text if restored == number else f"{number:.{largest_digits}g}"


def element_formatter(numbers: np.ndarray, quotes: bool) -> Callable[[Any], str]:
    """Return how one element of an array is shown; `quotes` puts strings in quotation marks."""
    if numbers.dtype == object:
        return (lambda item: f'"{escape(item)}"') if quotes else escape
    if numbers.dtype == np.bool_:
        return lambda item: "1" if item else "0"
    if numbers.dtype == np.float64:
        return lambda item: format_float(float(item), 15, 17)
    if numbers.dtype.kind == "c":
        return lambda item: str(complex(item))
    if numbers.dtype.kind in "iu":
        return lambda item: str(int(item))
    return lambda item: format_float(float(item))


def _rows(value: Value) -> np.ndarray:
    numbers = array.to_numpy(value)
    if isinstance(numbers, bytes):
        result = np.empty((), dtype=object)
        result[()] = numbers
        return result
    return np.asarray(numbers)


def summarize_start(value: Value, limit: int) -> str:
    """Return the first elements of a value, without the outermost brackets of a vector.

    Args:
        value: a numeric or string value; resources and variants are shown as Python shows them.
        limit: the number of elements; negative for all.
    """
    if not array.dims_of(value) and not hasattr(value, "dtype"):
        return repr(value)
    numbers = _rows(value)
    show = element_formatter(numbers, quotes=False)
    limit = numbers.size if limit < 0 else limit
    if numbers.ndim == 0:
        return show(numbers[()]) if limit else "..."
    if not numbers.size:
        return ""
    text = _start(numbers, show, limit, outermost=True)[0]
    return text + ("..." if numbers.size > limit else "")


def _start(numbers: np.ndarray, show: Callable[[Any], str], left: int, outermost: bool) -> tuple[str, int]:
    """Return what is shown of an axis and all below it, and how many elements may still be shown."""
    if numbers.ndim == 1:
        shown = [show(item) for item in numbers[:left]]
        cut = "..." if numbers.size > left and not outermost else ""
        return " ".join(shown) + cut, left - len(shown)
    parts = []
    for row in numbers:
        if left <= 0:
            break
        text, left = _start(row, show, left, outermost=False)
        parts.append(f"[{text}]")
    return "".join(parts), left


def summarize_ends(value: Value, edge_items: int) -> str:
    """Return a value in NumPy's layout, long axes shortened to their ends.

    Args:
        value: a numeric or string value; resources and variants are shown as Python shows them.
        edge_items: how many elements of each end of an axis are shown; negative for all.
    """
    if not array.dims_of(value) and not hasattr(value, "dtype"):
        return repr(value)
    numbers = _rows(value)
    show = element_formatter(numbers, quotes=True)
    if edge_items == 0:
        return (
            "[" + "\n" * (numbers.ndim - 1) + " ...]"
            if numbers.ndim and numbers.size
            else "..."
            if not numbers.ndim
            else "[]"
        )
    return show(numbers[()]) if numbers.ndim == 0 else _ends(numbers, show, edge_items, 1)


def _ends(numbers: np.ndarray, show: Callable[[Any], str], edge_items: int, depth: int) -> str:
    size = len(numbers)
    whole = edge_items < 0 or size <= 2 * edge_items
    first = numbers if whole else numbers[:edge_items]
    last = numbers[:0] if whole else numbers[size - edge_items :]

    def shown(rows: np.ndarray) -> list[str]:
        if numbers.ndim == 1:
            return [show(item) for item in rows]
        return [_ends(row, show, edge_items, depth + 1) for row in rows]

    separator = " " if numbers.ndim == 1 else "\n" * (numbers.ndim - 1) + " " * depth
    return f"[{separator.join(itertools.chain(shown(first), [] if whole else ['...'], shown(last)))}]"
