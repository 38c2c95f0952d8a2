"""Images turned, mirrored, cropped and padded."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.graph import Graph
from penstock.ops.constant import placeholder
from penstock.ops.image import arranging as a
from penstock.runtime.session import Session
from penstock.testing.op_case import integers

X = integers(0, 99, 3, 4, 2)
BATCH = integers(0, 99, 2, 3, 4, 2)


@pytest.mark.parametrize("image", [X, BATCH], ids=["image", "batch"])
@pytest.mark.parametrize("k", range(-1, 5))
def test_quarter_turns_go_against_the_clock(image, k):
    expected = np.rot90(image, k, (image.ndim - 3, image.ndim - 2))
    np.testing.assert_array_equal(a.rot90(image, k).numpy(), expected)
    graph = Graph()
    with graph.as_default():
        turns = placeholder(np.int32, [])
        turned = a.rot90(image, turns)
    with Session(graph=graph) as session:
        np.testing.assert_array_equal(session.run(turned, {turns: k}), expected)


def test_mirrors():
    np.testing.assert_array_equal(a.flip_left_right(X).numpy(), X[:, ::-1])
    np.testing.assert_array_equal(a.flip_up_down(BATCH).numpy(), BATCH[:, ::-1])
    np.testing.assert_array_equal(a.transpose(BATCH).numpy(), BATCH.transpose(0, 2, 1, 3))


def test_parts():
    np.testing.assert_array_equal(a.crop_to_bounding_box(BATCH, 1, 2, 2, 1).numpy(), BATCH[:, 1:3, 2:3])
    np.testing.assert_array_equal(a.central_crop(X, 0.5).numpy(), X[0:3, 1:3])
    padded = a.pad_to_bounding_box(X, 1, 2, 5, 7).numpy()
    np.testing.assert_array_equal(padded, np.pad(X, [(1, 1), (2, 1), (0, 0)]))
    both = a.resize_with_crop_or_pad(X, 5, 2).numpy()
    np.testing.assert_array_equal(both, np.pad(X[:, 1:3], [(1, 1), (0, 0), (0, 0)]))


def test_unknown_sizes_are_worked_with():
    graph = Graph()
    with graph.as_default():
        image = placeholder(np.int32, [None, None, 2])
        results = [
            a.resize_with_crop_or_pad(image, 5, 2),
            a.central_crop(image, 0.5),
            a.pad_to_bounding_box(image, 1, 2, 5, 7),
        ]
    with Session(graph=graph) as session:
        both, middle, padded = session.run(results, {image: X})
    np.testing.assert_array_equal(both, np.pad(X[:, 1:3], [(1, 1), (0, 0), (0, 0)]))
    np.testing.assert_array_equal(middle, X[0:3, 1:3])
    assert padded.shape == (5, 7, 2)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="dimensions"):
        a.flip_left_right(X[0, 0])
    with pytest.raises(ValueError, match="width must be"):
        a.crop_to_bounding_box(X, 0, 3, 2, 2)
    with pytest.raises(ValueError, match="height must be"):
        a.pad_to_bounding_box(X, 0, 0, 2, 9)
    with pytest.raises(ValueError, match="central_fraction"):
        a.central_crop(X, 1.5)


def test_the_size_that_was_asked_for_is_known_while_the_graph_is_built() -> None:
    with Graph().as_default():
        for dims in ([None, None, 3], None):
            image = placeholder(np.float32, dims)
            channels = None if dims is None else 3
            assert a.pad_to_bounding_box(image, 0, 0, 8, 9).dims == (8, 9, channels)
            assert a.resize_with_crop_or_pad(image, 6, 7).dims == (6, 7, channels)
            assert a.crop_to_bounding_box(image, 0, 0, 2, 3).dims == (2, 3, channels)
