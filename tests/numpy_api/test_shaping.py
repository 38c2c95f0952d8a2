"""Shapes: reshaping, moving axes, joining, splitting and repeating."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import penstock as tf

tnp = tf.experimental.numpy


def expressions(table: str) -> list[str]:
    """Return the expressions of a table, which semicolons and ends of lines part."""
    return [text.strip() for text in table.replace("\n", ";").split(";") if text.strip()]


@pytest.mark.parametrize(
    "text",
    expressions("""
        n.reshape(m, (2, -1)); n.reshape(m, -1); n.reshape(t, (4, 3, 2), order='F'); n.ravel(t)
        n.expand_dims(m, -1); n.expand_dims(m, (0, 3)); n.squeeze([[[1], [2]]]); n.squeeze([[[1], [2]]], (0, 2))
        n.transpose(t); n.transpose(t, (2, 0, 1)); n.transpose(t, (-1, 0, 1)); n.swapaxes(t, 0, -1)
        n.moveaxis(t, 0, -1); n.moveaxis(t, [0, 2], [-1, 0]); n.broadcast_to(v, (2, 4)); n.broadcast_to(3, 2)
        list(n.broadcast_arrays([1, 2], [[1.5], [2]])); n.atleast_1d(1); n.atleast_2d(v); n.atleast_3d(v)
        n.atleast_3d(m); list(n.atleast_2d(1, [1], t)); n.concatenate([m, m], axis=1); n.concatenate([[1], [2.5]])
        n.concatenate([v, i]); n.append(m, v); n.append([[1]], [[2, 3]], axis=1); n.stack([v, i])
        n.stack([t, t], axis=-1); n.vstack([v, i]); n.vstack([m, m]); n.hstack([v, 1.0]); n.hstack([t, t])
        n.dstack([v, w]); n.dstack([m, m]); n.split(t, 2); n.split(m, [1, 3], axis=1); n.hsplit(m, 2)
        n.hsplit(v, 2); n.vsplit(m, 3); n.dsplit(t, 2); n.split(v, [2, 9]); n.repeat(m, 2)
        n.repeat(m, [1, 0, 2], axis=0); n.repeat(t, 2, axis=-1); n.tile(v, 2); n.tile(m, (2, 1))
        n.tile(v, (2, 1, 2)); n.tile(t, (2,)); n.flip(t); n.flip(t, 1); n.flip(t, (0, 2)); n.flipud(m); n.fliplr(m)
        n.rot90(m); n.rot90(m, 2); n.rot90(t, -1, (1, 2)); n.rot90(m, 4); n.roll(m, 1); n.roll(m, 2, 1)
        n.roll(t, (1, 2), (0, 2)); n.roll(t, 1, (0, 1)); n.pad(m, ((1, 1), (0, 2)), 'constant', constant_values=7)
        n.pad(m, 1, 'reflect'); n.pad(m, ((1, 2), (0, 1)), 'symmetric'); n.pad(b, 1, 'constant')
    """),
)
def test_arrays_are_those_of_numpy(text: str, agree: Callable[[str], None]) -> None:
    agree(text)


def test_flatten_knows_the_orders() -> None:
    array = np.arange(6).reshape(2, 3)
    for order in ("C", "A", "K", "F"):
        np.testing.assert_array_equal(tnp.flatten(array, order), array.flatten(order))


def test_functions_keep_what_is_known_of_shapes() -> None:
    @tf.function(input_signature=[tf.TensorSpec([None, 3])])
    def shapes(x: tf.Tensor) -> tf.Tensor:
        assert tnp.shape(x).as_list() == [None, 3]
        assert tnp.swapaxes(x, 0, 1).shape.as_list() == [3, None]
        assert tnp.vstack([x, x]).shape.as_list() == [None, 3]
        assert tnp.rot90(x).shape.as_list() == [3, None]
        return tnp.size(x)

    assert int(shapes(np.ones((2, 3), np.float32))) == 6


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: tnp.reshape([1], 1, order="K"), ValueError),
        (lambda: tnp.flatten([1], "X"), ValueError),
        (lambda: tnp.swapaxes([[1]], 0, 2), ValueError),
        (lambda: tnp.moveaxis([[1]], (0, 1), 0), ValueError),
        (lambda: tnp.pad([1], 1, "edge"), ValueError),
        (lambda: tnp.broadcast_arrays([1], subok=True), ValueError),
        (lambda: tnp.size([1], 0), NotImplementedError),
    ],
)
def test_wrong_arguments_are_refused(call: Callable[[], object], error: type[Exception]) -> None:
    with pytest.raises(error):
        call()


def test_appended_numbers_count_as_arrays():
    assert tnp.append(np.array([1.5], np.float32), 2.5).dtype.name == "float64"
