"""What a result differs in from what was recorded."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.oracle.recording import Case, string_array

# Class of tolerance -> type -> (relative, absolute). The absolute one grows with the largest finite value expected.
TOLERANCE = {
    "std": {"float16": (5e-3, 5e-3), "float32": (2e-5, 2e-6), "float64": (1e-10, 1e-12)},
    "loose": {"float16": (2e-2, 2e-2), "float32": (3e-4, 3e-5), "float64": (1e-7, 1e-8)},
    "vloose": {"float16": (5e-2, 5e-2), "float32": (3e-3, 2e-3), "float64": (1e-5, 1e-5)},
}
NEXT_LOOSER = {
    "exact": "std",
    "std": "loose",
    "loose": "vloose",
    "vloose": "vloose",
    "sign": "vloose",
    "shape": "shape",
}


def difference(case: Case, got: Any, expected: Any, tolerance: str) -> str | None:
    """Return in what a structure of values differs from the recorded one, or None.

    Args:
        case: the case, for its arrays.
        got: tensors, arrays and Python values in lists, tuples and dictionaries.
        expected: the structure as it was recorded.
        tolerance: class of tolerance.
    """
    if isinstance(expected, list):
        return _sequences(case, got, expected, tolerance)
    if isinstance(expected, dict):
        ((kind, content),) = expected.items()
        return _KINDS[kind](case, got, content, tolerance)
    if isinstance(expected, float) and not isinstance(got, bool):
        close = abs(float(got) - expected) <= 1e-5 * max(1.0, abs(expected))
    else:
        close = bool(got == expected) and isinstance(got, bool) == isinstance(expected, bool)
    return None if close else f"{got!r}, expected {expected!r}"


def as_array(value: Any) -> np.ndarray:
    """Return a tensor, array or Python value as an array; texts and bytes as objects, which keep zeros at their end."""
    value = value.numpy() if hasattr(value, "numpy") else value
    array = np.asarray(value, dtype=object if isinstance(value, (bytes, str)) else None)
    return array.astype(object) if array.dtype.kind in "SU" else array


def array_difference(got: np.ndarray, expected: np.ndarray, tolerance: str) -> str | None:
    """Return in what an array differs from the expected one in type, shape or values, or None."""
    if got.dtype != expected.dtype:
        return f"dtype {got.dtype}, expected {expected.dtype}"
    if got.shape != expected.shape:
        return f"shape {got.shape}, expected {expected.shape}"
    if tolerance == "shape" or expected.size == 0:
        return None
    if expected.dtype.kind == "c" and tolerance != "exact":
        if tolerance == "sign":
            return array_difference(np.abs(got), np.abs(expected), "loose")
        return array_difference(got.real, expected.real, tolerance) or array_difference(
            got.imag, expected.imag, tolerance
        )
    if tolerance == "sign":
        got, expected, tolerance = np.abs(got), np.abs(expected), "loose"
    same = _same(got, expected, tolerance)
    if same.all():
        return None
    position = int(np.argmin(same.ravel()))
    return (
        f"{int((~same).sum())} of {expected.size} values differ; value {position} is {got.ravel()[position]!r}, "
        f"expected {expected.ravel()[position]!r}"
    )


def _same(got: np.ndarray, expected: np.ndarray, tolerance: str) -> np.ndarray:
    if expected.dtype == object:
        pairs = zip(got.ravel(), expected.ravel(), strict=True)
        return np.array([_as_bytes(a) == _as_bytes(b) for a, b in pairs]).reshape(expected.shape)
    equal = np.asarray((got == expected) | ((got != got) & (expected != expected)))
    if expected.dtype.kind != "f" or tolerance == "exact":
        return equal
    relative, absolute = TOLERANCE[tolerance][expected.dtype.name]
    got, expected = got.astype(np.float64), expected.astype(np.float64)
    finite = np.isfinite(expected)
    scale = max(1.0, float(np.abs(expected[finite]).max(initial=0.0)))
    with np.errstate(all="ignore"):
        near = np.abs(got - expected) <= absolute * scale + relative * np.abs(expected)
    return np.where(finite, near, equal)


def _as_bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _sequences(case: Case, got: Any, expected: list[Any], tolerance: str) -> str | None:
    try:
        items = list(got)
    except TypeError:
        return f"{type(got).__name__} is no sequence"
    if len(items) != len(expected):
        return f"{len(items)} values, expected {len(expected)}"
    for position, (item, wanted) in enumerate(zip(items, expected, strict=True)):
        if reason := difference(case, item, wanted, tolerance):
            return f"[{position}]: {reason}"
    return None


def _tensor(case: Case, got: Any, reference: str, tolerance: str) -> str | None:
    return array_difference(as_array(got), case.array(reference), tolerance)


def _strings(case: Case, got: Any, spec: list[Any], tolerance: str) -> str | None:
    return array_difference(as_array(got), string_array(spec), tolerance)


def _named_tuple(case: Case, got: Any, content: list[Any], tolerance: str) -> str | None:
    names, values = content
    missing = [name for name in names if not hasattr(got, name)]
    return f"no field {missing[0]}" if missing else _sequences(case, got, values, tolerance)


def _dictionary(case: Case, got: Any, content: dict[str, Any], tolerance: str) -> str | None:
    if sorted(map(str, got)) != sorted(content):
        return f"keys {sorted(map(str, got))}, expected {sorted(content)}"
    for key, wanted in content.items():
        if reason := difference(case, got[key], wanted, tolerance):
            return f"[{key!r}]: {reason}"
    return None


def _sparse(case: Case, got: Any, content: list[Any], tolerance: str) -> str | None:
    if not hasattr(got, "dense_shape"):
        return f"{type(got).__name__} is no sparse tensor"
    indices, values, shape = content
    if reason := _tensor(case, got.indices, indices, "exact") or difference(case, got.values, values, tolerance):
        return reason
    dense_shape = as_array(got.dense_shape).tolist()
    return None if dense_shape == shape else f"dense shape {dense_shape}, expected {shape}"


def _ragged(case: Case, got: Any, content: list[Any], tolerance: str) -> str | None:
    if not hasattr(got, "flat_values"):
        return f"{type(got).__name__} is no ragged tensor"
    values, splits = content
    row_splits = [as_array(split).tolist() for split in got.nested_row_splits]
    if row_splits != splits:
        return f"row splits {row_splits}, expected {splits}"
    return difference(case, got.flat_values, values, tolerance)


def _shape(case: Case, got: Any, content: list[Any] | None, tolerance: str) -> str | None:
    sizes = None if got.rank is None else got.as_list()
    return None if sizes == content else f"shape {sizes}, expected {content}"


def _dtype(case: Case, got: Any, name: str, tolerance: str) -> str | None:
    return None if getattr(got, "name", None) == name else f"dtype {got!r}, expected {name}"


def _float(case: Case, got: Any, text: str, tolerance: str) -> str | None:
    return None if repr(float(got)) == text else f"{got!r}, expected {text}"


def _bytes(case: Case, got: Any, text: str, tolerance: str) -> str | None:
    return None if _as_bytes(got) == text.encode("latin-1") else f"{got!r}, expected {text!r}"


_KINDS: dict[str, Any] = {
    "t": _tensor,
    "st": _strings,
    "nt": _named_tuple,
    "dict": _dictionary,
    "sparse": _sparse,
    "ragged": _ragged,
    "shape": _shape,
    "dtype": _dtype,
    "f": _float,
    "by": _bytes,
}
