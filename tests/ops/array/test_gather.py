"""Gathering and scattering."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from penstock.core.convert import convert_to_tensor
from penstock.core.errors import InvalidArgumentError
from penstock.core.gradients import gradients
from penstock.core.graph import Graph
from penstock.core.indexed_slices import IndexedSlices
from penstock.core.op_def import lookup
from penstock.core.tape import GradientTape
from penstock.language.tensor_array import TensorArray
from penstock.ops.array.gather import (
    batch_gather,
    gather,
    gather_nd,
    gather_nd_op,
    gather_op,
    gather_v2_op,
    scatter_nd,
    scatter_nd_non_aliasing_add_op,
    scatter_nd_op,
    tensor_scatter_add_op,
    tensor_scatter_max_op,
    tensor_scatter_min_op,
    tensor_scatter_nd_update,
    tensor_scatter_sub_op,
    tensor_scatter_update_op,
)
from penstock.ops.constant import constant, placeholder
from penstock.runtime.session import Session
from penstock.testing.op_case import OpCase, normal

P = normal(4, 3)
ROWS = np.array([2, 0, 2], np.int32)
CELLS = np.array([[0, 1], [3, 2]], np.int32)
AT = np.array([[1], [3]], np.int32)
NEW = normal(2, 3, seed=3)
TEXT = np.array([b"a", b"b", b"c"], dtype=object)
BATCHED = np.array([[0, 2], [1, 1]], np.int32)


def _scattered(combine: Any) -> Any:
    def reference(target: np.ndarray, at: np.ndarray, new: np.ndarray) -> np.ndarray:
        result = target.copy()
        combine(result, at, new)
        return result

    return reference


def _set(result: np.ndarray, at: np.ndarray, new: np.ndarray) -> None:
    result[at[:, 0]] = new


def _added(at: np.ndarray, new: np.ndarray, shape: Any) -> np.ndarray:
    result = np.zeros(shape)
    np.add.at(result, at[:, 0], new)
    return result


CASES = [
    OpCase(gather_v2_op, [P, ROWS, 0], lambda p, i, a: np.take(p, i, a)),
    OpCase(gather_op, [P, ROWS], lambda p, i: np.take(p, i, 0)),
    OpCase(gather_nd_op, [P, CELLS], lambda p, i: p[i[:, 0], i[:, 1]]),
    OpCase(gather_nd_op, [P, AT], lambda p, i: p[i[:, 0]], name="rows"),
    OpCase(gather_nd_op, [TEXT, AT[:1]], np.array([b"b"], dtype=object), name="strings"),
    OpCase(scatter_nd_op, [np.array([[1], [1]], np.int32), NEW, [4, 3]], _added),
    OpCase(tensor_scatter_update_op, [P, AT, NEW], _scattered(_set)),
    OpCase(tensor_scatter_add_op, [P, AT, NEW], _scattered(lambda r, a, n: np.add.at(r, a[:, 0], n))),
    OpCase(scatter_nd_non_aliasing_add_op, [P, AT, NEW], _scattered(lambda r, a, n: np.add.at(r, a[:, 0], n))),
    OpCase(tensor_scatter_sub_op, [P, AT, NEW], _scattered(lambda r, a, n: np.subtract.at(r, a[:, 0], n))),
    OpCase(tensor_scatter_min_op, [P, AT, NEW], _scattered(lambda r, a, n: np.minimum.at(r, a[:, 0], n))),
    OpCase(tensor_scatter_max_op, [P, AT, NEW], _scattered(lambda r, a, n: np.maximum.at(r, a[:, 0], n))),
]


@pytest.mark.filterwarnings("ignore:Converting sparse IndexedSlices")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


@pytest.mark.parametrize(("axis", "batch_dims"), [(1, 0), (-1, 0), (1, 1), (2, 1)])
def test_gather_along_an_axis_has_values_and_gradients(axis: int, batch_dims: int) -> None:
    params = constant(normal(2, 3, 4))
    with GradientTape() as tape:
        tape.watch(params)
        result = gather(params, BATCHED, axis=axis, batch_dims=batch_dims)
    x = params.numpy()
    if batch_dims:
        expected = np.stack([np.take(part, index, axis - 1) for part, index in zip(x, BATCHED, strict=True)])
    else:
        expected = np.take(x, BATCHED, axis)
    np.testing.assert_array_equal(result.numpy(), expected)
    upstream = np.arange(1.0, expected.size + 1).reshape(expected.shape)
    grad = tape.gradient(result, params, output_gradients=constant(upstream))
    counted = np.zeros(x.size)
    positions = np.arange(x.size).reshape(x.shape)
    if batch_dims:
        taken = np.stack([np.take(part, index, axis - 1) for part, index in zip(positions, BATCHED, strict=True)])
    else:
        taken = np.take(positions, BATCHED, axis)
    np.add.at(counted, taken.reshape(-1), upstream.reshape(-1))
    np.testing.assert_allclose(grad.numpy(), counted.reshape(x.shape))


def test_the_gradient_of_rows_is_sparse() -> None:
    params = constant(P)
    with GradientTape() as tape:
        tape.watch(params)
        rows = gather(params, ROWS)
    grad = tape.gradient(rows, params)
    assert isinstance(grad, IndexedSlices)
    np.testing.assert_array_equal(grad.indices.numpy(), ROWS)
    np.testing.assert_array_equal(grad.dense_shape.numpy(), [4, 3])


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: gather(P, [[0, 4]]), r"indices\[0,1\] = 4 is not in \[0, 4\)"),
        (lambda: gather(P, [-1]), r"indices\[0\] = -1 is not in \[0, 4\)"),
        (lambda: gather(P, [[0], [0], [0], [3]], batch_dims=1), r"indices\[3,0\] = 3 is not in \[0, 3\)"),
        (lambda: gather(TEXT, [3]), r"indices\[0\] = 3 is not in \[0, 3\)"),
        (lambda: gather_nd(P, [[0, 0], [0, 3]]), r"indices\[1\] = \[0, 3\] does not index"),
        (lambda: scatter_nd([[5]], [1.0], [4]), r"indices\[0\] = \[5\] does not index"),
        (lambda: tensor_scatter_nd_update(P, [[-1]], NEW[:1]), "does not index"),
        (lambda: tensor_scatter_nd_update(P, [[0]], NEW), "updates must have shape"),
    ],
)
def test_indices_out_of_range_are_named(call: Any, text: str) -> None:
    with pytest.raises(InvalidArgumentError, match=text):
        call()


def test_bad_indices_may_be_ignored() -> None:
    np.testing.assert_array_equal(gather_nd([1.0, 2.0], [[1], [5]], bad_indices_policy="IGNORE").numpy(), [2.0, 0.0])
    np.testing.assert_array_equal(scatter_nd([[1], [5]], [1.0, 2.0], [3], "IGNORE").numpy(), [0.0, 1.0, 0.0])


def test_batches_gather_by_themselves() -> None:
    x = normal(2, 3, 4)
    expected = np.stack([part[index] for part, index in zip(x, BATCHED, strict=True)])
    np.testing.assert_array_equal(batch_gather(x, BATCHED).numpy(), expected)
    np.testing.assert_array_equal(gather_nd(x, BATCHED[..., None], batch_dims=1).numpy(), expected)


@pytest.mark.parametrize(
    "dtype", [np.uint8, np.uint16, np.uint32, np.uint64, np.int8, np.bool_, np.float16, np.complex64]
)
def test_every_type_of_numbers_is_gathered_and_scattered(dtype: Any) -> None:
    x = np.array([1, 0, 1], dtype)
    np.testing.assert_array_equal(gather(x, [2, 1]).numpy(), x[[2, 1]])
    np.testing.assert_array_equal(scatter_nd([[2]], x[:1], [3]).numpy(), np.array([0, 0, 1], dtype))
    np.testing.assert_array_equal(tensor_scatter_nd_update(x, [[1]], x[:1]).numpy(), np.array([1, 1, 1], dtype))


def test_static_shapes_follow_axis_and_batches() -> None:
    with Graph().as_default():
        x = placeholder(np.float32, [None, 5, 7])
        assert gather(x, [1, 2], axis=1).dims == (None, 2, 7)
        assert gather(x, placeholder(np.int32, [4, 2]), batch_dims=1).dims == (4, 2, 7)
        with pytest.raises(ValueError, match="rank"):
            gather_nd(x, placeholder(np.int32, [4]))


@pytest.mark.parametrize(
    "name", ["Erf", "Erfc", "Erfinv", "Ndtri", "CumulativeLogsumexp", "SquaredDifference", "stack"]
)
def test_operations_before_a_gather_take_its_gradient(name: str) -> None:
    values = np.array([[0.2, 0.4], [0.6, 0.3], [0.5, 0.9]])

    def apply(x: Any) -> Any:
        if name == "stack":
            return TensorArray("float64", 3).unstack(x * x).stack()
        inputs = {"CumulativeLogsumexp": (0,), "SquaredDifference": (x[:1],)}.get(name, ())
        return lookup(name)(x, *inputs)

    with Graph().as_default(), Session() as session:
        x = constant(values)
        y = apply(x)
        (sparse,) = gradients(gather(y, [0, 1, 1]), [x])
        (dense,) = gradients([y[0], y[1], y[1]], [x])
        np.testing.assert_allclose(*session.run([convert_to_tensor(sparse), dense]))
