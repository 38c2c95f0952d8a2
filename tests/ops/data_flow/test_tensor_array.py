"""TensorArrays as resources: elements, errors and gradients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import penstock.v1 as tf
from penstock.core.dtypes import float32
from penstock.core.errors import InvalidArgumentError
from penstock.ops.data_flow import tensor_array as ta

COVERS = (
    "TensorArrayV3",
    "TensorArrayWriteV3",
    "TensorArrayReadV3",
    "TensorArrayGatherV3",
    "TensorArrayScatterV3",
    "TensorArrayConcatV3",
    "TensorArraySplitV3",
    "TensorArraySizeV3",
    "TensorArrayCloseV3",
    "TensorArrayGradV3",
)


@pytest.fixture(autouse=True)
def session() -> Iterator[tf.Session]:
    with tf.Graph().as_default(), tf.Session() as session:
        yield session


def made(size: int, **attrs: Any) -> tuple[Any, Any]:
    return ta.tensor_array_v3_op(size, dtype=float32, **attrs)


def test_elements_are_written_read_and_counted(session: tf.Session) -> None:
    handle, flow = made(2, dynamic_size=True, clear_after_read=False)
    for index in (0, 1, 2):
        flow = ta.tensor_array_write_v3_op(handle, index, [float(index), 1.0], flow)
    read = ta.tensor_array_read_v3_op(handle, 2, flow, dtype=float32)
    gathered = ta.tensor_array_gather_v3_op(handle, [2, 0], flow, dtype=float32)
    joined, lengths = ta.tensor_array_concat_v3_op(handle, flow, dtype=float32)
    size = ta.tensor_array_size_v3_op(handle, flow)
    values = session.run([read, gathered, joined, lengths, size])
    assert [np.asarray(value).tolist() for value in values] == [
        [2.0, 1.0],
        [[2.0, 1.0], [0.0, 1.0]],
        [0.0, 1.0, 1.0, 1.0, 2.0, 1.0],
        [2, 2, 2],
        3,
    ]


def test_scattered_and_split_values_become_elements(session: tf.Session) -> None:
    handle, flow = made(3)
    flow = ta.tensor_array_scatter_v3_op(handle, [2, 0], [[1.0], [2.0]], flow)
    assert session.run(ta.tensor_array_read_v3_op(handle, 0, flow, dtype=float32)).tolist() == [2.0]
    handle, flow = made(2)
    flow = ta.tensor_array_split_v3_op(handle, [1.0, 2.0, 3.0], [1, 2], flow)
    assert session.run(ta.tensor_array_read_v3_op(handle, 1, flow, dtype=float32)).tolist() == [2.0, 3.0]


def test_elements_never_written_are_zeros_of_a_known_shape(session: tf.Session) -> None:
    handle, flow = made(1, element_shape=[2])
    assert session.run(ta.tensor_array_read_v3_op(handle, 0, flow, dtype=float32)).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("index", "value", "message"),
    [
        (5, [1.0], "not resizeable"),
        (-1, [1.0], "index -1"),
        (0, [1.0, 2.0], "incompatible"),
        (1, [1.0], "already been"),
    ],
)
def test_wrong_writes_are_errors(session: tf.Session, index: int, value: Any, message: str) -> None:
    handle, flow = made(2, element_shape=[1])
    flow = ta.tensor_array_write_v3_op(handle, 1, [0.0], flow)
    with pytest.raises(InvalidArgumentError, match=message):
        session.run(ta.tensor_array_write_v3_op(handle, index, value, flow))


def test_reading_twice_or_out_of_range_is_an_error(session: tf.Session) -> None:
    handle, flow = made(1)
    flow = ta.tensor_array_write_v3_op(handle, 0, 1.0, flow)
    first = ta.tensor_array_read_v3_op(handle, 0, flow, dtype=float32)
    with tf.control_dependencies([first]):
        second = ta.tensor_array_read_v3_op(handle, 0, flow, dtype=float32)
    with pytest.raises(InvalidArgumentError, match="clear_after_read"):
        session.run(second)
    with pytest.raises(InvalidArgumentError, match="array size is: 1"):
        session.run(ta.tensor_array_read_v3_op(handle, 1, flow, dtype=float32))
    with pytest.raises(InvalidArgumentError, match="requested dtype int32"):
        session.run(ta.tensor_array_read_v3_op(handle, 0, flow, dtype=tf.int32))


def test_gradients_flow_through_every_way_in_and_out(session: tf.Session) -> None:
    x = tf.constant([[1.0, 2.0], [3.0, 4.0]])

    def written(way: str) -> tuple[Any, Any]:
        handle, flow = made(2, clear_after_read=False)
        if way == "scatter":
            return handle, ta.tensor_array_scatter_v3_op(handle, [0, 1], x, flow)
        if way == "split":
            return handle, ta.tensor_array_split_v3_op(handle, tf.reshape(x, [4]), [2, 2], flow)
        for i in (0, 1):
            flow = ta.tensor_array_write_v3_op(handle, i, x[i], flow)
        return handle, flow

    for way in ("scatter", "split", "write"):
        handle, flow = written(way)
        stacked = ta.tensor_array_gather_v3_op(handle, [0, 1], flow, dtype=float32)
        twice = ta.tensor_array_read_v3_op(handle, 1, flow, dtype=float32)
        joined, _ = ta.tensor_array_concat_v3_op(handle, flow, dtype=float32)
        loss = tf.reduce_sum(stacked * stacked) + 10.0 * tf.reduce_sum(twice) + 100.0 * tf.reduce_sum(joined)
        value, (gradient,) = session.run([loss, tf.gradients(loss, x)])
        assert value == 30.0 + 70.0 + 1000.0
        assert gradient.tolist() == [[102.0, 104.0], [116.0, 118.0]]


def test_a_closed_array_has_no_elements(session: tf.Session) -> None:
    handle, flow = made(2)
    with tf.control_dependencies([ta.tensor_array_close_v3_op(handle)]):
        assert session.run(ta.tensor_array_size_v3_op(handle, flow)) == 0
