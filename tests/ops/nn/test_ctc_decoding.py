"""Decoding of class scores, and CTC losses of sparse labels."""

from __future__ import annotations

import numpy as np
import pytest

import penstock.ops  # noqa: F401  declares the operations
from penstock.core import context
from penstock.core.errors import InvalidArgumentError
from penstock.core.sparse_tensor import SparseTensor
from penstock.ops.nn import ctc_decoding as ctc
from penstock.ops.nn.ctc import ctc_loss as ctc_loss_of_dense_labels
from penstock.testing.op_case import OpCase

# Probabilities of two classes and a blank over two steps: "" 0.36, "a" 0.36 + 0.12 + 0.12 ...
LOGITS = np.log(np.array([[[0.4, 0.0001, 0.6]], [[0.4, 0.0001, 0.6]]], np.float32))
LENGTH = np.array([2], np.int32)
CASES = [
    OpCase(ctc.ctc_beam_search_decoder_op, [LOGITS, LENGTH], attrs={"beam_width": 4, "top_paths": 2}, gradient=None)
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


def test_beam_search_adds_up_the_paths_of_a_sequence_where_greedy_search_does_not():
    with context.eager_mode():
        greedy, _ = ctc.ctc_greedy_decoder(LOGITS, LENGTH)
        assert greedy[0].values.numpy().tolist() == []
        (best, second), scores = ctc.ctc_beam_search_decoder(LOGITS, LENGTH, beam_width=10, top_paths=2)
    assert best.values.numpy().tolist() == [0]
    assert second.values.numpy().tolist() == []
    np.testing.assert_allclose(np.exp(scores.numpy()), [[0.64, 0.36]], atol=1e-3)


def test_greedy_search_merges_repetitions_between_blanks():
    logits = np.eye(3, dtype=np.float32)[[0, 0, 2, 0, 1]][:, None]
    with context.eager_mode():
        merged, score = ctc.ctc_greedy_decoder(logits, [5])
        whole, _ = ctc.ctc_greedy_decoder(logits, [5], merge_repeated=False)
    assert merged[0].values.numpy().tolist() == [0, 0, 1]
    assert whole[0].values.numpy().tolist() == [0, 0, 0, 1]
    assert score.numpy().tolist() == [[-5.0]]


def test_beam_search_refuses_more_paths_than_the_beam_holds():
    with context.eager_mode(), pytest.raises(InvalidArgumentError, match="top_paths"):
        ctc.ctc_beam_search_decoder(LOGITS, LENGTH, beam_width=1, top_paths=2)


def test_sparse_and_dense_labels_have_one_loss():
    labels = np.array([[1, 2, 2], [3, 3, 1], [1, 0, 0]], np.int32)
    logits = np.random.default_rng(0).standard_normal((6, 3, 5)).astype(np.float32)
    sparse = SparseTensor(np.argwhere(labels), labels[labels != 0], labels.shape)
    with context.eager_mode():
        dense_loss = ctc_loss_of_dense_labels(labels, logits, [3, 3, 1], [6, 5, 4], blank_index=0)
        np.testing.assert_allclose(
            ctc.ctc_loss(sparse, logits, None, [6, 5, 4], blank_index=0).numpy(), dense_loss.numpy(), rtol=1e-5
        )
        last = ctc.ctc_loss(sparse, logits, None, [6, 5, 4], blank_index=-1).numpy()
        np.testing.assert_allclose(ctc.ctc_loss_v1(sparse, logits, [6, 5, 4]).numpy(), last, rtol=1e-6)
        turned = ctc.ctc_loss_v1(sparse, logits.transpose(1, 0, 2), [6, 5, 4], time_major=False)
        np.testing.assert_allclose(turned.numpy(), last, rtol=1e-6)
        with pytest.raises(ValueError, match="blank_index"):
            ctc.ctc_loss(sparse, logits, None, [6, 5, 4])
        with pytest.raises(TypeError, match="SparseTensor"):
            ctc.ctc_loss_v1(labels, logits, [6, 5, 4])


def test_unique_labels_are_listed_in_the_order_of_their_appearance():
    labels = np.array([[1, 2, 2, 0], [3, 3, 1, 0], [4, 0, 0, 0]])
    with context.eager_mode():
        unique, indices = ctc.ctc_unique_labels(labels)
    assert unique.numpy().tolist() == [[1, 2, 0, 0], [3, 1, 0, 0], [4, 0, 0, 0]]
    assert indices.numpy().tolist() == [[0, 1, 1, 2], [0, 0, 1, 2], [0, 1, 1, 1]]


def test_repeated_labels_collapse_within_their_lengths():
    labels = np.array([[1, 2, 2, 0], [3, 3, 1, 0], [4, 0, 0, 0]])
    with context.eager_mode():
        collapsed, lengths = ctc.collapse_repeated(labels, np.array([4, 3, 1], np.int32))
    assert collapsed.numpy().tolist() == [[1, 2, 0], [3, 1, 0], [4, 0, 0]]
    assert lengths.numpy().tolist() == [3, 2, 1]
