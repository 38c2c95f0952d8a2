"""Fourier transforms against NumPy's."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.core.tape import GradientTape
from penstock.ops.constant import constant
from penstock.ops.signal import fourier as f
from penstock.testing.op_case import OpCase, normal

REAL = normal(2, 3, 4, 6)
COMPLEX = REAL + 1j * normal(2, 3, 4, 6, seed=1)
HALF = np.fft.rfftn(REAL, axes=(1, 2, 3))
LAST = {1: (-1,), 2: (-2, -1), 3: (-3, -2, -1)}
WIDE = {"Tcomplex": np.complex128}
REAL_WIDE = {"Treal": np.float64}

CASES = [
    OpCase(f.fft_op, [COMPLEX], np.fft.fft),
    OpCase(f.ifft_op, [COMPLEX], np.fft.ifft),
    OpCase(f.fft2d_op, [COMPLEX], np.fft.fft2),
    OpCase(f.ifft2d_op, [COMPLEX], np.fft.ifft2),
    OpCase(f.fft3d_op, [COMPLEX], lambda x: np.fft.fftn(x, axes=LAST[3])),
    OpCase(f.ifft3d_op, [COMPLEX], lambda x: np.fft.ifftn(x, axes=LAST[3])),
    OpCase(f.rfft_op, [REAL, [6]], lambda x, n: np.fft.rfft(x), WIDE, gradient=None),
    OpCase(f.rfft_op, [REAL, [5]], lambda x, n: np.fft.rfft(x, 5), WIDE, "odd", None),
    OpCase(f.rfft2d_op, [REAL, [4, 6]], lambda x, n: np.fft.rfft2(x), WIDE, gradient=None),
    OpCase(f.rfft3d_op, [REAL, [3, 4, 6]], lambda x, n: HALF, WIDE, gradient=None),
    OpCase(f.irfft_op, [HALF, [6]], lambda x, n: np.fft.irfft(x, 6), REAL_WIDE),
    OpCase(f.irfft_op, [HALF, [5]], lambda x, n: np.fft.irfft(x, 5), REAL_WIDE, "odd"),
    OpCase(f.irfft2d_op, [HALF, [4, 6]], lambda x, n: np.fft.irfft2(x, (4, 6)), REAL_WIDE),
    OpCase(f.irfft3d_op, [HALF, [3, 4, 6]], REAL, REAL_WIDE, gradient=None),
    OpCase(f.fftnd_op, [COMPLEX, [3, 2], [1, 0]], lambda x, n, a: np.fft.fftn(x, n, a)),
    OpCase(f.ifftnd_op, [COMPLEX, [3, 2], [1, 0]], lambda x, n, a: np.fft.ifftn(x, n, a)),
    OpCase(f.rfftnd_op, [REAL, [3, 2], [1, 0]], lambda x, n, a: np.fft.rfftn(x, n, a), WIDE, gradient=None),
    OpCase(f.irfftnd_op, [COMPLEX, [3, 2], [1, 0]], lambda x, n, a: np.fft.irfftn(x, n, a), REAL_WIDE),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


@pytest.mark.parametrize("size", [5, 6])
@pytest.mark.parametrize("rank", [1, 2])
def test_the_gradient_of_the_power_spectrum_is_the_slope(rank, size):
    transform = {1: f.rfft, 2: f.rfft2d}[rank]
    x = normal(3, size)
    weights = normal(*transform(x).shape.as_list(), seed=2)

    def power(x):
        spectrum = transform(x)
        return spectrum, weights * np.abs(spectrum.numpy()) ** 2

    tensor = constant(x)
    with GradientTape() as tape:
        tape.watch(tensor)
        spectrum = transform(tensor)
    # The gradient of sum(w |z|^2) with respect to z is 2 w z.
    back = tape.gradient(spectrum, tensor, output_gradients=constant(2 * weights * spectrum.numpy())).numpy()
    for place in np.ndindex(*x.shape):
        sides = []
        for sign in (1, -1):
            moved = x.copy()
            moved[place] += sign * 1e-5
            sides.append(power(moved)[1].sum())
        assert back[place] == pytest.approx((sides[0] - sides[1]) / 2e-5, rel=1e-5, abs=1e-6)


def test_functions_fit_the_input_to_the_length():
    np.testing.assert_allclose(f.rfft(REAL, [9]).numpy(), np.fft.rfft(REAL, 9), atol=1e-10)
    np.testing.assert_allclose(f.rfft2d(REAL, [3, 8]).numpy(), np.fft.rfft2(REAL, (3, 8)), atol=1e-10)
    np.testing.assert_allclose(f.irfft(np.fft.rfft(REAL)).numpy(), REAL, atol=1e-10)
    np.testing.assert_allclose(f.irfft3d(f.rfft3d(REAL)).numpy(), REAL, atol=1e-10)
    np.testing.assert_allclose(f.irfft2d(f.rfft2d(REAL)).numpy(), REAL, atol=1e-10)


@pytest.mark.parametrize("norm", [None, "backward", "forward", "ortho"])
def test_norms_are_numpys(norm):
    np.testing.assert_allclose(f.fftnd(COMPLEX, norm=norm).numpy(), np.fft.fftn(COMPLEX, norm=norm), atol=1e-9)
    np.testing.assert_allclose(f.rfftnd(REAL, norm=norm).numpy(), np.fft.rfftn(REAL, norm=norm), atol=1e-9)
    np.testing.assert_allclose(f.ifftnd(f.fftnd(COMPLEX, norm=norm), norm=norm).numpy(), COMPLEX, atol=1e-9)
    np.testing.assert_allclose(f.irfftnd(f.rfftnd(REAL, norm=norm), norm=norm).numpy(), REAL, atol=1e-9)


def test_pairs_undo_each_other():
    for there, back in ((f.fft, f.ifft), (f.fft2d, f.ifft2d), (f.fft3d, f.ifft3d)):
        np.testing.assert_allclose(back(there(COMPLEX)).numpy(), COMPLEX, atol=1e-10)


def test_what_does_not_fit_is_refused():
    with pytest.raises(InvalidArgumentError, match="rank"):
        f.fft3d(COMPLEX[0, 0])
    with pytest.raises(InvalidArgumentError, match="length"):
        f.rfft_op(REAL, [9], Tcomplex=np.complex128)
    with pytest.raises(ValueError, match="real"):
        f.rfft(COMPLEX)
