"""Sparse slices as dense tensors."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import int32
from penstock.core.graph import Graph
from penstock.core.indexed_slices import IndexedSlices
from penstock.ops.constant import constant, placeholder


def test_rows_of_one_index_add_up() -> None:
    slices = IndexedSlices(constant([[1.0], [2.0], [4.0]]), constant([2, 0, 2]), constant([3, 1]))
    assert convert_to_tensor(slices).numpy().tolist() == [[2.0], [0.0], [5.0]]


def test_a_dense_shape_and_the_type_of_the_values_are_needed() -> None:
    with pytest.raises(ValueError, match="without dense_shape"):
        convert_to_tensor(IndexedSlices(constant([1.0]), constant([0])))
    with pytest.raises(ValueError, match="requested dtype"):
        convert_to_tensor(IndexedSlices(constant([1.0]), constant([0]), constant([2])), int32)


def test_unknown_shapes_are_warned_about() -> None:
    with Graph().as_default():
        slices = IndexedSlices(placeholder(np.float32, [None, 2]), placeholder(np.int32, [None]), placeholder(np.int32))
        with pytest.warns(UserWarning, match="unknown shape"):
            convert_to_tensor(slices)
