"""Rows of runtime values: stacked into batches, taken by index, cut, joined and padded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from penstock.core.array import Value, dims_of


def stack(values: Sequence[Value]) -> Value:
    """Return values of one shape and type stacked along a new first axis."""
    if isinstance(values[0], torch.Tensor):
        return torch.stack(list(values))
    if isinstance(values[0], np.ndarray):
        return np.stack(values)
    result = np.empty(len(values), dtype=object)
    result[:] = values
    return result


def concatenate(values: Sequence[Value]) -> Value:
    """Return values joined along their first axis."""
    if isinstance(values[0], torch.Tensor):
        return torch.cat(list(values))
    return np.concatenate(values)


def num_rows(value: Value) -> int:
    """Return the size of the first axis."""
    return dims_of(value)[0]


def row(value: Value, index: int) -> Value:
    """Return one row. It shares the memory of `value`, which is never written."""
    result = value[index]
    if isinstance(value, torch.Tensor) or isinstance(result, np.ndarray):
        return result
    if isinstance(result, bytes):
        boxed = np.empty((), dtype=object)
        boxed[()] = result
        return boxed
    return result


def rows(value: Value, start: int, stop: int) -> Value:
    """Return consecutive rows, which share the memory of `value`."""
    return value[start:stop]


def take(value: Value, indices: Sequence[int]) -> Value:
    """Return the rows at `indices`, copied."""
    if isinstance(value, torch.Tensor):
        return value.index_select(0, torch.tensor(indices, dtype=torch.int64))
    return value[np.asarray(indices, dtype=np.int64)]


def pad_and_stack(values: Sequence[Value], dims: Sequence[int], padding: Any) -> Value:
    """Return values stacked along a new first axis, each in the corner of a block of shape `dims` filled with
    `padding`."""
    first = values[0]
    shape = (len(values), *dims)
    result: Any
    if isinstance(first, torch.Tensor):
        result = torch.full(shape, padding, dtype=first.dtype)
    else:
        result = np.full(shape, padding, dtype=object)
    for index, value in enumerate(values):
        corner = (index, *[slice(0, size) for size in dims_of(value)])
        result[corner] = value if dims_of(value) else value[()]
    return result


def fingerprint(value: Value) -> Any:
    """Return something hashable that equal values share."""
    if isinstance(value, torch.Tensor):
        return value.dtype, tuple(value.shape), value.contiguous().cpu().reshape(-1).view(torch.uint8).numpy().tobytes()
    return tuple(value.shape), tuple(value.reshape(-1).tolist())
