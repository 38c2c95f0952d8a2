"""The decoder and the losses of unrolled networks, lists with one tensor for each step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.graph import name_scope
from penstock.core.tensor import Tensor
from penstock.language.variable_scope import get_variable_scope, variable_scope
from penstock.ops.array.shaping import reshape, shape_v1
from penstock.ops.math.cast import cast
from penstock.ops.math.reduce import reduce_sum
from penstock.ops.math.sum_n import add_n
from penstock.ops.nn.cross_entropy import sparse_softmax_cross_entropy_with_logits

_LITTLE = 1e-12  # keeps a division by no weight at all finite


def rnn_decoder(
    decoder_inputs: Sequence[Any],
    initial_state: Any,
    cell: Any,
    loop_function: Callable[[Any, int], Any] | None = None,
    scope: Any = None,
) -> tuple[list[Any], Any]:
    """Run a cell over a list of inputs, or over what a function makes of its last output.

    Args:
        decoder_inputs: tensors of shape (batch, depth).
        initial_state: the first state.
        cell: the cell.
        loop_function: from the last output and the number of the step to the input, from the second step on.
        scope: the variable scope, "rnn_decoder" by default.
    Returns:
        The list of outputs, and the last state.
    """
    with variable_scope(scope or "rnn_decoder"):
        state = initial_state
        outputs: list[Any] = []
        for time, item in enumerate(decoder_inputs):
            if loop_function is not None and outputs:
                with variable_scope("loop_function", reuse=True):
                    item = loop_function(outputs[-1], time)
            if time > 0:
                get_variable_scope().reuse_variables()
            output, state = cell(item, state)
            outputs.append(output)
        return outputs, state


def sequence_loss_by_example(
    logits: Sequence[Any],
    targets: Sequence[Any],
    weights: Sequence[Any],
    average_across_timesteps: bool = True,
    softmax_loss_function: Callable[..., Any] | None = None,
    name: str | None = None,
) -> Tensor:
    """Return the weighted cross entropy of each sequence.

    Args:
        logits: for each step a tensor of shape (batch, tokens).
        targets: for each step the right tokens, integers of shape (batch,).
        weights: for each step numbers of shape (batch,).
        average_across_timesteps: whether losses are averaged by weight, and not summed.
        softmax_loss_function: called with `labels` and `logits`, in place of the softmax cross entropy.
        name: the name scope.
    Returns:
        Of shape (batch,).
    Raises:
        ValueError: if the lists have different lengths.
    """
    if len(targets) != len(logits) or len(weights) != len(logits):
        raise ValueError(
            f"Lengths of logits, weights, and targets must be the same {len(logits)}, {len(weights)}, {len(targets)}."
        )
    with name_scope(name, "sequence_loss_by_example", [*logits, *targets, *weights]):
        losses = []
        for row, target, weight in zip(logits, targets, weights, strict=True):
            labels = reshape(convert_to_tensor(target), [-1])
            loss = softmax_loss_function or sparse_softmax_cross_entropy_with_logits
            losses.append(loss(labels=labels, logits=row) * weight)
        total = add_n(losses)
        return total / (add_n([convert_to_tensor(w) for w in weights]) + _LITTLE) if average_across_timesteps else total


def sequence_loss(
    logits: Sequence[Any],
    targets: Sequence[Any],
    weights: Sequence[Any],
    average_across_timesteps: bool = True,
    average_across_batch: bool = True,
    softmax_loss_function: Callable[..., Any] | None = None,
    name: str | None = None,
) -> Tensor:
    """Return the weighted cross entropy of all sequences; see `sequence_loss_by_example`.

    Args:
        logits, targets, weights, average_across_timesteps, softmax_loss_function, name: see `sequence_loss_by_example`.
        average_across_batch: whether the sum is divided by the number of sequences.
    """
    with name_scope(name, "sequence_loss", [*logits, *targets, *weights]):
        each = sequence_loss_by_example(logits, targets, weights, average_across_timesteps, softmax_loss_function)
        total = reduce_sum(each)
        if not average_across_batch:
            return total
        return total / cast(shape_v1(convert_to_tensor(targets[0]))[0], total.dtype)
