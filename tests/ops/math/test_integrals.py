"""Functions defined by integrals agree with known values on every branch."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.ops.math import integrals
from penstock.testing.op_case import OpCase

CASES = [
    OpCase(
        integrals.dawsn_op,
        [np.array([0.0, 0.5, -2.0, 30.0])],
        [0.0, 0.4244363835020223, -0.30134038892379197, 0.01667594152874217],
        gradient="first",
    ),
    OpCase(
        integrals.expint_op,
        [np.array([0.5, 1.0, 10.0, 50.0])],
        [0.4542199048631736, 1.8951178163559368, 2492.2289762418777, 1.0585636897131690e20],
        gradient=None,
    ),
    OpCase(integrals.expint_op, [np.array([0.5, 2.0])], None, name="derivatives", gradient="first"),
    OpCase(
        integrals.fresnel_cos_op,
        [np.array([0.5, 1.0, -2.0, 10.0])],
        [0.4923442258714464, 0.7798934003768228, -0.4882534060753408, 0.4998986942055157],
        gradient="first",
    ),
    OpCase(
        integrals.fresnel_sin_op,
        [np.array([0.5, 1.0, -2.0, 10.0])],
        [0.0647324328599993, 0.4382591473903548, -0.3434156783636982, 0.4681699785848822],
        gradient="first",
    ),
    OpCase(
        integrals.spence_op,
        [np.array([0.0, 0.25, 1.0, 2.0, 5.0])],
        [np.pi**2 / 6, 0.9784693929303061, 0.0, -(np.pi**2) / 12, -2.3699397969983658],
        gradient=None,
    ),
    OpCase(integrals.spence_op, [np.array([0.25, 0.7, 2.0, 5.0])], None, name="derivatives", gradient="first"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()
