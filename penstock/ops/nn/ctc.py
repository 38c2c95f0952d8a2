"""Connectionist temporal classification: the loss of label sequences that are shorter than their inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from penstock.core import array, dtypes
from penstock.core.array import Array
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import as_dtype
from penstock.core.errors import FailedPreconditionError, InvalidArgumentError
from penstock.core.graph import op_scope
from penstock.core.op import Type, op
from penstock.core.shape import Dims
from penstock.core.shape_rules import expect_rank
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred
from penstock.ops.array.selecting import sequence_mask
from penstock.ops.hosted import on_host
from penstock.ops.math.cast import cast

_FLOATING = Type(frozenset({dtypes.float32, dtypes.float64}), default=dtypes.float32)


def _log_sum(*terms: np.ndarray) -> np.ndarray:
    return np.logaddexp.reduce(terms)


def _forward_backward(
    log_probabilities: np.ndarray, labels: list[int], blank: int, merges: bool
) -> tuple[float, np.ndarray]:
    """Return the loss of one sequence, and its gradient with respect to the logits.

    Args:
        log_probabilities: of shape (steps, classes).
        labels: the classes; a label may be the class that stands for none, too.
        blank: the class that stands for no label.
        merges: whether repeated outputs without a blank between them are one label.
    Source: Graves et al. 2006, section 4.
    """
    steps, classes = log_probabilities.shape
    states = np.full(2 * len(labels) + 1, blank)
    states[1::2] = labels
    is_blank = np.arange(len(states)) % 2 == 0
    stays = is_blank | merges
    skips = np.zeros(len(states), bool)
    skips[2:] = ~is_blank[2:] & ((states[2:] != states[:-2]) | (not merges))
    emitted = log_probabilities[:, states]

    def pass_over(emitted: np.ndarray, skips: np.ndarray) -> np.ndarray:
        total = np.full((steps, len(states)), -np.inf)
        total[0, :2] = emitted[0, :2]
        for step in range(1, steps):
            before = total[step - 1]
            one = np.concatenate([[-np.inf], before[:-1]])
            two = np.concatenate([[-np.inf, -np.inf], before[:-2]])[: len(states)]
            total[step] = emitted[step] + _log_sum(
                np.where(stays_now, before, -np.inf), one, np.where(skips, two, -np.inf)
            )
        return total

    with np.errstate(invalid="ignore", divide="ignore"):
        stays_now = stays
        forward = pass_over(emitted, skips)
        stays_now = stays[::-1]
        # Skipping backwards lands on the state from which the skip forwards starts.
        back_skips = np.concatenate([skips[2:], [False] * min(2, len(states))])[: len(states)]
        backward = pass_over(emitted[::-1, ::-1], back_skips[::-1])[::-1, ::-1]
        ends = forward[-1, -2:]
        log_total = float(np.logaddexp.reduce(ends))
        if log_total == -np.inf:
            return np.inf, np.zeros((steps, classes))
        occupancy = np.exp(forward + backward - emitted - log_total)
    gradient = np.exp(log_probabilities)
    for place, state in enumerate(states):
        gradient[:, state] -= np.nan_to_num(occupancy[:, place])
    return -log_total, gradient


def _losses(
    inputs: Array,
    indices: Array,
    values: Array,
    lengths: Array,
    blank: int,
    collapses: bool,
    merges: bool,
    ignores: bool,
    takes_blanks: bool = False,
) -> tuple[Array, Array]:
    if inputs.ndim != 3:
        raise InvalidArgumentError(None, None, f"inputs is not a 3-Tensor, got shape {list(inputs.shape)}")
    time, batch, classes = inputs.shape
    if tuple(lengths.shape) != (batch,):
        raise InvalidArgumentError(None, None, f"len(sequence_length) != batch_size {batch}: {list(lengths.shape)}")
    if indices.ndim != 2 or indices.shape[0] != values.shape[0]:
        raise InvalidArgumentError(
            None,
            None,
            f"labels_indices and labels_values must match, got {list(indices.shape)} and {list(values.shape)}",
        )
    sequences: list[list[int]] = [[] for _ in range(batch)]
    for (row, _), label in zip(indices.tolist(), values.tolist(), strict=True):
        if not 0 <= label < classes or (label == blank and not takes_blanks):
            raise InvalidArgumentError(
                None,
                None,
                f"Saw label {label}, the blank {blank} or outside of {classes} classes, in row {row}",
            )
        if not (collapses and sequences[row] and sequences[row][-1] == label):
            sequences[row].append(label)
    log_probabilities = array.to_numpy(torch.log_softmax(inputs.double(), -1))
    loss, gradient = np.zeros(batch), np.zeros((time, batch, classes))
    for row, (labels, steps) in enumerate(zip(sequences, lengths.tolist(), strict=True)):
        if steps > time:
            raise InvalidArgumentError(None, None, f"sequence_length({row}) = {steps} is more than {time} steps")
        repeats = sum(a == b for a, b in zip(labels, labels[1:], strict=False)) if merges else 0
        if steps < len(labels) + repeats:
            if ignores:
                continue
            if steps < len(labels):
                raise InvalidArgumentError(
                    None,
                    None,
                    f"Not enough time for target transition sequence (required: {len(labels)}, available: {steps})",
                )
        if steps:
            loss[row], gradient[:steps, row] = _forward_backward(log_probabilities[:steps, row], labels, blank, merges)
    return torch.from_numpy(loss).to(inputs.dtype), torch.from_numpy(gradient).to(inputs.dtype)


def _loss_shapes(inputs: Dims, *rest: Any, **attrs: Any) -> tuple[Dims, Dims]:
    return (expect_rank(inputs, 3, "inputs")[1],), inputs


@op(
    "CTCLoss(inputs: T, labels_indices: int64, labels_values: int32, sequence_length: int32) -> (loss: T, gradient: T)",
    T=_FLOATING,
    shape=_loss_shapes,
)
@on_host
def ctc_loss_op(
    inputs: Array,
    labels_indices: Array,
    labels_values: Array,
    sequence_length: Array,
    *,
    preprocess_collapse_repeated: bool = False,
    ctc_merge_repeated: bool = True,
    ignore_longer_outputs_than_inputs: bool = False,
) -> tuple[Array, Array]:
    settings = (preprocess_collapse_repeated, ctc_merge_repeated, ignore_longer_outputs_than_inputs)
    blank = inputs.shape[-1] - 1 if inputs.ndim else 0
    return _losses(inputs, labels_indices, labels_values, sequence_length, blank, *settings)


@op(
    "CTCLossV2(inputs: float, labels_indices: int64, labels_values: int32, sequence_length: int32) "
    "-> (loss: float, gradient: float)",
    shape=_loss_shapes,
)
@on_host
def ctc_loss_v2_op(
    inputs: Array,
    labels_indices: Array,
    labels_values: Array,
    sequence_length: Array,
    *,
    preprocess_collapse_repeated: bool = False,
    ctc_merge_repeated: bool = True,
    ignore_longer_outputs_than_inputs: bool = False,
) -> tuple[Array, Array]:
    settings = (preprocess_collapse_repeated, ctc_merge_repeated, ignore_longer_outputs_than_inputs)
    return _losses(inputs, labels_indices, labels_values, sequence_length, 0, *settings)


# CTCLoss refuses labels that are the blank; `tf.nn.ctc_loss` of dense labels counts them as labels like others.
@op(
    "DenseLabelsCTCLoss(inputs: T, labels_indices: int64, labels_values: int32, sequence_length: int32) "
    "-> (loss: T, gradient: T)",
    T=_FLOATING,
    shape=_loss_shapes,
)
def dense_labels_ctc_loss_op(
    inputs: Array, labels_indices: Array, labels_values: Array, sequence_length: Array
) -> tuple[Array, Array]:
    blank = inputs.shape[-1] - 1 if inputs.ndim else 0
    return _losses(inputs, labels_indices, labels_values, sequence_length, blank, False, True, False, takes_blanks=True)


@ctc_loss_op.gradient
def ctc_loss_gradient(call: Any, grad: Tensor, _: Any) -> tuple[Tensor, None, None, None]:
    weights = deferred("Reshape")(grad, [1, -1, 1])
    # The second derivative is not known, and must not seem to be 0.
    slope = deferred("PreventGradient")(
        call.outputs[1], message="The second derivative of the CTC loss is not implemented."
    )
    return weights * slope, None, None, None


ctc_loss_v2_op.gradient(ctc_loss_gradient)
dense_labels_ctc_loss_op.gradient(ctc_loss_gradient)


def ctc_loss(
    labels: Any,
    logits: Any,
    label_length: Any,
    logit_length: Any,
    logits_time_major: bool = True,
    unique: Any = None,
    blank_index: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Return the negative log likelihood of label sequences.

    Args:
        labels: integers of shape (batch, longest label sequence).
        logits: floating numbers of shape (steps, batch, classes).
        label_length, logit_length: integers of shape (batch,): the lengths of the sequences.
        logits_time_major: False for logits of shape (batch, steps, classes).
        unique: a hint on how to compute, which changes no result.
        blank_index: the class that stands for no label, 0 by default; negative ones count from the end.
        name: the name of the scope.
    Returns:
        A number for each sequence.
    Source: Graves et al. 2006.
    """
    with op_scope(name, "ctc_loss_dense", [logits, labels, label_length, logit_length]):
        logits = convert_to_tensor(logits, name="logits")
        labels = cast(convert_to_tensor(labels, name="labels"), dtypes.int32)
        if not logits_time_major:
            logits = deferred("Transpose")(logits, [1, 0, 2])
        classes: Any = None if logits.dims is None else logits.dims[-1]
        is_known = classes is not None
        if not is_known:
            classes = deferred("Shape")(logits)[2]
        given = blank_index or 0
        blank: Any = given % classes if is_known else given if given >= 0 else given + classes
        if not is_known or blank != classes - 1:
            # The operation takes the last class as the blank.
            sequence = deferred("Range")
            order: Any = (
                [*range(blank), *range(blank + 1, classes), blank]
                if is_known
                else deferred("ConcatV2")([sequence(0, blank, 1), sequence(blank + 1, classes, 1), [blank]], 0)
            )
            logits = deferred("GatherV2")(logits, order, 2)
            is_blank = deferred("Equal")(labels, blank)
            labels = labels - cast(labels > blank, dtypes.int32) + cast(is_blank, dtypes.int32) * (classes - 1 - blank)
        shape = deferred("Shape")(labels)
        mask = sequence_mask(label_length, shape[1])
        indices = deferred("Where")(mask)
        values = deferred("GatherNd")(labels, indices)
        lengths = cast(convert_to_tensor(logit_length), dtypes.int32)
        is_wide = logits.dtype.base_dtype == as_dtype("float64")
        used = logits if is_wide else cast(logits, dtypes.float32)
        return cast(dense_labels_ctc_loss_op(used, indices, values, lengths)[0], logits.dtype)


@op(
    "CTCGreedyDecoder(inputs: T, sequence_length: int32) "
    "-> (decoded_indices: int64, decoded_values: int64, decoded_shape: int64, log_probability: T)",
    T=_FLOATING,
    differentiable=False,
    shape=lambda inputs, sequence_length, **attrs: (
        (None, 2),
        (None,),
        (2,),
        (expect_rank(inputs, 3, "inputs")[1], 1),
    ),
)
@on_host
def ctc_greedy_decoder_op(
    inputs: Array, sequence_length: Array, *, merge_repeated: bool = False, blank_index: int = -1
) -> tuple[Array, Array, Array, Array]:
    if inputs.ndim != 3 or tuple(sequence_length.shape) != (inputs.shape[1],):
        raise InvalidArgumentError(
            None,
            None,
            "inputs must have shape (steps, batch, classes) and sequence_length (batch,), got "
            f"{list(inputs.shape)} and {list(sequence_length.shape)}",
        )
    time, batch, classes = inputs.shape
    blank = blank_index + classes if blank_index < 0 else blank_index
    if not 0 <= blank < classes:
        raise InvalidArgumentError(
            None, None, f"blank_index expected to be within {classes} classes, got {blank_index}"
        )
    best, chosen = inputs.max(-1)
    indices: list[list[int]] = []
    values: list[int] = []
    longest = 0
    scores = inputs.new_zeros((batch, 1))
    for row, steps in enumerate(sequence_length.tolist()):
        if not 0 <= steps <= time:
            raise FailedPreconditionError(None, None, f"sequence_length({row}) must be in [0, {time}], got {steps}")
        scores[row, 0] = -best[:steps, row].sum()
        previous, place = -1, 0
        for label in chosen[:steps, row].tolist():
            if label != blank and not (merge_repeated and label == previous):
                indices.append([row, place])
                values.append(label)
                place += 1
            previous = label
        longest = max(longest, place)
    return (
        torch.tensor(indices, dtype=torch.int64).reshape(-1, 2),
        torch.tensor(values, dtype=torch.int64),
        torch.tensor([batch, longest], dtype=torch.int64),
        scores,
    )
