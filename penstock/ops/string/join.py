"""Joining strings element by element."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.core.array import Value
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import merge
from penstock.core.tensor import Tensor


@op("StringJoin(inputs: N * string) -> output: string", minimum={"N": 0}, differentiable=False)
def string_join_op(inputs: list[Value], *, N: int, separator: str = "") -> Value:
    if not inputs:
        return np.array(b"", dtype=object)
    dims = next((value.shape for value in inputs if value.ndim), ())
    for value in inputs:
        if value.ndim and value.shape != dims:
            raise InvalidArgumentError(
                None,
                None,
                f"Input shapes do not match: {list(dims)} and {list(value.shape)}; give scalars, or one shape",
            )
    result = np.empty(dims, dtype=object)
    flat = result.reshape(-1)
    columns = [np.broadcast_to(value, dims).reshape(-1) for value in inputs]
    for index, parts in enumerate(zip(*columns, strict=True)):
        flat[index] = separator.encode().join(parts)
    return result


@string_join_op.shape
def string_join_shape(inputs: list[Dims], *, N: int, separator: str) -> Dims:
    arrays = [dims for dims in inputs if dims != ()]
    if not arrays:
        return ()
    if None in arrays:
        return None
    return functools.reduce(merge, arrays)


def string_join(inputs: Sequence[Any], separator: str = "", name: str | None = None) -> Tensor:
    """Return strings joined element by element.

    Args:
        inputs: string tensors of one shape; scalars go with each element.
        separator: what stands between them.
        name: the node's name.
    """
    return string_join_op(list(inputs), separator=separator, name=name)
