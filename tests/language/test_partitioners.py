from __future__ import annotations

import pytest

from penstock.core import dtypes
from penstock.core.shape import TensorShape
from penstock.language.partitioners import (
    PartitionInfo,
    call_partitioner,
    fixed_size_partitioner,
    min_max_variable_partitioner,
    slices,
    variable_axis_size_partitioner,
)

SHAPE = TensorShape([10, 2])


@pytest.mark.parametrize(("max_bytes", "expected"), [(16, 5), (17, 5), (24, 4), (1000, 1)])
def test_slices_have_at_most_a_number_of_bytes(max_bytes: int, expected: int) -> None:
    assert variable_axis_size_partitioner(max_bytes)(SHAPE, dtypes.float32) == [expected, 1]


def test_the_number_of_slices_can_be_bounded() -> None:
    assert variable_axis_size_partitioner(16, max_shards=2)(SHAPE, dtypes.float32) == [2, 1]
    assert variable_axis_size_partitioner(16, axis=1)(TensorShape([2, 3]), dtypes.float64) == [1, 3]


@pytest.mark.parametrize(("most", "size", "expected"), [(4, 16, 4), (100, 30, 3), (3, 1, 3)])
def test_slices_have_at_least_a_number_of_bytes(most: int, size: int, expected: int) -> None:
    partitioner = min_max_variable_partitioner(max_partitions=most, min_slice_size=size)
    assert partitioner(SHAPE, dtypes.float32) == [expected, 1]


def test_a_fixed_number_of_slices_is_at_most_the_axis() -> None:
    assert fixed_size_partitioner(3, 1)(shape=TensorShape([10, 6]), dtype=dtypes.float32) == [1, 3]
    assert fixed_size_partitioner(3)(shape=TensorShape([2]), dtype=dtypes.float32) == [2]


def test_the_first_slices_are_larger_where_the_axis_does_not_divide() -> None:
    assert list(slices([5, 3], [2, 1])) == [([0, 0], [3, 3]), ([3, 0], [2, 3])]
    assert list(slices([2, 3], [1, 3])) == [([0, 0], [2, 1]), ([0, 1], [2, 1]), ([0, 2], [2, 1])]


def test_answers_that_do_not_fit_are_refused() -> None:
    for answer, message in (([2], "rank"), ([0, 1], "zero partitions"), ([2, 2], "one dimension"), (3, "list")):
        with pytest.raises(ValueError, match=message):
            call_partitioner(lambda answer=answer, **_: answer, SHAPE, dtypes.float32)
    with pytest.raises(ValueError, match="fully defined"):
        call_partitioner(fixed_size_partitioner(2), TensorShape([None, 2]), dtypes.float32)
    with pytest.raises(ValueError, match="positive"):
        variable_axis_size_partitioner(0)


def test_a_slice_knows_its_place() -> None:
    info = PartitionInfo([5, 3], [3, 0])
    assert info.single_slice_dim([2, 3]) == 0 and info.single_offset([2, 3]) == 3
    assert info.single_slice_dim([5, 3]) is None
    with pytest.raises(ValueError, match="within"):
        PartitionInfo([5], [5])
