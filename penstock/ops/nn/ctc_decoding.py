"""Decoding sequences of class scores, and the CTC losses and helpers that take sparse labels."""

from __future__ import annotations

import math
from typing import Any

import torch

from penstock.core import dtypes
from penstock.core.array import Array
from penstock.core.convert import convert_to_tensor
from penstock.core.errors import FailedPreconditionError, InvalidArgumentError
from penstock.core.graph import op_scope
from penstock.core.op import Type, op
from penstock.core.shape import Dims
from penstock.core.shape_rules import expect_rank
from penstock.core.sparse_tensor import SparseTensor
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred
from penstock.ops.array.selecting import sequence_mask
from penstock.ops.hosted import on_host
from penstock.ops.math.cast import cast
from penstock.ops.nn.ctc import ctc_greedy_decoder_op, ctc_loss_op
from penstock.ops.nn.ctc import ctc_loss as ctc_loss_of_dense_labels

_FLOATING = Type(frozenset({dtypes.float32, dtypes.float64}), dtypes.float32)
_ZERO = -math.inf


def _log_sum(a: float, b: float) -> float:
    low, high = (a, b) if a < b else (b, a)
    return high if low == _ZERO else high + math.log1p(math.exp(low - high))


class _Prefix:
    """A label sequence in the search: logarithms of the probabilities that it ends in a blank or in its last label.

    `old` holds the total, blank and label probability before the present step, `new` those after it.
    """

    __slots__ = ("children", "label", "new", "old", "parent")

    def __init__(self, parent: _Prefix | None, label: int) -> None:
        self.parent = parent
        self.label = label
        self.children: dict[int, _Prefix] = {}
        self.old = self.new = (_ZERO, _ZERO, _ZERO)

    def child(self, label: int) -> _Prefix:
        """Return the sequence one label longer."""
        found = self.children.get(label)
        if found is None:
            found = self.children[label] = _Prefix(self, label)
        return found

    def before(self, label: int) -> float:
        """Return the probability, before this step, of what `label` may follow."""
        return self.old[1] if label == self.label else self.old[0]

    def labels(self, merge_repeated: bool) -> list[int]:
        """Return the sequence, without its repetitions if wanted."""
        result: list[int] = []
        node, previous = self, -1
        while node.parent is not None:
            if not merge_repeated or node.label != previous:
                result.append(node.label)
            previous = node.label
            node = node.parent
        return result[::-1]


def _search(log_probabilities: list[list[float]], beam_width: int) -> list[_Prefix]:
    """Return the most probable label sequences, best first. The blank is the last class."""
    root = _Prefix(None, -1)
    root.new = (0.0, 0.0, _ZERO)
    beam = [root]
    for scores in log_probabilities:
        blank = scores[-1]
        branches = sorted(beam, key=lambda prefix: prefix.new[0], reverse=True)
        for prefix in branches:
            prefix.old = prefix.new
        for prefix in branches:
            label_score = prefix.new[2]
            if prefix.parent is not None:
                if prefix.parent.new[0] != _ZERO:
                    label_score = _log_sum(label_score, prefix.parent.before(prefix.label))
                label_score += scores[prefix.label]
            blank_score = prefix.old[0] + blank
            prefix.new = (_log_sum(blank_score, label_score), blank_score, label_score)
        beam = branches[:]
        lowest = min(beam, key=lambda prefix: prefix.new[0])
        for prefix in branches:
            if not _is_candidate(prefix.old[0], beam, lowest, beam_width):
                continue
            for label, score in enumerate(scores[:-1]):
                extended = prefix.child(label)
                if extended.new[0] != _ZERO:
                    continue
                total = score + prefix.before(label)
                if not _is_candidate(total, beam, lowest, beam_width):
                    extended.old = extended.new = (_ZERO, _ZERO, _ZERO)
                    continue
                if len(beam) == beam_width:
                    lowest.new = (_ZERO, _ZERO, _ZERO)
                    beam.remove(lowest)
                extended.new = (total, _ZERO, total)
                beam.append(extended)
                lowest = min(beam, key=lambda prefix: prefix.new[0])
    return sorted(beam, key=lambda prefix: prefix.new[0], reverse=True)


def _is_candidate(total: float, beam: list[_Prefix], lowest: _Prefix, beam_width: int) -> bool:
    return total > _ZERO and (len(beam) < beam_width or total > lowest.new[0])


@op(
    "CTCBeamSearchDecoder(inputs: T, sequence_length: int32) -> (decoded_indices: top_paths * int64,"
    " decoded_values: top_paths * int64, decoded_shape: top_paths * int64, log_probability: T)",
    T=_FLOATING,
    differentiable=False,
    minimum={"beam_width": 1, "top_paths": 1},
)
@on_host
def ctc_beam_search_decoder_op(
    inputs: Array, sequence_length: Array, *, beam_width: int, top_paths: int, merge_repeated: bool = True
) -> tuple[list[Array], list[Array], list[Array], Array]:
    if inputs.ndim != 3 or tuple(sequence_length.shape) != (inputs.shape[1],):
        raise InvalidArgumentError(
            None,
            None,
            "inputs must have shape (steps, batch, classes) and sequence_length (batch,), got "
            f"{list(inputs.shape)} and {list(sequence_length.shape)}",
        )
    if beam_width < 1 or top_paths < 1 or top_paths > beam_width:
        raise InvalidArgumentError(
            None, None, f"top_paths must be in [1, beam_width], got {top_paths} and a beam_width of {beam_width}"
        )
    time, batch, _ = inputs.shape
    log_probabilities = torch.log_softmax(inputs.double(), -1)
    paths: list[list[list[int]]] = [[] for _ in range(top_paths)]
    scores = inputs.new_zeros((batch, top_paths))
    for row, steps in enumerate(sequence_length.tolist()):
        if not 0 <= steps <= time:
            raise FailedPreconditionError(None, None, f"sequence_length({row}) must be in [0, {time}], got {steps}")
        found = _search(log_probabilities[:steps, row].tolist(), beam_width)
        if len(found) < top_paths:
            raise InvalidArgumentError(
                None, None, f"Less leaves in the beam search than requested: {len(found)}, not {top_paths}"
            )
        for place, prefix in enumerate(found[:top_paths]):
            paths[place].append(prefix.labels(merge_repeated))
            scores[row, place] = prefix.new[0]
    indices, values, shapes = [], [], []
    for sequences in paths:
        positions = [(row, place) for row, labels in enumerate(sequences) for place in range(len(labels))]
        indices.append(torch.tensor(positions, dtype=torch.int64).reshape(-1, 2))
        values.append(torch.tensor([label for labels in sequences for label in labels], dtype=torch.int64))
        shapes.append(torch.tensor([batch, max(map(len, sequences), default=0)], dtype=torch.int64))
    return indices, values, shapes, scores


@ctc_beam_search_decoder_op.shape
def ctc_beam_search_decoder_shape(
    inputs: Dims, sequence_length: Dims, *, beam_width: int, top_paths: int, merge_repeated: bool
) -> tuple[list[Dims], list[Dims], list[Dims], Dims]:
    batch = expect_rank(inputs, 3, "inputs")[1]
    expect_rank(sequence_length, 1, "sequence_length")
    return [(None, 2)] * top_paths, [(None,)] * top_paths, [(2,)] * top_paths, (batch, top_paths)


def ctc_beam_search_decoder_v1(
    inputs: Any, sequence_length: Any, beam_width: int = 100, top_paths: int = 1, merge_repeated: bool = True
) -> tuple[list[SparseTensor], Tensor]:
    """Return the most probable label sequences.

    Args:
        inputs: logits of shape (steps, batch, classes); the last class is the blank.
        sequence_length: int32 of shape (batch,).
        beam_width: how many sequences are followed at a time.
        top_paths: how many to return, at most `beam_width`.
        merge_repeated: whether repetitions within what is found are merged.
    Returns:
        decoded: `top_paths` SparseTensors of int64, of shape (batch, longest).
        log_probability: the logarithms of their probabilities, of shape (batch, top_paths).
    """
    found = ctc_beam_search_decoder_op(
        inputs, sequence_length, beam_width=beam_width, top_paths=top_paths, merge_repeated=merge_repeated
    )
    return [SparseTensor(*parts) for parts in zip(*found[:3], strict=True)], found[3]


def ctc_beam_search_decoder(
    inputs: Any, sequence_length: Any, beam_width: int = 100, top_paths: int = 1
) -> tuple[list[SparseTensor], Tensor]:
    """Return the most probable label sequences.

    Args:
        inputs, sequence_length, beam_width, top_paths: see `ctc_beam_search_decoder_v1`.
    Returns:
        See `ctc_beam_search_decoder_v1`; repetitions are kept.
    """
    return ctc_beam_search_decoder_v1(inputs, sequence_length, beam_width, top_paths, merge_repeated=False)


def ctc_greedy_decoder(
    inputs: Any, sequence_length: Any, merge_repeated: bool = True, blank_index: int | None = None
) -> tuple[list[SparseTensor], Tensor]:
    """Return the label sequences of the best class of each step.

    Args:
        inputs: logits of shape (steps, batch, classes).
        sequence_length: int32 of shape (batch,).
        merge_repeated: whether a class repeated without a blank between counts once.
        blank_index: the blank class, by default the last; negative ones count from the end.
    Returns:
        decoded: a list of one SparseTensor of int64, of shape (batch, longest).
        neg_sum_logits: minus the sum of the best logits, of shape (batch, 1).
    """
    indices, values, shape, scores = ctc_greedy_decoder_op(
        inputs, sequence_length, merge_repeated=merge_repeated, blank_index=-1 if blank_index is None else blank_index
    )
    return [SparseTensor(indices, values, shape)], scores


def ctc_loss_v1(
    labels: Any,
    inputs: Any = None,
    sequence_length: Any = None,
    preprocess_collapse_repeated: bool = False,
    ctc_merge_repeated: bool = True,
    ignore_longer_outputs_than_inputs: bool = False,
    time_major: bool = True,
    logits: Any = None,
) -> Tensor:
    """Return the negative log likelihood of label sequences; the blank is the last class.

    Args:
        labels: a SparseTensor of int32, of shape (batch, longest).
        inputs: logits of shape (steps, batch, classes).
        sequence_length: int32 of shape (batch,).
        preprocess_collapse_repeated: whether repeated labels are merged beforehand.
        ctc_merge_repeated: whether repetitions of a class in a path count once.
        ignore_longer_outputs_than_inputs: whether sequences with too few steps have the loss 0 instead of failing.
        time_major: False for logits of shape (batch, steps, classes).
        logits: another name of `inputs`.
    Returns:
        A number for each sequence.
    Raises:
        TypeError: if `labels` is no SparseTensor.
        ValueError: if both `inputs` and `logits` are given.
    Source: Graves et al. 2006.
    """
    if not isinstance(labels, SparseTensor):
        raise TypeError(f"Expected `labels` to be a SparseTensor. Received: {type(labels).__name__}")
    if inputs is not None and logits is not None:
        raise ValueError("inputs and logits are two names of one argument; give one of them")
    scores = convert_to_tensor(inputs if logits is None else logits)
    given = scores.dtype.base_dtype
    if not time_major:
        scores = deferred("Transpose")(scores, [1, 0, 2])
    if given not in (dtypes.float32, dtypes.float64):
        scores = cast(scores, dtypes.float32)
    loss = ctc_loss_op(
        scores,
        labels.indices,
        cast(labels.values, dtypes.int32),
        cast(convert_to_tensor(sequence_length), dtypes.int32),
        preprocess_collapse_repeated=preprocess_collapse_repeated,
        ctc_merge_repeated=ctc_merge_repeated,
        ignore_longer_outputs_than_inputs=ignore_longer_outputs_than_inputs,
    )[0]
    return cast(loss, given)


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
        labels: integers of shape (batch, longest label sequence), or a SparseTensor of them.
        logits: floating numbers of shape (steps, batch, classes).
        label_length: integers of shape (batch,), None for a SparseTensor of labels.
        logit_length: integers of shape (batch,).
        logits_time_major: False for logits of shape (batch, steps, classes).
        unique: a hint on how to compute, which changes no result.
        blank_index: the class that stands for no label, 0 by default; negative ones count from the end. Must be given
            for a SparseTensor of labels.
        name: the name of the scope.
    Returns:
        A number for each sequence.
    Raises:
        ValueError: if the number of classes is unknown, or `blank_index` is missing.
    Source: Graves et al. 2006.
    """
    if not isinstance(labels, SparseTensor):
        return ctc_loss_of_dense_labels(
            labels, logits, label_length, logit_length, logits_time_major, unique, blank_index, name
        )
    if blank_index is None:
        raise ValueError("Argument `blank_index` must be provided when labels is a SparseTensor.")
    with op_scope(name, "ctc_loss", [logits, labels.values]):
        logits = convert_to_tensor(logits, name="logits")
        classes = logits.shape.as_list()[-1]
        if classes is None:
            raise ValueError("the number of classes must be known; call set_shape on the logits")
        blank = blank_index % classes
        if blank != classes - 1:
            order = [*range(blank), *range(blank + 1, classes), blank]
            logits = deferred("GatherV2")(logits, order, 2)
            values = labels.values - cast(labels.values > blank, labels.values.dtype)
            labels = SparseTensor(labels.indices, values, labels.dense_shape)
        return ctc_loss_v1(labels, logits, logit_length, time_major=logits_time_major)


def ctc_unique_labels(labels: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """Return the different labels of each sequence, and where each label stands among them.

    Args:
        labels: integers of shape (batch, length).
        name: the name of the scope.
    Returns:
        unique: int64 of shape (batch, length), in the order of their first occurrence, padded with 0.
        indices: int32 of shape (batch, length).
    """
    with op_scope(name, "ctc_unique_labels", [labels]):
        labels = convert_to_tensor(labels, name="labels")
        same = deferred("Equal")(deferred("ExpandDims")(labels, 2), deferred("ExpandDims")(labels, 1))
        first = deferred("ArgMax")(cast(same, dtypes.int32), 2, output_type=dtypes.int32)
        length = deferred("Shape")(labels)[1]
        places = deferred("Range")(0, length, 1)
        is_first = deferred("Equal")(first, deferred("ZerosLike")(first) + places)
        rank = deferred("Cumsum")(cast(is_first, dtypes.int32), 1) - 1
        indices = deferred("GatherV2")(rank, first, 1, batch_dims=1)
        chosen = deferred("LogicalAnd")(
            deferred("ExpandDims")(is_first, 2), deferred("Equal")(deferred("ExpandDims")(rank, 2), places)
        )
        wide = cast(deferred("ExpandDims")(labels, 2), dtypes.int64)
        return deferred("Sum")(wide * cast(chosen, dtypes.int64), 1), indices


def collapse_repeated(labels: Any, seq_length: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """Merge labels that are repeated one after the other.

    Args:
        labels: shape (batch, length).
        seq_length: the lengths of the sequences, of shape (batch,).
        name: the name of the scope.
    Returns:
        The merged sequences, padded with 0 to the longest, and their lengths.
    """
    with op_scope(name, "collapse_repeated_labels", [labels, seq_length]):
        labels = convert_to_tensor(labels, name="labels")
        lengths = convert_to_tensor(seq_length, name="seq_length")
        starts = deferred("OnesLike")(labels[:, :1])
        changes = deferred("NotEqual")(labels[:, 1:], labels[:, :-1])
        kept = deferred("ConcatV2")([cast(starts, dtypes.bool_), changes], 1)
        kept = deferred("LogicalAnd")(kept, sequence_mask(lengths, deferred("Shape")(labels)[1]))
        new_lengths = deferred("Sum")(cast(kept, lengths.dtype), 1)
        target = sequence_mask(new_lengths, deferred("Max")(new_lengths, [0]))
        values = deferred("GatherNd")(labels, deferred("Where")(kept))
        shape = cast(deferred("Shape")(target), dtypes.int64)
        return deferred("ScatterNd")(deferred("Where")(target), values, shape), new_lengths
