"""The cross product of vectors in three dimensions."""

from __future__ import annotations

from typing import Any

import torch

from penstock.core.dtypes import REAL_NUMBER
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import expect_rank_at_least, merge, merge_dim
from penstock.core.tensor import Tensor

_WIDER = {torch.float16: torch.float32, torch.bfloat16: torch.float32}
_WIDER |= {torch.uint8: torch.int32, torch.uint16: torch.int64, torch.uint32: torch.int64}


@op("Cross(a: T, b: T) -> product: T", T=REAL_NUMBER)
def cross_op(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    if a.shape != b.shape or not a.ndim or a.shape[-1] != 3:
        raise InvalidArgumentError(
            None,
            None,
            f"a and b must have one shape, with 3 elements along the last axis, got {list(a.shape)} and "
            f"{list(b.shape)}",
        )
    if a.dtype == torch.uint64:
        return torch.linalg.cross(a.view(torch.int64), b.view(torch.int64)).view(torch.uint64)
    wider = _WIDER.get(a.dtype, a.dtype)
    return torch.linalg.cross(a.to(wider), b.to(wider)).to(a.dtype)


@cross_op.shape
def cross_shape(a: Dims, b: Dims) -> Dims:
    dims = merge(a, b, "shapes of a and b")
    expect_rank_at_least(dims, 1, "a")
    if dims is not None:
        merge_dim(dims[-1], 3, "the last axis of a and 3")
    return dims


@cross_op.gradient
def cross_gradient(call: Any, grad: Any) -> tuple[Any, Any]:
    a, b = call.inputs
    return cross_op(b, grad), cross_op(grad, a)


def cross(a: Any, b: Any, name: str | None = None) -> Tensor:
    """Return the cross products of vectors.

    Args:
        a, b: tensors of shape (..., 3).
        name: the name of the node.
    """
    return cross_op(a, b, name=name)
