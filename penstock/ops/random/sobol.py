"""Sobol sequences: points that fill the unit cube more evenly than random ones."""

from __future__ import annotations

from typing import Any

import torch
from torch.quasirandom import SobolEngine

from penstock.core import array, dtypes
from penstock.core.array import Array
from penstock.core.dtypes import DType, as_dtype
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import name_scope
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.tensor import Tensor


@op(
    "SobolSample(dim: host int32, num_results: host int32, skip: host int32) -> samples: dtype",
    dtype={dtypes.float32, dtypes.float64},
)
def sobol_sample_op(dim: Any, num_results: Any, skip: Any, *, dtype: DType = dtypes.float32) -> Array:
    for name, value, least in (("dim", dim, 1), ("num_results", num_results, 1), ("skip", skip, 0)):
        if isinstance(value, list):
            raise InvalidArgumentError(None, None, f"{name} must be a scalar, got {value}")
        if value < least:
            least_word = "one" if least else "zero"
            raise InvalidArgumentError(None, None, f"{name} must be at least {least_word}, got {value}")
    if dim > SobolEngine.MAXDIM:
        raise InvalidArgumentError(None, None, f"dim must be at most {SobolEngine.MAXDIM}, got {dim}")
    engine = SobolEngine(dim)
    # The first point of the sequence, the origin, is left out.
    engine.fast_forward(skip + 1)
    return engine.draw(num_results, dtype=torch.float64).to(array.torch_dtype(dtype))


@sobol_sample_op.shape
def sobol_sample_shape(dim: Any, num_results: Any, skip: Any, *, dtype: DType) -> Dims:
    return (num_results, dim)


def sobol_sample(
    dim: Any, num_results: Any, skip: Any = 0, dtype: Any = dtypes.float32, name: str | None = None
) -> Tensor:
    """Return points of a Sobol sequence.

    Args:
        dim: the number of coordinates, at least 1.
        num_results: the number of points, at least 1.
        skip: how many points at the beginning to leave out.
        dtype: float32 or float64.
        name: the name of the operation.
    Returns:
        Numbers in (0, 1), of shape (num_results, dim).
    Source: Joe and Kuo 2008, "Constructing Sobol sequences with better two-dimensional projections".
    """
    with name_scope(name, "sobol", [dim, num_results, skip]):
        return sobol_sample_op(dim, num_results, skip, dtype=as_dtype(dtype))
