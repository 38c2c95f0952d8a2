"""Scores and likelihoods of sequences of tags.

The score of tags `y` for unary scores `u` and transition scores `T` is the sum of `u[t, y[t]]` and `T[y[t-1], y[t]]`
over the steps. Its likelihood is its exponential divided by the sum of those of all sequences.
"""

from __future__ import annotations

from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import int32
from penstock.core.tensor import Tensor
from penstock.language.variable_scope import get_variable
from penstock.ops.array.gather import gather, gather_nd
from penstock.ops.array.joining import stack
from penstock.ops.array.selecting import sequence_mask, where
from penstock.ops.array.shaping import expand_dims, shape_v1, squeeze
from penstock.ops.math.binary import maximum
from penstock.ops.math.cast import cast
from penstock.ops.math.compare import less_equal
from penstock.ops.math.reduce import reduce_logsumexp, reduce_sum
from penstock.rnn.cells import RNNCell
from penstock.rnn.loops import dynamic_rnn


def _lengths(sequence_lengths: Any) -> Tensor:
    return cast(convert_to_tensor(sequence_lengths), int32)


def _zero_if_empty(score: Tensor, lengths: Tensor) -> Tensor:
    return where(less_equal(lengths, 0), score * 0, score)


def crf_sequence_score(inputs: Any, tag_indices: Any, sequence_lengths: Any, transition_params: Any) -> Tensor:
    """Return the scores of sequences of tags.

    Args:
        inputs: the unary scores, of shape (batch, time, tags).
        tag_indices: integers of shape (batch, time).
        sequence_lengths: how many steps of each sequence count.
        transition_params: of shape (tags, tags), from a tag to the next.
    Returns:
        Scores of shape (batch,); 0 for an empty sequence.
    """
    unary = crf_unary_score(tag_indices, sequence_lengths, inputs)
    binary = crf_binary_score(tag_indices, sequence_lengths, transition_params)
    return _zero_if_empty(unary + binary, _lengths(sequence_lengths))


def crf_multitag_sequence_score(inputs: Any, tag_bitmap: Any, sequence_lengths: Any, transition_params: Any) -> Tensor:
    """Return for each sequence the logarithm of the summed exponentials of the scores of all tags that are allowed.

    Args:
        inputs, sequence_lengths, transition_params: see `crf_sequence_score`.
        tag_bitmap: booleans of shape (batch, time, tags): whether a tag is allowed.
    """
    scores = convert_to_tensor(inputs)
    lowest = convert_to_tensor(float("-inf"), scores.dtype.base_dtype)
    return crf_log_norm(where(tag_bitmap, scores, lowest), sequence_lengths, transition_params)


def crf_unary_score(tag_indices: Any, sequence_lengths: Any, inputs: Any) -> Tensor:
    """Return the sums of the unary scores of tags; see `crf_sequence_score` for the arguments."""
    scores = convert_to_tensor(inputs)
    tags = cast(convert_to_tensor(tag_indices), int32)
    mask = sequence_mask(_lengths(sequence_lengths), maxlen=shape_v1(scores)[1], dtype=scores.dtype.base_dtype)
    chosen = gather(scores, expand_dims(tags, -1), axis=2, batch_dims=2)
    return reduce_sum(squeeze(chosen, [2]) * mask, 1)


def crf_binary_score(tag_indices: Any, sequence_lengths: Any, transition_params: Any) -> Tensor:
    """Return the sums of the transition scores of tags; see `crf_sequence_score` for the arguments."""
    transitions = convert_to_tensor(transition_params)
    tags = cast(convert_to_tensor(tag_indices), int32)
    steps = maximum(shape_v1(tags)[1] - 1, 0)
    mask = sequence_mask(maximum(_lengths(sequence_lengths) - 1, 0), maxlen=steps, dtype=transitions.dtype.base_dtype)
    return reduce_sum(gather_nd(transitions, stack([tags[:, :-1], tags[:, 1:]], 2)) * mask, 1)


class CrfForwardRnnCell(RNNCell):
    """A cell whose state is, for each tag, the logarithm of the summed exponentials of all sequences that end with it.

    Args:
        transition_params: of shape (tags, tags).
    """

    def __init__(self, transition_params: Any) -> None:
        super().__init__()
        transitions: Any = convert_to_tensor(transition_params)
        self._transitions = expand_dims(transitions, 0)
        self._num_tags = int(transitions.shape[0])

    @property
    def state_size(self) -> Any:
        return self._num_tags

    @property
    def output_size(self) -> Any:
        return self._num_tags

    def call(self, inputs: Any, state: Any) -> Any:
        """Return the state after a step with the unary scores `inputs`, twice."""
        following = inputs + reduce_logsumexp(expand_dims(state, 2) + self._transitions, [1])
        return following, following


def crf_log_norm(inputs: Any, sequence_lengths: Any, transition_params: Any) -> Tensor:
    """Return the logarithm of the summed exponentials of the scores of all sequences of tags.

    Args:
        inputs, sequence_lengths, transition_params: see `crf_sequence_score`.
    Returns:
        Of shape (batch,); 0 for an empty sequence.
    """
    scores, lengths = convert_to_tensor(inputs), _lengths(sequence_lengths)
    _, last = dynamic_rnn(
        CrfForwardRnnCell(transition_params),
        scores[:, 1:],
        sequence_length=maximum(lengths - 1, 0),
        initial_state=scores[:, 0],
        dtype=scores.dtype.base_dtype,
    )
    return _zero_if_empty(reduce_logsumexp(last, [1]), lengths)


def crf_log_likelihood(
    inputs: Any, tag_indices: Any, sequence_lengths: Any, transition_params: Any = None
) -> tuple[Tensor, Any]:
    """Return the log-likelihoods of sequences of tags, and the transition scores.

    Args:
        inputs, tag_indices, sequence_lengths: see `crf_sequence_score`.
        transition_params: of shape (tags, tags); None to make a variable, "transitions".
    """
    scores = convert_to_tensor(inputs)
    if transition_params is None:
        tags = scores.shape.as_list()[2]
        transition_params = get_variable("transitions", [tags, tags], dtype=scores.dtype.base_dtype)
    score = crf_sequence_score(scores, tag_indices, sequence_lengths, transition_params)
    return score - crf_log_norm(scores, sequence_lengths, transition_params), transition_params
