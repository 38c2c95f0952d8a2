"""Python's notation for slices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from penstock.core.graph import Graph
from penstock.ops.constant import constant, placeholder
from penstock.runtime.session import Session
from penstock.testing.op_case import normal

X = normal(3, 4, 5, dtype=np.float32)
INDICES: list[Any] = [
    0,
    -1,
    slice(None),
    slice(None, None, -1),
    slice(5, None),
    slice(-2, None),
    slice(3, 0, -2),
    (1, 2, 3),
    (slice(None), 1),
    (Ellipsis, 0),
    (0, Ellipsis, slice(1, 3)),
    (None, slice(None), None),
    (slice(0, 0), slice(None, -9)),
    np.int64(2),
]


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_indices_mean_what_they_mean_for_numpy(index: Any) -> None:
    np.testing.assert_array_equal(constant(X)[index].numpy(), X[index])
    with Graph().as_default() as graph:
        fed = placeholder(np.float32, None)
        static = constant(X)[index]
        outputs = [static, fed[index]]
        assert static.shape.as_list() == list(X[index].shape)
        with Session(graph=graph) as session:
            for output in session.run(outputs, {fed: X}):
                np.testing.assert_array_equal(output, X[index])


def test_tensors_index_like_numbers() -> None:
    x, one = constant(X), constant(1)
    np.testing.assert_array_equal(x[one].numpy(), X[1])
    np.testing.assert_array_equal(x[constant(1, np.int64) :, one].numpy(), X[1:, 1])


def test_masks_select_elements() -> None:
    np.testing.assert_array_equal(constant(X)[X > 0].numpy(), X[X > 0])
    np.testing.assert_array_equal(constant(X)[constant([True, False, True])].numpy(), X[[0, 2]])


@pytest.mark.parametrize("index", [1.0, "a", [1.5], np.array([0, 1])], ids=str)
def test_other_indices_are_refused(index: Any) -> None:
    with pytest.raises(TypeError, match="Only integers, slices"):
        constant(X)[index]


def test_the_nodes_of_a_slice_are_named_as_in_tensorflow() -> None:
    with Graph().as_default() as graph:
        placeholder(np.float32, [3], name="x")[1]
        assert [op.name for op in graph.get_operations()] == [
            "x",
            "strided_slice/stack",
            "strided_slice/stack_1",
            "strided_slice/stack_2",
            "strided_slice",
        ]
