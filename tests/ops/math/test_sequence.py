"""Sequences have the right length, type and ends."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
from penstock.core.tape import GradientTape
from penstock.ops.constant import constant, placeholder
from penstock.ops.math import sequence
from penstock.testing.op_case import OpCase

CASES = [
    OpCase(sequence.range_op, [2, 11, 3], [2, 5, 8]),
    OpCase(sequence.range_op, [5, 0, -2], [5, 3, 1], name="down"),
    OpCase(sequence.range_op, [0.0, 1.0, 0.25], [0.0, 0.25, 0.5, 0.75], name="float", gradient=None),
    OpCase(sequence.lin_space_op, [0.0, 1.0, 5], [0.0, 0.25, 0.5, 0.75, 1.0], gradient=None),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_the_widest_type_of_the_arguments_is_taken() -> None:
    assert sequence.range(3).dtype.name == "int32"
    assert sequence.range(constant(3, "int64")).dtype.name == "int64"
    assert sequence.range(0, 1.5, 1).dtype.name == "float32"


def test_a_step_of_zero_or_in_the_wrong_direction_is_refused() -> None:
    for arguments in ((0, 5, 0), (0, 5, -1), (5, 0, 1)):
        with pytest.raises(InvalidArgumentError, match="Requires"):
            sequence.range(*arguments)


def test_the_length_is_known_in_a_graph_where_the_arguments_are() -> None:
    with Graph().as_default():
        assert sequence.range(2, 11, 3).shape.as_list() == [3]
        assert sequence.range(placeholder("int32", [])).shape.as_list() == [None]


def test_linspace_of_vectors_adds_an_axis() -> None:
    result = sequence.linspace(constant([0.0, 10.0]), constant([1.0, 20.0]), 3, axis=-1)
    np.testing.assert_allclose(result.numpy(), [[0.0, 0.5, 1.0], [10.0, 15.0, 20.0]])


def test_linspace_of_no_points_is_empty_and_of_fewer_an_error() -> None:
    assert sequence.linspace(0.5, 1.0, 0).numpy().tolist() == []
    with pytest.raises(InvalidArgumentError):
        sequence.linspace(0.0, 1.0, -1)


def test_linspace_of_integers_is_float64() -> None:
    result = sequence.linspace(2, 8, 5)
    assert result.dtype == "float64"
    assert result.numpy().tolist() == [2.0, 3.5, 5.0, 6.5, 8.0]


def test_half_precision_ranks_between_integers_and_single_precision() -> None:
    half = constant(1.0, "float16")
    assert sequence.range(half, 3).dtype.name == "float16"
    assert sequence.range(half, constant(3.0)).dtype.name == "float32"
    assert sequence.range(half, constant(3.0, "bfloat16")).dtype.name == "bfloat16"


def test_the_length_of_a_range_of_floating_numbers_is_known() -> None:
    with Graph().as_default():
        assert sequence.range(5.0).shape.as_list() == [5]
        assert sequence.range(1, 10, 2.5).shape.as_list() == [4]


def test_the_ends_of_linspace_broadcast_and_have_gradients() -> None:
    start = constant([0.0, 1.0])
    with GradientTape() as tape:
        tape.watch(start)
        result = sequence.linspace(start, 5.0, 3, axis=-1)
    assert result.numpy().tolist() == [[0.0, 2.5, 5.0], [1.0, 3.0, 5.0]]
    assert tape.gradient(result, start).numpy().tolist() == [1.5, 1.5]


def test_the_number_of_points_must_be_an_integer() -> None:
    with pytest.raises(TypeError, match="integer"):
        sequence.linspace(0.0, 1.0, 3.5)
