"""Complex numbers are made from parts and taken apart."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.tape import GradientTape
from penstock.ops.constant import constant
from penstock.ops.math import complex
from penstock.testing.op_case import OpCase, normal

_Z = normal(3) + 1j * normal(3, seed=1)
_D = {"Tout": np.float64}

CASES = [
    OpCase(
        complex.complex_op,
        [normal(2, 3), normal(3, seed=1)],
        lambda a, b: a + 1j * b,
        {"Tout": np.complex128},
        gradient=None,
    ),
    OpCase(complex.real_op, [_Z], np.real, _D, gradient=None),
    OpCase(complex.imag_op, [_Z], np.imag, _D, gradient=None),
    OpCase(complex.conj_op, [_Z], np.conj, gradient=None),
    OpCase(complex.angle_op, [_Z], np.angle, _D, gradient=None),
    OpCase(complex.complex_abs_op, [_Z], np.abs, _D, gradient=None),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_the_derivative_of_the_squared_modulus_is_twice_the_number() -> None:
    z = constant(_Z)
    with GradientTape() as tape:
        tape.watch(z)
        y = complex.real(z) * complex.real(z) + complex.imag(z) * complex.imag(z)
    np.testing.assert_allclose(tape.gradient(y, z).numpy(), 2 * _Z)


def test_the_derivative_of_the_modulus_points_outward() -> None:
    z = constant(_Z)
    with GradientTape() as tape:
        tape.watch(z)
        y = complex.complex_abs_op(z, Tout=np.float64)
    np.testing.assert_allclose(tape.gradient(y, z).numpy(), _Z / np.abs(_Z))


def test_parts_of_different_types_are_refused() -> None:
    with pytest.raises(TypeError, match="both be float32 or both float64"):
        complex.complex(constant([1.0]), constant([1.0], "float64"))


def test_real_tensors_are_their_own_conjugates() -> None:
    x = constant([1.0])
    assert complex.conj(x) is x
    assert complex.real(x) is x
    assert complex.imag(x).numpy().tolist() == [0.0]
