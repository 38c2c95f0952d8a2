"""The loss of sequences of logits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.graph import name_scope
from penstock.core.tensor import Tensor
from penstock.ops.array.shaping import reshape, shape_v1
from penstock.ops.math.binary import divide_no_nan
from penstock.ops.math.cast import cast
from penstock.ops.math.compare import not_equal
from penstock.ops.math.reduce import reduce_sum
from penstock.ops.nn.cross_entropy import sparse_softmax_cross_entropy_with_logits

_LITTLE = 1e-12  # keeps a division by no weight at all finite


def sequence_loss(
    logits: Any,
    targets: Any,
    weights: Any,
    average_across_timesteps: bool = True,
    average_across_batch: bool = True,
    sum_over_timesteps: bool = False,
    sum_over_batch: bool = False,
    softmax_loss_function: Callable[..., Any] | None = None,
    name: str | None = None,
) -> Tensor:
    """Return the weighted cross entropy of sequences.

    Args:
        logits: of shape (batch, time, tokens).
        targets: integers of shape (batch, time), the right tokens.
        weights: of shape (batch, time): 0 for steps that do not count.
        average_across_timesteps: whether the losses of a sequence are averaged, by weight.
        average_across_batch: whether those of a step are averaged over the sequences, by weight.
        sum_over_timesteps: whether the losses of a sequence are summed and divided by the number of steps that count.
        sum_over_batch: the same over sequences.
        softmax_loss_function: called with `labels` and `logits`, in place of the softmax cross entropy.
        name: the name scope.
    Returns:
        A scalar, a vector of shape (batch,) or (time,), or a matrix of shape (batch, time), as the flags say.
    Raises:
        ValueError: if ranks are wrong, or an average and a sum are asked of one axis.
    """
    logits, targets, weights = convert_to_tensor(logits), convert_to_tensor(targets), convert_to_tensor(weights)
    for label, tensor, rank, axes in (
        ("Logits", logits, 3, "[batch_size x sequence_length x logits]"),
        ("Targets", targets, 2, "[batch_size x sequence_length]"),
        ("Weights", weights, 2, "[batch_size x sequence_length]"),
    ):
        if tensor.ndim != rank:
            raise ValueError(f"{label} must be a {axes} tensor, got the shape {tensor.shape}")
    for axis, average, total in (
        ("timesteps", average_across_timesteps, sum_over_timesteps),
        ("batch", average_across_batch, sum_over_batch),
    ):
        if average and total:
            raise ValueError(
                f"average_across_{axis} and sum_over_{axis} cannot be set to True at same time. Pass "
                f"average_across_{axis}=False."
            )
    with name_scope(name, "sequence_loss", [logits, targets, weights]):
        shape = shape_v1(targets)
        words = logits.shape.as_list()[2]
        flat_logits = reshape(logits, [-1, words if words is not None else shape_v1(logits)[2]])
        flat_targets = reshape(targets, [-1])
        if softmax_loss_function is None:
            losses = sparse_softmax_cross_entropy_with_logits(labels=flat_targets, logits=flat_logits)
        else:
            losses = softmax_loss_function(labels=flat_targets, logits=flat_logits)
        losses = reshape(losses, shape) * weights
        losses.set_shape(targets.shape)
        if average_across_timesteps or average_across_batch:
            over = [a for a, flag in ((0, average_across_batch), (1, average_across_timesteps)) if flag]
            return reduce_sum(losses, over) / (reduce_sum(weights, over) + _LITTLE)
        over = [a for a, flag in ((0, sum_over_batch), (1, sum_over_timesteps)) if flag]
        if not over:
            return losses
        return divide_no_nan(reduce_sum(losses, over), reduce_sum(cast(not_equal(weights, 0), losses.dtype), over))
