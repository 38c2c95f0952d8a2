"""The edit distance between sequences, which sparse tensors hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from penstock.core.array import Value
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.sparse_tensor import SparseTensor
from penstock.core.tensor import Tensor
from penstock.ops.hosted import on_host


@op(
    "EditDistance(hypothesis_indices: int64, hypothesis_values: T, hypothesis_shape: host int64, truth_indices: int64, "
    "truth_values: T, truth_shape: host int64) -> output: float32",
    differentiable=False,
)
@on_host
def edit_distance_op(
    hypothesis_indices: torch.Tensor,
    hypothesis_values: Value,
    hypothesis_shape: list[int],
    truth_indices: torch.Tensor,
    truth_values: Value,
    truth_shape: list[int],
    *,
    normalize: bool = True,
) -> torch.Tensor:
    if len(hypothesis_shape) != len(truth_shape) or len(truth_shape) < 2:
        raise InvalidArgumentError(
            None,
            None,
            "Ranks of hypothesis and truth must agree and be at least 2, got shapes "
            f"{hypothesis_shape} and {truth_shape}",
        )
    dims = [max(a, b) for a, b in zip(hypothesis_shape[:-1], truth_shape[:-1], strict=True)]
    hypotheses = _sequences(hypothesis_indices, hypothesis_values, dims)
    truths = _sequences(truth_indices, truth_values, dims)
    result = np.zeros(dims, np.float32)
    for place in hypotheses.keys() | truths.keys():
        hypothesis, truth = hypotheses.get(place, []), truths.get(place, [])
        distance = float(_distance(hypothesis, truth))
        if normalize:
            distance = distance / len(truth) if truth else (float("inf") if hypothesis else 0.0)
        result[place] = distance
    return torch.from_numpy(result)


@edit_distance_op.shape
def edit_distance_shape(
    hypothesis_indices: Dims,
    hypothesis_values: Dims,
    hypothesis_shape: Any,
    truth_indices: Dims,
    truth_values: Dims,
    truth_shape: Any,
    *,
    normalize: bool,
) -> Dims:
    if hypothesis_shape is None or truth_shape is None:
        return None
    pairs = list(zip(hypothesis_shape, truth_shape))[:-1]
    return tuple(None if a is None or b is None else max(a, b) for a, b in pairs)


def _sequences(indices: torch.Tensor, values: Value, dims: list[int]) -> dict[tuple[int, ...], list[Any]]:
    """Return the elements of each sequence by its place."""
    found: dict[tuple[int, ...], list[Any]] = {}
    for row, value in zip(indices.tolist(), values.tolist(), strict=True):
        place = tuple(row[:-1])
        if any(not 0 <= index < size for index, size in zip(place, dims, strict=True)):
            raise InvalidArgumentError(None, None, f"index {row} lies outside of the shape {[*dims, 'length']}")
        found.setdefault(place, []).append(value)
    return found


def _distance(a: list[Any], b: list[Any]) -> int:
    """Return how many elements must be inserted, deleted or exchanged to make one sequence of the other."""
    row = list(range(len(b) + 1))
    for count, item in enumerate(a, start=1):
        diagonal, row[0] = row[0], count
        for index, other in enumerate(b, start=1):
            diagonal, row[index] = row[index], min(row[index] + 1, row[index - 1] + 1, diagonal + (item != other))
    return row[-1]


def edit_distance(
    hypothesis: SparseTensor, truth: SparseTensor, normalize: bool = True, name: str | None = "edit_distance"
) -> Tensor:
    """Return the Levenshtein distances between sequences.

    Args:
        hypothesis: a SparseTensor whose last axis holds the sequences.
        truth: the sequences to compare with, of the same rank.
        normalize: whether distances are divided by the length of the true sequence (inf where it is empty).
        name: the name of the node.
    Returns:
        float32, the shape of the sequences' places.
    Raises:
        TypeError: if an argument is not a SparseTensor.
    """
    for value, what in ((hypothesis, "Hypothesis"), (truth, "Truth")):
        if not isinstance(value, SparseTensor):
            raise TypeError(f"{what} must be a SparseTensor, got {type(value).__name__}. Make one with tf.sparse.")
    return edit_distance_op(
        hypothesis.indices,
        hypothesis.values,
        hypothesis.dense_shape,
        truth.indices,
        truth.values,
        truth.dense_shape,
        normalize=normalize,
        name=name,
    )
