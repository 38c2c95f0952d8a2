"""NumPy's random functions, which draw from TensorFlow's generators: `tf.experimental.numpy.random`."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core.dtypes import float64, int32, int64
from penstock.core.tensor import Tensor
from penstock.numpy_api.conversion import to_tensor
from penstock.numpy_api.dtypes import tensor_dtype
from penstock.ops.array import shaping
from penstock.ops.math.cast import cast
from penstock.ops.random import functions, seeds


def seed(s: Any) -> None:
    """Seed the generators of the program, as `tf.random.set_seed`.

    Args:
        s: an integer.
    """
    seeds.set_seed(int(np.asarray(s)))


def _shape(size: Any) -> Any:
    return [size] if isinstance(size, (int, np.integer)) else size


def uniform(low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Tensor:
    """Draw from the uniform distribution on [low, high).

    Args:
        low, high: the bounds, numbers or arrays that broadcast to `size`.
        size: the shape of the result; by default that of the bounds together.
    Returns:
        An array of float64.
    """
    lower, upper = to_tensor(low, float64), to_tensor(high, float64)
    if size is None:
        static = shaping.broadcast_static_shape(lower.shape, upper.shape)
        size = (
            static.as_list()
            if static.is_fully_defined()
            else shaping.broadcast_dynamic_shape(shaping.shape(lower), shaping.shape(upper))
        )
    return functions.random_uniform(_shape(size), lower, upper, dtype=float64)


def random(size: Any = None) -> Tensor:
    """Draw float64 from the uniform distribution on [0, 1); `size` is the shape, () by default."""
    return uniform(0.0, 1.0, size)


def rand(*size: Any) -> Tensor:
    """Draw float64 from the uniform distribution on [0, 1); the arguments are the sizes of the result."""
    return uniform(0.0, 1.0, size)


def standard_normal(size: Any = None) -> Tensor:
    """Draw float64 from the standard normal distribution; `size` is the shape, () by default."""
    return functions.random_normal([] if size is None else _shape(size), dtype=float64)


def randn(*args: Any) -> Tensor:
    """Draw float64 from the standard normal distribution; the arguments are the sizes of the result."""
    return standard_normal(args)


def poisson(lam: Any = 1.0, size: Any = None) -> Tensor:
    """Draw from Poisson distributions.

    Args:
        lam: the means, a number or an array.
        size: the shape of the result, in front of that of `lam`; by default that of `lam`.
    Returns:
        An array of int64.
    """
    return functions.random_poisson([] if size is None else _shape(size), to_tensor(lam), dtype=int64)


def randint(low: Any, high: Any = None, size: Any = None, dtype: Any = np.int64) -> Tensor:
    """Draw integers from [low, high), or with one bound from [0, low).

    Args:
        low, high: the bounds.
        size: the shape of the result, () by default.
        dtype: an integer type.
    Raises:
        ValueError: if `dtype` is no integer type.
    """
    wanted = tensor_dtype(dtype)
    if not wanted.is_integer:
        raise ValueError(f"randint draws integers, got dtype={wanted.name}")
    lower, upper = (0, low) if high is None else (low, high)
    drawn = wanted if wanted in (int32, int64) else int64
    bounds = to_tensor(lower, drawn), to_tensor(upper, drawn)
    return cast(functions.random_uniform([] if size is None else _shape(size), *bounds, dtype=drawn), wanted)
