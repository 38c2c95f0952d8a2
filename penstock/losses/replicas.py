"""Losses of programs that run on several replicas."""

from __future__ import annotations

from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.tensor import Tensor
from penstock.distribute.strategy import get_strategy, in_cross_replica_context
from penstock.losses.weights import broadcast_weights
from penstock.ops.array.shaping import shape
from penstock.ops.math.cast import cast
from penstock.ops.math.reduce import reduce_sum


def _check_in_replica(what: str) -> None:
    if in_cross_replica_context():
        raise RuntimeError(
            f"You are calling `{what}` in cross replica context, while it was expected to be called in "
            "replica context. Call it within the function given to `strategy.run`."
        )


def compute_average_loss(per_example_loss: Any, sample_weight: Any = None, global_batch_size: Any = None) -> Tensor:
    """Return the sum of a replica's losses, divided by the size of the batch of all replicas.

    Args:
        per_example_loss: a loss for each example.
        sample_weight: a weight for each.
        global_batch_size: the size of the batch of all replicas; by default this replica's, times the replicas.
    Returns:
        A scalar; its sum over replicas is the average loss.
    Raises:
        ValueError: if there are losses for nothing: a scalar.
        RuntimeError: between replicas.
    """
    losses = convert_to_tensor(per_example_loss)
    if losses.shape.rank == 0:
        raise ValueError("Please specify a non-scalar `per_example_loss`: one loss for each example.")
    if sample_weight is not None:
        weights = convert_to_tensor(cast(sample_weight, losses.dtype))
        losses = losses * broadcast_weights(weights, losses)
    if global_batch_size is None:
        _check_in_replica("compute_average_loss")
        global_batch_size = shape(losses)[0] * get_strategy().num_replicas_in_sync
    return reduce_sum(losses) / cast(global_batch_size, losses.dtype)


def scale_regularization_loss(regularization_loss: Any) -> Tensor:
    """Return the sum of a regularization loss, divided by the number of replicas, which each add it.

    Args:
        regularization_loss: the loss.
    Raises:
        RuntimeError: between replicas.
    """
    _check_in_replica("scale_regularization_loss")
    loss = convert_to_tensor(regularization_loss)
    return reduce_sum(loss) / cast(get_strategy().num_replicas_in_sync, loss.dtype)
