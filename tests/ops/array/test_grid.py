"""Grids and block paddings."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.ops.array.grid import meshgrid, required_space_to_batch_paddings
from penstock.testing.op_case import normal


@pytest.mark.parametrize("indexing", ["xy", "ij"])
def test_meshgrid_is_that_of_numpy(indexing: str) -> None:
    vectors = [normal(2), normal(3), normal(4)]
    for got, expected in zip(
        meshgrid(*vectors, indexing=indexing), np.meshgrid(*vectors, indexing=indexing), strict=True
    ):
        np.testing.assert_array_equal(got.numpy(), expected)


def test_meshgrid_refuses_other_keywords() -> None:
    with pytest.raises(TypeError, match="invalid keyword"):
        meshgrid([1], order="C")
    with pytest.raises(ValueError, match="indexing"):
        meshgrid([1], indexing="ji")


def test_paddings_make_spaces_divisible() -> None:
    paddings, crops = required_space_to_batch_paddings([5, 4], [2, 3], [[0, 0], [1, 0]])
    assert paddings.numpy().tolist() == [[0, 1], [1, 1]]
    assert crops.numpy().tolist() == [[0, 1], [0, 1]]
