from __future__ import annotations

import numpy as np
import pytest

import penstock.ops  # noqa: F401
from penstock.core import dtypes
from penstock.core.graph import Graph
from penstock.core.tape import GradientTape  # noqa: F401
from penstock.language.custom_gradient import custom_gradient
from penstock.ops.constant import placeholder
from penstock.ops.math.matmul import matmul
from penstock.runtime.session import Session
from penstock.testing.gradient_checker import (
    compute_gradient,
    compute_gradient_error,
    compute_gradient_v1,
    max_error,
)


@custom_gradient
def wrong_square(x):
    return x * x, lambda grad: grad * 3.0


def test_a_function_is_differentiated_both_ways():
    a, b = np.arange(6.0).reshape(2, 3), np.arange(6.0).reshape(3, 2)
    theoretical, numeric = compute_gradient(matmul, [a, b])
    assert [item.shape for item in theoretical] == [(4, 6), (4, 6)]
    assert max_error(theoretical, numeric) < 1e-9
    np.testing.assert_allclose(theoretical[0][0], [*b[:, 0], 0, 0, 0])


def test_a_wrong_gradient_shows():
    theoretical, numeric = compute_gradient(wrong_square, [np.array([1.0, 5.0])])
    np.testing.assert_allclose(np.diag(theoretical[0]), [3.0, 3.0])
    np.testing.assert_allclose(np.diag(numeric[0]), [2.0, 10.0])


def test_arguments_must_be_a_list():
    with pytest.raises(ValueError, match="must be a list"):
        compute_gradient(wrong_square, np.array(1.0))


def test_a_tensor_of_a_graph_is_differentiated_both_ways():
    with Graph().as_default(), Session():
        x = placeholder(dtypes.float64, [2, 3])
        y = matmul(x, np.arange(6.0).reshape(3, 2))
        theoretical, numeric = compute_gradient_v1(x, [2, 3], y, [2, 2])
        assert theoretical.shape == numeric.shape == (6, 4)
        np.testing.assert_allclose(theoretical[:3, 0], [0.0, 2.0, 4.0])
        assert compute_gradient_error(x, [2, 3], y, [2, 2], x_init_value=np.ones([2, 3])) < 1e-6
        pairs = compute_gradient_v1([x], [[2, 3]], y, [2, 2])
        assert len(pairs) == 1
