"""Whether the right class is among the best."""

from __future__ import annotations

from typing import Any

import torch

from penstock.core.array import Array
from penstock.core.dtypes import int32, int64
from penstock.core.op import Type, op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, expect_rank, merge_dim
from penstock.core.tensor import Tensor

_LABELS = Type(frozenset({int32, int64}), default=int32)


def _in_top_k(predictions: Array, targets: Array, k: int) -> Array:
    if predictions.ndim != 2 or targets.ndim != 1:
        raise ShapeError(
            "predictions must be 2-dimensional and targets 1-dimensional, "
            f"got {tuple(predictions.shape)} and {tuple(targets.shape)}"
        )
    if predictions.shape[0] != targets.shape[0]:
        raise ShapeError(
            f"First dimension of predictions {predictions.shape[0]} must match length of targets {targets.shape[0]}"
        )
    classes = predictions.shape[1]
    if not classes:
        return torch.zeros(targets.shape, dtype=torch.bool, device=targets.device)
    labels = targets.to(torch.int64).unsqueeze(1)
    known = (labels >= 0) & (labels < classes)
    of_target = predictions.gather(1, labels.clamp(0, classes - 1))
    better = (predictions > of_target).sum(1, keepdim=True)
    finite = torch.isfinite(predictions).all(1, keepdim=True) | (torch.isfinite(of_target) & (better >= k))
    return ((better < k) & known & torch.isfinite(of_target) & finite).squeeze(1)


def _shape(predictions: Dims, targets: Dims, *rest: Any, **attrs: Any) -> Dims:
    rows = expect_rank(predictions, 2, "predictions")[0]
    return (
        merge_dim(rows, expect_rank(targets, 1, "targets")[0], "the rows of predictions and the length of targets"),
    )


@op("InTopK(predictions: float32, targets: T) -> precision: bool", T=_LABELS, shape=_shape)
def in_top_k_op(predictions: Array, targets: Array, *, k: int) -> Array:
    return _in_top_k(predictions, targets, k)


@op("InTopKV2(predictions: float32, targets: T, k: host T) -> precision: bool", T=_LABELS, shape=_shape)
def in_top_k_v2_op(predictions: Array, targets: Array, k: int) -> Array:
    return _in_top_k(predictions, targets, k)


def in_top_k(targets: Any, predictions: Any, k: Any, name: str | None = None) -> Tensor:
    """Tell for each row whether the prediction for the target is among the `k` best; ties count as among them.

    Args:
        targets: class numbers of shape (rows,), int32 or int64.
        predictions: float32 of shape (rows, classes).
        k: how many of the best count.
        name: the name of the node.
    Returns:
        bool of shape (rows,); False where a prediction that matters is not finite, or the target is no class.
    """
    return in_top_k_v2_op(predictions, targets, k, name=name or "in_top_k")


def in_top_k_v1(predictions: Any, targets: Any, k: Any, name: str | None = None) -> Tensor:
    """Return `in_top_k(targets, predictions, k, name)`."""
    return in_top_k(targets, predictions, k, name)
