"""Products with a bias, in the forms in which they are computed."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core import array
from penstock.ops.fused.products import mat_mul_bias_op
from penstock.ops.math.matmul import mat_mul_op


@pytest.mark.parametrize("columns", [1, 2, 10, 15, 16])
@pytest.mark.parametrize("transpose_a", [False, True])
@pytest.mark.parametrize("transpose_b", [False, True])
def test_few_columns_give_the_same_product(columns, transpose_a, transpose_b):
    generator = np.random.default_rng(0)
    a, b, bias = generator.random((40, 500)), generator.random((500, columns)), generator.random(columns)
    given = [array.from_numpy(np.ascontiguousarray(m.T if t else m)) for m, t in ((a, transpose_a), (b, transpose_b))]
    attrs = {"transpose_a": transpose_a, "transpose_b": transpose_b}
    product = mat_mul_op.kernel(*given, **attrs)
    assert product.is_contiguous()
    np.testing.assert_allclose(array.to_numpy(product), a @ b, rtol=1e-12)
    summed = mat_mul_bias_op.kernel(*given, array.from_numpy(bias), **attrs)
    np.testing.assert_allclose(array.to_numpy(summed), a @ b + bias, rtol=1e-12)
