"""Sums of products over named axes agree with NumPy, as do their derivatives with differences."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.ops.constant import constant
from penstock.ops.math import einsum
from penstock.testing.op_case import OpCase, normal


def _case(equation: str, *inputs: np.ndarray) -> OpCase:
    return OpCase(
        einsum.einsum_op,
        [list(inputs)],
        lambda items: np.einsum(equation, *items),
        {"equation": equation},
        name=equation,
    )


CASES = [
    _case("ij,jk->ik", normal(2, 3), normal(3, 4, seed=1)),
    _case("bij,bjk->bik", normal(2, 3, 4), normal(2, 4, 2, seed=1)),
    _case("...ij,...jk->...ik", normal(2, 3, 4), normal(4, 2, seed=1)),
    _case("ij->ji", normal(2, 3)),
    _case("ij->i", normal(2, 3)),
    _case("ij->", normal(2, 3)),
    _case("ii->i", normal(3, 3)),
    _case("ii->", normal(3, 3)),
    _case("ij,k->ik", normal(2, 3), normal(4, seed=1)),
    _case("i...,i->...", normal(3, 2), normal(3, seed=1)),
    _case("ij,jk", normal(2, 3), normal(3, 2, seed=1)),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_more_than_two_inputs_are_multiplied_in_pairs() -> None:
    inputs = [normal(2, 3), normal(3, 4, seed=1), normal(4, 5, seed=2)]
    result = einsum.einsum("ab,bc,cd->ad", *map(constant, inputs))
    np.testing.assert_allclose(result.numpy(), np.linalg.multi_dot(inputs))


def test_a_letter_may_stand_twice_in_the_output_of_the_operation_alone() -> None:
    assert einsum.einsum_op([constant([1.0, 2.0])], equation="i->ii").numpy().tolist() == [[1.0, 0.0], [0.0, 2.0]]
    batch = einsum.einsum_op([constant([[1.0, 2.0]])], equation="...i->i...i").numpy()
    assert batch.tolist() == [[[1.0, 0.0]], [[0.0, 2.0]]]
    with pytest.raises(ValueError, match="more than once"):
        einsum.einsum("i->ii", constant([1.0, 2.0]))


def test_an_equation_that_does_not_fit_is_refused() -> None:
    for equation, count in (("ij,jk", 1), ("ij->k", 1), ("i.j->i", 1), ("ijk->i", 1)):
        with pytest.raises(ValueError):
            einsum.einsum(equation, *[constant(normal(2, 3))] * count)


def test_unknown_keywords_are_refused() -> None:
    with pytest.raises(TypeError, match="bogus"):
        einsum.einsum("i->i", constant([1.0]), bogus=1)
