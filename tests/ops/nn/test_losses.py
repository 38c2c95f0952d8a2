"""The L2 loss and the Poisson loss."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.ops.nn.losses import l2_loss_op, log_poisson_loss
from penstock.testing.op_case import OpCase, normal, uniform

CASES = [
    OpCase(l2_loss_op, [normal(3, 4)], lambda t: (t**2).sum() / 2),
    OpCase(l2_loss_op, [normal(0, 4)], lambda t: np.float64(0), name="empty"),
    OpCase(l2_loss_op, [np.full(300, 10.0, np.float16)], np.float16(15000), name="float16", gradient=None),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


def test_poisson_loss_adds_stirlings_term_above_one():
    x, z = normal(4), np.array([0.0, 1.0, 2.0, 5.0])
    np.testing.assert_allclose(log_poisson_loss(z, x).numpy(), np.exp(x) - x * z)
    above = z[2:]
    stirling = np.concatenate([[0, 0], above * np.log(above) - above + 0.5 * np.log(2 * np.pi * above)])
    np.testing.assert_allclose(log_poisson_loss(z, x, compute_full_loss=True).numpy(), np.exp(x) - x * z + stirling)


def test_poisson_loss_refuses_other_shapes():
    with pytest.raises(ValueError, match="same shape"):
        log_poisson_loss(uniform(0, 1, 3), normal(4))
