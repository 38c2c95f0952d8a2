"""What the tests of NumPy's functions share: expressions that must mean the same with NumPy and with tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import penstock as tf
from penstock.numpy_api.behavior import disable_numpy_behavior

tnp = tf.experimental.numpy

ARRAYS = {
    "v": np.array([1.0, -2.0, 0.5, 3.0]),
    "w": np.array([2.0, 0.25, -1.0, 4.0]),
    "u": np.array([0.1, 0.9, 0.5, 0.3]),
    "i": np.array([3, 0, -7, 5], np.int64),
    "j": np.array([2, 1, 3, -2], np.int64),
    "h": np.array([3, 0, -7, 5], np.int32),
    "b": np.array([True, False, True, True]),
    "c": np.array([1 + 2j, -1j, 3.0, 0.5 - 1j]),
    "f": np.array([1.0, -2.0, 0.5, 3.0], np.float32),
    "m": np.arange(12.0).reshape(3, 4),
    "t": (np.arange(24) * 7 % 23).reshape(2, 3, 4).astype(np.float64),
}


def _plain(result: Any) -> Any:
    if isinstance(result, (list, tuple)):
        return [_plain(item) for item in result]
    return np.asarray(result)


def check_equal(actual: Any, expected: Any, text: str) -> None:
    """Compare results, or sequences of them, in type, shape and value."""
    if isinstance(expected, list):
        assert isinstance(actual, list) and len(actual) == len(expected), text
        for one, other in zip(actual, expected, strict=True):
            check_equal(one, other, text)
        return
    assert actual.dtype == expected.dtype, f"{text}: {actual.dtype}, NumPy {expected.dtype}"
    assert actual.shape == expected.shape, f"{text}: {actual.shape}, NumPy {expected.shape}"
    tolerance = 1e-5 if expected.dtype in (np.float32, np.complex64) else 1e-9
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance, err_msg=text)


@pytest.fixture
def agree() -> Callable[[str], None]:
    """Evaluate an expression with NumPy, with tensors eagerly and in a function, and compare."""

    def check(text: str) -> None:
        code = compile(text, "<expression>", "eval")
        with np.errstate(all="ignore"):
            expected = _plain(eval(code, {"n": np, "np": np, **ARRAYS}))
        tensors = {name: tf.constant(value) for name, value in ARRAYS.items()}
        check_equal(_plain(eval(code, {"n": tnp, "np": np, **tensors})), expected, text)

        @tf.function(autograph=False)
        def traced(tensors: Any) -> Any:
            return eval(code, {"n": tnp, "np": np, **tensors})

        check_equal(_plain(traced(tensors)), expected, f"in a function: {text}")

    return check


@pytest.fixture
def numpy_behavior() -> Iterator[Callable[..., None]]:
    """Give tensors NumPy's behaviour for one test; calling it chooses options."""
    tnp.experimental_enable_numpy_behavior()
    yield tnp.experimental_enable_numpy_behavior
    disable_numpy_behavior()
