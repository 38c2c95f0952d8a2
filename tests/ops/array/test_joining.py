"""Joining, cutting and repeating."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.convert import convert_to_tensor
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
from penstock.ops.array import joining
from penstock.ops.array.joining import (
    concat,
    concat_offset_op,
    concat_op,
    concat_v2_op,
    pack_op,
    parallel_concat_op,
    parallel_stack,
    split,
    split_op,
    split_v_op,
    stack,
    tile_op,
    unpack_op,
    unstack,
)
from penstock.ops.constant import constant, placeholder
from penstock.testing.op_case import OpCase, normal

A, B = normal(2, 3), normal(2, 1, seed=1)
TEXT = np.array([b"a", b"b"], dtype=object)

CASES = [
    OpCase(concat_v2_op, [[A, B], 1], lambda v, a: np.concatenate(v, a)),
    OpCase(concat_v2_op, [[A, A], -2], lambda v, a: np.concatenate(v, a), name="negative axis"),
    OpCase(concat_v2_op, [[TEXT, TEXT], 0], lambda v, a: np.concatenate(v, a), name="strings"),
    OpCase(concat_op, [0, [A, A]], lambda a, v: np.concatenate(v, a)),
    OpCase(concat_offset_op, [np.int32(1), [np.array([2, 3]), np.array([2, 4])]], ([0, 0], [0, 3]), gradient=None),
    OpCase(
        parallel_concat_op,
        [[normal(1, 3), normal(1, 3)]],
        lambda v: np.concatenate(v),
        attrs={"shape": [2, 3]},
        gradient=None,
    ),
    OpCase(pack_op, [[A, A + 1]], lambda v: np.stack(v)),
    OpCase(pack_op, [[A, A + 1]], lambda v: np.stack(v, -1), attrs={"axis": -1}, name="last axis"),
    OpCase(unpack_op, [A], lambda x: list(x), attrs={"num": 2}),
    OpCase(unpack_op, [A], lambda x: list(x.T), attrs={"num": 3, "axis": -1}, name="last axis"),
    OpCase(split_op, [1, normal(2, 4)], lambda a, x: np.split(x, 2, a), attrs={"num_split": 2}),
    OpCase(
        split_v_op, [normal(2, 5), np.array([2, -1]), 1], lambda x, s, a: np.split(x, [2], a), attrs={"num_split": 2}
    ),
    OpCase(tile_op, [A, [2, 1]], lambda x, m: np.tile(x, m)),
    OpCase(tile_op, [TEXT, [2]], lambda x, m: np.tile(x, m), name="strings"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: concat([A, normal(3, 2)], 0), "sizes|size"),
        (lambda: concat([constant(A), constant(normal(0))], 0), "Ranks"),
        (lambda: split(A, 2, 1), "evenly"),
        (lambda: split(A, [1, 1], 1), "add up"),
        (lambda: tile_op(A, [-1, 1]), "multiples"),
        (lambda: unstack(constant(A), 3), "must equal 3"),
    ],
)
def test_values_that_do_not_fit_are_refused_at_run_time(call: object, text: str) -> None:
    with pytest.raises(InvalidArgumentError, match=text):
        call()  # type: ignore[operator]


def test_a_list_of_numbers_is_stacked_into_a_constant_and_tensors_into_pack() -> None:
    with Graph().as_default():
        assert stack([1, 2, 3]).op.type == "Const"
        x = placeholder(np.float32, [2])
        assert stack([x, x]).op.type == "Pack"
        assert stack([x, x], name="both").op.name == "both"
        assert concat([x], 0).op.type == "Identity"
        assert parallel_stack([x, x]).dims == (2, 2)


def test_split_and_unstack_need_a_known_number_of_parts() -> None:
    with Graph().as_default():
        x = placeholder(np.float32, [None])
        with pytest.raises(ValueError, match="Cannot infer argument `num`"):
            unstack(x)
        with pytest.raises(ValueError, match="Cannot infer argument `num`"):
            split(x, placeholder(np.int32, [None]))


def test_parallel_stack_is_refused_eagerly() -> None:
    with pytest.raises(RuntimeError, match="not compatible with eager execution"):
        parallel_stack([A, A])


def test_an_eager_concatenation_takes_a_vector_of_one_axis():
    assert joining.concat([[1], [2]], [0]).numpy().tolist() == [1, 2]
    with Graph().as_default(), pytest.raises(ValueError, match="scalar"):
        joining.concat([[1], [2]], [0])


def test_nothing_is_stacked_to_an_empty_vector_and_tensors_to_their_rows():
    assert joining.stack([]).numpy().tolist() == []
    assert joining.stack(convert_to_tensor([[1, 2], [3, 4]]), 1).numpy().tolist() == [[1, 3], [2, 4]]
