"""The best sequence of tags, by Viterbi's algorithm: in NumPy for one sequence, in the graph for a batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import int32
from penstock.core.tensor import Tensor
from penstock.ops.array.gather import gather
from penstock.ops.array.joining import concat
from penstock.ops.array.reversing import reverse_sequence
from penstock.ops.array.selecting import where
from penstock.ops.array.shaping import expand_dims, squeeze
from penstock.ops.math.binary import maximum
from penstock.ops.math.cast import cast
from penstock.ops.math.compare import less_equal
from penstock.ops.math.positions import argmax
from penstock.ops.math.reduce import reduce_max
from penstock.rnn.cells import RNNCell
from penstock.rnn.loops import dynamic_rnn


def viterbi_decode(score: Any, transition_params: Any) -> tuple[list[int], Any]:
    """Return the best tags for one sequence, computed in NumPy.

    Args:
        score: the unary scores, an array of shape (time, tags).
        transition_params: an array of shape (tags, tags), from a tag to the next.
    Returns:
        The tags and their score.
    """
    score, transitions = np.asarray(score), np.asarray(transition_params)
    best, parents = score[0], []
    for row in score[1:]:
        continued = best[:, None] + transitions
        parents.append(continued.argmax(0))
        best = row + continued.max(0)
    tags = [int(best.argmax())]
    for parent in reversed(parents):
        tags.append(int(parent[tags[-1]]))
    return tags[::-1], best.max()


class CrfDecodeForwardRnnCell(RNNCell):
    """A cell whose state is, for each tag, the best score of the sequences that end with it; it returns their last
    tags.

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
        """Return for each tag the tag before it in the best sequence, and the state."""
        continued = expand_dims(state, 2) + self._transitions
        parents = argmax(continued, 1)
        return cast(parents, inputs.dtype.base_dtype), inputs + reduce_max(continued, [1])


class CrfDecodeBackwardRnnCell(RNNCell):
    """A cell that follows tags back: its input says for each tag the one before, its state is the tag.

    Args:
        num_tags: the number of tags.
    """

    def __init__(self, num_tags: int) -> None:
        super().__init__()
        self._num_tags = num_tags

    @property
    def state_size(self) -> Any:
        return 1

    @property
    def output_size(self) -> Any:
        return 1

    def call(self, inputs: Any, state: Any) -> Any:
        """Return the tag before, twice."""
        before = gather(inputs, state, axis=1, batch_dims=1)
        return before, before


def crf_decode(potentials: Any, transition_params: Any, sequence_length: Any) -> tuple[Tensor, Tensor]:
    """Return the best tags for a batch of sequences.

    Args:
        potentials: the unary scores, of shape (batch, time, tags).
        transition_params: of shape (tags, tags), from a tag to the next.
        sequence_length: how many steps of each sequence count.
    Returns:
        The tags, int32 of shape (batch, time), 0 after the end of a sequence; and their scores, of shape (batch,).
    """
    scores = convert_to_tensor(potentials)
    lengths = cast(convert_to_tensor(sequence_length), int32)
    further = maximum(lengths - 1, 0)
    forward = CrfDecodeForwardRnnCell(transition_params)
    parents, last = dynamic_rnn(forward, scores[:, 1:], further, scores[:, 0], scope="crf_fwd_rnn")
    parents = reverse_sequence(cast(parents, int32), further, seq_axis=1)
    final = expand_dims(argmax(last, 1, int32), -1)
    backward = CrfDecodeBackwardRnnCell(forward.output_size)
    tags, _ = dynamic_rnn(backward, parents, further, final, scope="crf_bwd_rnn")
    together = concat([final, squeeze(tags, [2])], 1)
    best = reduce_max(last, 1)
    return reverse_sequence(together, maximum(lengths, 1), seq_axis=1), where(less_equal(lengths, 0), best * 0, best)
