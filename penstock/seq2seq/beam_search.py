"""Beam search: a decoder that keeps the best few sequences of each batch entry."""

from __future__ import annotations

import collections
from typing import Any

from penstock.core import nest
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import int32, int64
from penstock.core.graph import name_scope
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.language.tensor_array import TensorArray
from penstock.ops.array.filling import fill, one_hot, ones_like, zeros
from penstock.ops.array.gather import gather
from penstock.ops.array.joining import concat, tile
from penstock.ops.array.selecting import sequence_mask, where
from penstock.ops.array.shaping import expand_dims, reshape, shape_v1, size, transpose
from penstock.ops.math.binary import floordiv, floormod, minimum, pow
from penstock.ops.math.cast import cast
from penstock.ops.math.compare import equal, logical_and, logical_not, logical_or
from penstock.ops.math.exponential import log
from penstock.ops.math.reduce import reduce_max, reduce_sum
from penstock.ops.math.sequence import range as range_of
from penstock.ops.math.topk import top_k
from penstock.ops.nn.gather_tree import gather_tree
from penstock.ops.nn.softmax import log_softmax
from penstock.seq2seq.basic_decoder import check_decoder_parts
from penstock.seq2seq.decoder import Decoder, known_or_dynamic
from penstock.seq2seq.helpers import embedding_function

BeamSearchDecoderState = collections.namedtuple(
    "BeamSearchDecoderState", ("cell_state", "log_probs", "finished", "lengths", "accumulated_attention_probs")
)
BeamSearchDecoderState.__doc__ = """The state of a beam search.

`cell_state` is the cell's, with an axis of beams; `log_probs`, `finished` and `lengths` have the shape (batch, beams);
`accumulated_attention_probs` sums the weights of all steps, where coverage counts, and is empty otherwise.
"""
BeamSearchDecoderOutput = collections.namedtuple("BeamSearchDecoderOutput", ("scores", "predicted_ids", "parent_ids"))
BeamSearchDecoderOutput.__doc__ = """What a step of a beam search returns, all of shape (batch, beams).

`scores` are the beams' scores, `predicted_ids` their new tokens, `parent_ids` the beams that they continue.
"""
FinalBeamSearchDecoderOutput = collections.namedtuple(
    "FinalBeamSearchDecoderOutput", ("predicted_ids", "beam_search_decoder_output")
)
FinalBeamSearchDecoderOutput.__doc__ = """What a beam search returns.

`predicted_ids` are tokens of shape (batch, time, beams), the best beam first; `beam_search_decoder_output` has the
outputs of all steps.
"""


def tile_batch(t: Any, multiplier: int, name: str | None = None) -> Any:
    """Return tensors with each batch entry repeated, next to each other, as a beam search needs its memories and
    states.

    Args:
        t: a nest of tensors of shape (batch, ...).
        multiplier: how many times, the width of the beam.
        name: the name scope.
    Raises:
        ValueError: if a tensor is a scalar.
    """

    def tiled(value: Any) -> Tensor:
        tensor = convert_to_tensor(value, name="t")
        dims = tensor.dims
        if not dims:
            raise ValueError(f"t must have statically known rank of 1 or more, got {tensor!r}")
        repeated = tile(expand_dims(tensor, 1), [1, multiplier] + [1] * (len(dims) - 1))
        tail = [known_or_dynamic(tensor, axis) for axis in range(1, len(dims))]
        result = reshape(repeated, [-1, *tail] if all(isinstance(s, int) for s in tail) else _joined([-1, *tail]))
        result.set_shape([None if dims[0] is None else dims[0] * multiplier, *dims[1:]])  # type: ignore[attr-defined]
        return result

    with name_scope(name, "tile_batch", nest.flatten(t)):
        return nest.map_structure(tiled, t)


def _joined(sizes: list[Any]) -> Any:
    """Return sizes, of which some are tensors, as a shape."""
    if all(isinstance(item, int) for item in sizes):
        return sizes
    return concat([reshape(convert_to_tensor(item, int32), [1]) for item in sizes], 0)


class BeamSearchDecoder(Decoder):
    """A decoder that keeps the sequences with the best scores.

    The score of a sequence is the sum of its tokens' log-probabilities, divided by `((5 + length) / 6) **
    length_penalty_weight` (Wu et al. 2016). The memories of an attention mechanism, and `initial_state`, must have been
    through `tile_batch(…, multiplier=beam_width)`.

    Args:
        cell: the cell.
        embedding: a function from tokens to inputs, or a matrix with a row for each token.
        start_tokens: int32, the first token of each sequence.
        end_token: int32 scalar, the token that ends a sequence.
        initial_state: the cell's first state, of batch size `batch * beam_width`.
        beam_width: how many sequences are kept.
        output_layer: applied to the cell's outputs to make logits; None for no layer.
        length_penalty_weight: above 0 to favour longer sequences.
        coverage_penalty_weight: above 0 to favour sequences that attend to all of the memory; the cell must be an
            AttentionWrapper.
        reorder_tensor_arrays: whether TensorArrays in the final state, such as the alignment history, are put in the
            order of the final sequences.
    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if the tokens have other ranks.
    """

    def __init__(
        self,
        cell: Any,
        embedding: Any,
        start_tokens: Any,
        end_token: Any,
        initial_state: Any,
        beam_width: int,
        output_layer: Any = None,
        length_penalty_weight: Any = 0.0,
        coverage_penalty_weight: Any = 0.0,
        reorder_tensor_arrays: bool = True,
    ) -> None:
        check_decoder_parts(cell, output_layer)
        self._cell = cell
        self._output_layer = output_layer
        self._reorders = reorder_tensor_arrays
        self._embed = embedding_function(embedding)
        self._start_tokens = convert_to_tensor(start_tokens, int32, name="start_tokens")
        self._end_token = convert_to_tensor(end_token, int32, name="end_token")
        if self._start_tokens.ndim != 1:
            raise ValueError(f"start_tokens must be a vector, got the shape {self._start_tokens.shape}")
        if self._end_token.ndim != 0:
            raise ValueError(f"end_token must be a scalar, got the shape {self._end_token.shape}")
        self._beam_width = beam_width
        self._length_penalty_weight = length_penalty_weight
        self._coverage_penalty_weight = coverage_penalty_weight
        self._batch_size = size(self._start_tokens)
        self._static_batch = known_or_dynamic(self._start_tokens, 0)
        self._dtype = nest.flatten(initial_state)[0].dtype.base_dtype
        self._initial_cell_state = nest.map_structure(self._with_beams, initial_state)
        beams = tile(expand_dims(self._start_tokens, 1), [1, beam_width])
        self._start_inputs = self._embed(beams)

    @property
    def batch_size(self) -> Any:
        return self._batch_size

    @property
    def tracks_own_finished(self) -> bool:
        """True: a beam that has ended may be replaced by one that has not."""
        return True

    @property
    def output_size(self) -> Any:
        beams = TensorShape([self._beam_width])
        return BeamSearchDecoderOutput(scores=beams, predicted_ids=beams, parent_ids=beams)

    @property
    def output_dtype(self) -> Any:
        return BeamSearchDecoderOutput(scores=self._dtype, predicted_ids=int32, parent_ids=int32)

    def initialize(self, name: str | None = None) -> tuple[Any, Any, Any]:
        width = self._beam_width
        shape = _joined([self._static_batch, width])
        finished = fill(shape, False)
        first_only = one_hot(
            zeros(_joined([self._static_batch]), int32),
            width,
            on_value=convert_to_tensor(0.0, self._dtype),
            off_value=convert_to_tensor(float("-inf"), self._dtype),
            dtype=self._dtype,
        )
        attended: Any = ()
        if not _is_zero(self._coverage_penalty_weight):
            attended = zeros(self._attention_shape(), self._dtype)
        state = BeamSearchDecoderState(
            cell_state=self._initial_cell_state,
            log_probs=first_only,
            finished=finished,
            lengths=zeros(shape, int64),
            accumulated_attention_probs=attended,
        )
        return finished, self._start_inputs, state

    def _attention_shape(self) -> Any:
        alignments = getattr(self._initial_cell_state, "alignments", None)
        if alignments is None:
            raise TypeError("coverage_penalty_weight needs a cell that is an AttentionWrapper: there are no alignments")
        weights = nest.flatten(alignments)[0]
        return _joined([self._static_batch, self._beam_width, known_or_dynamic(weights, 2)])

    def finalize(self, outputs: Any, final_state: Any, sequence_lengths: Any) -> tuple[Any, Any]:
        longest = cast(reduce_max(final_state.lengths, axis=1), int32)
        predicted = gather_tree(outputs.predicted_ids, outputs.parent_ids, longest, self._end_token)
        if self._reorders:
            final_state = final_state._replace(
                cell_state=nest.map_structure(
                    lambda item: self._reordered(item, outputs.parent_ids, final_state.lengths), final_state.cell_state
                )
            )
        return FinalBeamSearchDecoderOutput(predicted, outputs), final_state

    def _reordered(self, item: Any, parent_ids: Any, lengths: Any) -> Any:
        """Return a TensorArray of one element a step, of shape (batch * beams, ...), in the order of the final
        beams."""
        if not isinstance(item, TensorArray):
            return item
        elements = item.stack()
        tail = [known_or_dynamic(elements, axis) for axis in range(2, elements.ndim or 2)]
        times = shape_v1(parent_ids)[0]
        width = self._beam_width
        split = reshape(elements, _joined([times, self._static_batch, width, *tail]))
        own = tile(reshape(range_of(width), [1, 1, width]), _joined([times, self._static_batch, 1]))
        order = gather_tree(own, parent_ids, cast(reduce_max(lengths, axis=1), int32), width + 1)
        counts = transpose(sequence_mask(lengths, maxlen=times), [2, 0, 1])
        order = where(logical_and(counts, order < width), order, own)
        gathered = gather(split, order, axis=2, batch_dims=2)
        merged = reshape(gathered, _joined([times, -1, *tail]))
        shape = item.element_shape
        return TensorArray(item.dtype, size=times, element_shape=shape, clear_after_read=False).unstack(merged)

    def _with_beams(self, value: Any) -> Any:
        """Return a state's part of shape (batch * beams, ...) as (batch, beams, ...)."""
        if isinstance(value, TensorArray) or not value.dims:
            return value
        tail = [known_or_dynamic(value, axis) for axis in range(1, len(value.dims))]
        result = reshape(value, _joined([self._static_batch, self._beam_width, *tail]))
        known = self._static_batch if isinstance(self._static_batch, int) else None
        result.set_shape([known, self._beam_width, *value.dims[1:]])  # type: ignore[attr-defined]
        return result

    def _without_beams(self, value: Any) -> Any:
        """Return a tensor of shape (batch, beams, ...) as (batch * beams, ...)."""
        if isinstance(value, TensorArray) or not value.dims:
            return value
        tail = [known_or_dynamic(value, axis) for axis in range(2, len(value.dims))]
        result = reshape(value, _joined([-1, *tail]))
        known = self._static_batch * self._beam_width if isinstance(self._static_batch, int) else None
        result.set_shape([known, *value.dims[2:]])  # type: ignore[attr-defined]
        return result

    def step(self, time: Any, inputs: Any, state: Any, name: str | None = None) -> tuple[Any, Any, Any, Any]:
        with name_scope(name, "BeamSearchDecoderStep", [time]):
            cell_inputs = nest.map_structure(self._without_beams, inputs)
            cell_state = nest.map_structure(self._without_beams, state.cell_state)
            outputs, next_cell_state = self._cell(cell_inputs, cell_state)
            if self._output_layer is not None:
                outputs = self._output_layer(outputs)
            logits = self._with_beams(outputs)
            next_cell_state = nest.map_structure(self._with_beams, next_cell_state)
            output, next_state = self._choose(logits, next_cell_state, state)
            inputs = self._embed(output.predicted_ids)
        return output, next_state, inputs, next_state.finished

    def _choose(self, logits: Tensor, cell_state: Any, state: Any) -> tuple[Any, Any]:
        """Continue each beam by each token, and keep the best."""
        width = self._beam_width
        tokens = known_or_dynamic(logits, 2)
        log_probs = _only_end(log_softmax(logits), state.finished, self._end_token, tokens)
        totals = expand_dims(state.log_probs, 2) + log_probs
        goes_on = cast(logical_not(state.finished), int64)
        grows = one_hot(self._end_token, tokens, on_value=0, off_value=1, dtype=int64)
        lengths = expand_dims(state.lengths, 2) + expand_dims(goes_on, 2) * grows
        attended = state.accumulated_attention_probs
        coverage = None
        if not _is_zero(self._coverage_penalty_weight):
            weights = nest.flatten(cell_state.alignments)
            now = weights[0] if len(weights) == 1 else sum(weights[1:], weights[0]) / len(weights)
            mask = expand_dims(cast(logical_not(state.finished), self._dtype), 2)
            attended = attended + mask * now
            # A weight of exactly 0 is one of a step outside the memory, which nobody is to attend to.
            covered = minimum(where(attended > 0, attended, ones_like(attended)), convert_to_tensor(1.0, self._dtype))
            coverage = expand_dims(reduce_sum(log(covered), 2) * self._coverage_penalty_weight, 2)
        scores = totals
        if not _is_zero(self._length_penalty_weight):
            base = (5.0 + cast(lengths, self._dtype)) / 6.0
            scores = totals / pow(base, convert_to_tensor(self._length_penalty_weight, self._dtype))
        if coverage is not None:
            scores = scores + coverage
        flat = _joined([self._static_batch, -1])
        best, positions = top_k(reshape(scores, flat), k=width)
        words = floormod(positions, tokens)
        parents = floordiv(positions, tokens)
        for tensor in (best, words, parents):
            known = self._static_batch if isinstance(self._static_batch, int) else None
            tensor.set_shape([known, width])  # type: ignore[union-attr]
        next_log_probs = gather(reshape(totals, flat), positions, axis=1, batch_dims=1)
        was_finished = _from_parents(state.finished, parents)
        next_state = BeamSearchDecoderState(
            cell_state=nest.map_structure(lambda item: _from_parents(item, parents), cell_state),
            log_probs=next_log_probs,
            finished=logical_or(was_finished, equal(words, self._end_token)),
            lengths=_from_parents(state.lengths, parents) + cast(logical_not(was_finished), int64),
            accumulated_attention_probs=() if coverage is None else _from_parents(attended, parents),
        )
        return BeamSearchDecoderOutput(scores=best, predicted_ids=words, parent_ids=parents), next_state


def _is_zero(weight: Any) -> bool:
    return isinstance(weight, (int, float)) and weight == 0


def _only_end(log_probs: Tensor, finished: Tensor, end_token: Any, tokens: Any) -> Tensor:
    """Return log-probabilities with which beams that have ended go on with the end token alone, at no cost."""
    dtype = log_probs.dtype.base_dtype
    end_only = one_hot(
        end_token,
        tokens,
        on_value=convert_to_tensor(0.0, dtype),
        off_value=convert_to_tensor(dtype.min, dtype),
        dtype=dtype,
    )
    return where(expand_dims(finished, 2), end_only, log_probs)


def _from_parents(item: Any, parents: Tensor) -> Any:
    """Return a part of the state with each beam taken from its parent."""
    if isinstance(item, TensorArray) or not item.dims:
        return item
    result = gather(item, parents, axis=1, batch_dims=1)
    result.set_shape(item.shape)  # type: ignore[attr-defined]
    return result
