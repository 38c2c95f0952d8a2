"""Parameters of distributions: conversions, checks at run time, and shapes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.core.convert import convert_to_tensor
from penstock.core.graph import current_graph, get_default_graph
from penstock.core.tensor import Tensor
from penstock.ops.array.joining import concat
from penstock.ops.array.shaping import (
    broadcast_dynamic_shape,
    broadcast_static_shape,
    reshape,
    shape,
)
from penstock.ops.constant import identity
from penstock.ops.math.exponential import log, log1p, sigmoid
from penstock.ops.math.gamma import lgamma
from penstock.ops.math.reduce import reduce_sum
from penstock.ops.nn.softmax import softmax


def checked(tensor: Any, checks: Sequence[Any], name: str | None = None) -> Tensor:
    """Return a tensor that waits for the operations of checks; eagerly they have run already.

    Args:
        tensor: the tensor.
        checks: operations; None among them counts for nothing.
        name: the name of the node.
    """
    graph = current_graph()
    if graph is None:
        return identity(tensor)
    with get_default_graph().control_dependencies([check for check in checks if check is not None]):
        return identity(tensor, name=name)


def logits_and_probs(logits: Any, probs: Any, is_multidimensional: bool) -> tuple[Tensor, Tensor]:
    """Return log-odds (or unnormalized log-probabilities) and probabilities, of which one is given.

    Args:
        logits, probs: one of them is None.
        is_multidimensional: whether the last axis runs over classes.
    Raises:
        ValueError: if both or none are given.
    """
    if (probs is None) == (logits is None):
        raise ValueError("Must pass probs or logits, but not both.")
    if probs is None:
        logits = convert_to_tensor(logits, name="logits")
        _expect_floating(logits)
        return logits, softmax(logits, name="probs") if is_multidimensional else sigmoid(logits, name="probs")
    probs = convert_to_tensor(probs, name="probs")
    _expect_floating(probs)
    return log(probs) if is_multidimensional else log(probs) - log1p(-1.0 * probs), probs


def _expect_floating(tensor: Tensor) -> None:
    if not tensor.dtype.is_floating:
        raise TypeError(f"Argument must having floating type, got {tensor.dtype.name}.")


def new_seed(seed: int | None, salt: str) -> int | None:
    """Return a seed for another draw of the same sample; None for None."""
    if seed is None:
        return None
    return int(hashlib.md5((str(seed) + salt).encode()).hexdigest()[:8], 16) & 0x7FFFFFFF


def joint_shape(*tensors: Tensor) -> Any:
    """Return the static shape to which tensors broadcast."""
    result = tensors[0].shape
    for tensor in tensors[1:]:
        result = broadcast_static_shape(result, tensor.shape)
    return result


def joint_shape_tensor(*tensors: Tensor) -> Tensor:
    """Return the shape to which tensors broadcast, as it is at run time."""
    result = shape(tensors[0])
    for tensor in tensors[1:]:
        result = broadcast_dynamic_shape(result, shape(tensor))
    return result


def sample_dims(n: Any, dims: Any) -> Tensor:
    """Return the shape of `n` samples."""
    return concat([reshape(n, [1]), dims], 0)


def log_combinations(total: Tensor, counts: Tensor) -> Tensor:
    """Return the logarithm of the multinomial coefficients."""
    return lgamma(total + 1.0) - reduce_sum(lgamma(counts + 1.0), -1)


def nan_of(dtype: Any) -> Any:
    """Return the NaN of a floating type."""
    return np.array(np.nan, dtype=dtype.as_numpy_dtype)
