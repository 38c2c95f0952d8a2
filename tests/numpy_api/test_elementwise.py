"""Arithmetic and functions, element by element."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import penstock as tf

tnp = tf.experimental.numpy


def expressions(table: str) -> list[str]:
    """Return the expressions of a table, which semicolons and ends of lines part."""
    return [text.strip() for text in table.replace("\n", ";").split(";") if text.strip()]


UNARY = "sin cos tan sinh cosh tanh arctan arcsinh exp exp2 expm1 deg2rad rad2deg cbrt floor ceil fix sinc".split()
ON_UNIT_INTERVAL = "arcsin arccos arctanh sqrt log log2 log10 log1p".split()
BINARY = """add subtract multiply divide true_divide floor_divide mod remainder maximum minimum arctan2 hypot heaviside
    logaddexp logaddexp2""".split()


@pytest.mark.parametrize("name", UNARY)
def test_functions_of_one_array(name: str, agree: Callable[[str], None]) -> None:
    agree(f"n.{name}(v)")
    agree(f"n.{name}(f)")
    if name not in ("floor", "ceil", "fix"):  # NumPy 2 keeps integers there
        agree(f"n.{name}(j)")


@pytest.mark.parametrize("name", ON_UNIT_INTERVAL)
def test_functions_of_numbers_between_0_and_1(name: str, agree: Callable[[str], None]) -> None:
    agree(f"n.{name}(u)")


@pytest.mark.parametrize("name", BINARY)
def test_functions_of_two_arrays(name: str, agree: Callable[[str], None]) -> None:
    for operands in ("v, w", "v, j", "j, 2.5", "m, v", "3, w", "f, 2"):
        agree(f"n.{name}({operands})")


@pytest.mark.parametrize(
    "text",
    expressions("""
        n.abs(c); n.absolute(i); n.abs(b); n.fabs(v); n.negative(i); n.square(c); n.reciprocal(w); n.sign(i)
        n.sign(v); n.signbit(v); n.signbit(b); n.around(m / 7, 2); n.round(v); n.around(c, 0); n.around(h)
        n.around(i * 13, -1); n.real(c); n.real(v); n.imag(c); n.imag(v); n.conj(c); n.conjugate(v); n.angle(c)
        n.angle(c, deg=True); n.angle(c); n.arccosh(n.abs(v) + 1); n.add(b, b); n.multiply(b, b); n.maximum(b, b)
        n.minimum(b, False); n.add(i, h); n.add(h, 1); n.add(h, 1.5); n.add(f, 1.5); n.add(f, v); n.add(c, f)
        n.add(f, 1j); n.subtract(i, [1.5, 2, 3, 4]); n.floor_divide(i, j); n.mod(i, j); n.divmod(i, j)
        n.divmod(v, 0.75); n.power(j, 2); n.power(v, 2); n.power(w, i); n.divide(i, j); n.bitwise_and(i, j)
        n.bitwise_or(i, 4); n.bitwise_xor(h, h); n.bitwise_and(b, True); n.bitwise_not(i); n.bitwise_not(b)
        n.gcd(i, j); n.lcm(i, j); n.gcd(12, [18, 0, 7]); n.lcm(h, 4); n.nextafter(v, w); n.clip(v, -1, 2)
        n.clip(i, None, 3); n.clip(i, 0.5, None); n.polyval([1, 2, 3], v); n.polyval([1.5], 2)
        n.sinc([0.0, 0.5, 1.0]); n.logaddexp(-n.inf, v); n.isscalar(3); n.isscalar([3]); n.iscomplexobj(c)
        n.isrealobj(c)
    """),
)
def test_values_are_those_of_numpy(text: str, agree: Callable[[str], None]) -> None:
    agree(text)


def test_quotients_of_short_integers_are_float32() -> None:
    assert tnp.divide(tnp.ones(1, "int8"), tnp.ones(1, "int8")).dtype == tf.float32
    assert tnp.divide(tnp.ones(1, "uint16"), 2).dtype == tf.float32
    assert tnp.divide(True, True).dtype == tf.float64


def test_gradients_flow_through_the_functions() -> None:
    x = tf.constant([0.0, 0.5], tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tnp.sum(tnp.sinc(x) + tnp.hypot(x, 2.0) + tnp.logaddexp(x, 1) + tnp.clip(x, None, 0.25))
    h = 1e-6

    def value(x: np.ndarray) -> np.ndarray:
        return np.sinc(x) + np.hypot(x, 2.0) + np.logaddexp(x, 1) + np.clip(x, None, 0.25)

    points = np.array([0.0, 0.5])
    np.testing.assert_allclose(tape.gradient(y, x), (value(points + h) - value(points - h)) / (2 * h), atol=1e-6)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: tnp.subtract(True, True), TypeError),
        (lambda: tnp.negative(True), TypeError),
        (lambda: tnp.sign(1, out=2), ValueError),
        (lambda: tnp.gcd(1.5, 2), ValueError),
        (lambda: tnp.clip(1, None, None), ValueError),
        (lambda: tnp.add([1, 2], [1, 2, 3]), tf.errors.InvalidArgumentError),
    ],
)
def test_wrong_arguments_are_refused(call: Callable[[], object], error: type[Exception]) -> None:
    with pytest.raises(error):
        call()


def test_polynomials_take_coefficients_along_the_first_axis():
    p = np.array([[1, -2, 3], [4, 5, -6]])
    assert tnp.polyval(p, p).numpy().tolist() == np.polyval(p, p).tolist()
    assert tnp.polyval(p, [2]).numpy().tolist() == [6, 1, 0]


def test_angles_of_real_numbers_are_float32():
    result = tnp.angle(np.array([1.5, -2.0]))
    assert result.dtype.name == "float32" and result.numpy().tolist() == [0, np.float32(np.pi)]
