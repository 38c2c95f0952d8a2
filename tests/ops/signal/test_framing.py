"""Frames."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.graph import Graph
from penstock.ops.constant import placeholder
from penstock.ops.signal import framing as f
from penstock.runtime.session import Session
from penstock.testing.op_case import normal

X = normal(2, 9)


def test_frames_are_windows():
    expected = np.stack([X[:, i : i + 4] for i in (0, 3)], 1)
    np.testing.assert_array_equal(f.frame(X, 4, 3).numpy(), expected)
    padded = f.frame(X, 4, 3, pad_end=True, pad_value=7).numpy()
    np.testing.assert_array_equal(padded[:, 2], np.pad(X[:, 6:], [(0, 0), (0, 1)], constant_values=7))
    np.testing.assert_array_equal(f.frame(X.T, 4, 3, axis=0).numpy(), expected.transpose(1, 2, 0))


def test_overlaps_are_added():
    frames = normal(2, 3, 4)
    expected = np.zeros((2, 8))
    for i in range(3):
        expected[:, 2 * i : 2 * i + 4] += frames[:, i]
    result = f.overlap_and_add(frames, 2)
    np.testing.assert_allclose(result.numpy(), expected)
    with Graph().as_default():
        assert f.overlap_and_add(placeholder(np.float32, [None, 3, 4]), 2).dims == (None, 8)


def test_unknown_lengths_are_framed():
    expected = f.frame(X, 4, 3, pad_end=True).numpy()
    graph = Graph()
    with graph.as_default():
        signal = placeholder(np.float64, [2, None])
        result = f.frame(signal, 4, 3, pad_end=True)
    with Session(graph=graph) as session:
        np.testing.assert_array_equal(session.run(result, {signal: X}), expected)


@pytest.mark.parametrize("axes", [None, 1, [0]])
def test_shifts_are_numpys(axes):
    np.testing.assert_array_equal(f.fftshift(X, axes).numpy(), np.fft.fftshift(X, axes))
    np.testing.assert_array_equal(f.ifftshift(X, axes).numpy(), np.fft.ifftshift(X, axes))


def test_vectors_without_frames_are_refused():
    with pytest.raises(ValueError, match="rank"):
        f.overlap_and_add(X[0], 2)
