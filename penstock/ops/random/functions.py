"""The public functions of tf.random, and those that TensorFlow 1 had at the top level."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.convert import convert_to_tensor, eager_vector
from penstock.core.dispatch import runs_at_once
from penstock.core.dtypes import as_dtype
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import name_scope
from penstock.core.inference import partial_value
from penstock.core.op_def import lookup
from penstock.core.shape import Dimension, TensorShape
from penstock.core.tensor import EagerTensor, Tensor
from penstock.ops.random.seeds import seed_attributes
from penstock.ops.random.stateful import (
    multinomial_op,
    random_gamma_op,
    random_poisson_v2_op,
    random_shuffle_op,
    random_standard_normal_op,
    random_uniform_int_op,
    random_uniform_op,
    truncated_normal_op,
)

_ACCEPTED = (dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64)


def shape_tensor(shape: Any) -> Tensor:
    """Return a shape, however given, as a vector of integers; by default int32."""
    if isinstance(shape, Tensor):
        return shape
    if isinstance(shape, TensorShape):
        shape = shape.as_list()
    if type(shape) in (list, tuple) and set(map(type, shape)) <= {int} and not _is_large(shape) and runs_at_once():
        return eager_vector(shape, dtypes.int32)
    if isinstance(shape, (list, tuple)):
        shape = [size.value if isinstance(size, Dimension) else size for size in shape]
        if not any(isinstance(size, Tensor) for size in shape):
            return convert_to_tensor(np.asarray(shape, dtype=np.int64 if _is_large(shape) else np.int32), name="shape")
        found = next(size.dtype for size in shape if isinstance(size, Tensor))
        return convert_to_tensor(shape, found, name="shape")
    return convert_to_tensor(shape, name="shape", preferred_dtype=dtypes.int32)


def _is_large(shape: Any) -> bool:
    return any(abs(size) > 2**31 - 1 for size in shape)


def _add(x: Any, y: Any, scope: str) -> Tensor:
    return lookup("AddV2")(x, y, name=scope or None)  # type: ignore[operator]


def random_normal(
    shape: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Draw from a normal distribution.

    Args:
        shape: the shape of the result, a vector of integers.
        mean: the mean, a number or a tensor that broadcasts to `shape`.
        stddev: the standard deviation, likewise.
        dtype: float16, bfloat16, float32 or float64.
        seed: makes the numbers reproducible, together with the seed set by `set_seed`.
        name: the name of the operation.
    """
    with name_scope(name, "random_normal", [shape, mean, stddev]) as scope:
        shape = shape_tensor(shape)
        mean = convert_to_tensor(mean, dtype, name="mean")
        stddev = convert_to_tensor(stddev, dtype, name="stddev")
        drawn = random_standard_normal_op(shape, dtype=as_dtype(dtype), **seed_attributes(seed))
        return _add(drawn * stddev, mean, scope)


def truncated_normal(
    shape: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Draw from a normal distribution; what is two standard deviations or more from the mean is drawn again.

    Args:
        shape, mean, stddev, dtype, seed, name: see `random_normal`.
    """
    with name_scope(name, "truncated_normal", [shape, mean, stddev]) as scope:
        shape = shape_tensor(shape)
        mean = convert_to_tensor(mean, dtype, name="mean")
        stddev = convert_to_tensor(stddev, dtype, name="stddev")
        drawn = truncated_normal_op(shape, dtype=as_dtype(dtype), **seed_attributes(seed))
        return _add(drawn * stddev, mean, scope)


def random_uniform(
    shape: Any,
    minval: Any = 0,
    maxval: Any = None,
    dtype: Any = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Draw from the uniform distribution on [minval, maxval).

    Args:
        shape: the shape of the result, a vector of integers.
        minval: the lower bound, a number or a tensor that broadcasts to `shape`; a scalar for integers.
        maxval: the upper bound, likewise; by default 1, required for integers.
        dtype: float16, bfloat16, float32, float64, int32 or int64.
        seed: makes the numbers reproducible, together with the seed set by `set_seed`.
        name: the name of the operation.
    Raises:
        ValueError: for another `dtype`, or integers without `maxval`.
    """
    dtype = as_dtype(dtype)
    if dtype not in _ACCEPTED:
        raise ValueError(f"Argument `dtype` got invalid value {dtype!r}. Accepted dtypes are {_ACCEPTED}.")
    if maxval is None:
        if dtype.is_integer:
            raise ValueError(f"Must specify maxval for integer dtype {dtype!r}")
        maxval = 1
    with name_scope(name, "random_uniform", [shape, minval, maxval]) as scope:
        shape = shape_tensor(shape)
        starts_at_zero = type(minval) is int and minval == 0
        is_unit = starts_at_zero and type(maxval) is int and maxval == 1
        if dtype.is_integer or not is_unit:
            minval = convert_to_tensor(minval, dtype, name="min")
            maxval = convert_to_tensor(maxval, dtype, name="max")
        if dtype.is_integer:
            return random_uniform_int_op(shape, minval, maxval, name=scope or None, **seed_attributes(seed))
        drawn = random_uniform_op(shape, dtype=dtype, **seed_attributes(seed))
        if is_unit:
            return drawn
        if starts_at_zero:
            return lookup("Mul")(drawn, maxval)  # type: ignore[operator]
        return _add(drawn * (maxval - minval), minval, scope)


def random_shuffle(value: Any, seed: int | None = None, name: str | None = None) -> Tensor:
    """Permute a tensor along its first axis.

    Args:
        value: a tensor.
        seed: makes the order reproducible, together with the seed set by `set_seed`.
        name: the name of the operation.
    """
    return random_shuffle_op(value, name=name, **seed_attributes(seed))


def random_crop(value: Any, size: Any, seed: int | None = None, name: str | None = None) -> Tensor:
    """Return a slice of a given size at a position drawn uniformly.

    Args:
        value: the tensor to cut from.
        size: the sizes of the slice, one an axis, none larger than that of `value`.
        seed: makes the position reproducible, together with the seed set by `set_seed`.
        name: the name of the operation.
    Raises:
        ValueError: if the slice is known to be larger than `value`.
    """
    with name_scope(name, "random_crop", [value, size]) as scope:
        value = convert_to_tensor(value, name="value")
        size = convert_to_tensor(size, dtypes.int32, name="size")
        shape = lookup("Shape")(value)  # type: ignore[operator]
        limit = shape - size + 1
        _check_crop(value, size)
        drawn = random_uniform(lookup("Shape")(shape), 0, dtypes.int32.max, dtypes.int32, seed)  # type: ignore[operator]
        offset = lookup("FloorMod")(drawn, limit, name="mod")  # type: ignore[operator]
        return lookup("Slice")(value, offset, size, name=scope or None)  # type: ignore[operator]


def _check_crop(value: Tensor, size: Tensor) -> None:
    wanted = partial_value(size)
    if value.dims is None or wanted is None:
        return
    if len(wanted) != len(value.dims):
        raise ValueError(
            f"random_crop needs one size for each axis, got {len(wanted)} sizes for a value of shape {value.shape}"
        )
    for axis, (available, asked) in enumerate(zip(value.dims, wanted, strict=True)):
        if available is not None and asked is not None and asked > available:
            message = f"Need value.shape >= size, got {asked} for axis {axis} of a value of shape {value.shape}"
            raise InvalidArgumentError(None, None, message) if isinstance(value, EagerTensor) else ValueError(message)


def categorical(
    logits: Any, num_samples: Any, dtype: Any = None, seed: int | None = None, name: str | None = None
) -> Tensor:
    """Draw class numbers.

    Args:
        logits: unnormalized log-probabilities, of shape [batch, classes].
        num_samples: the number of draws for each row, a scalar.
        dtype: int64 (the default) or int32.
        seed: makes the numbers reproducible, together with the seed set by `set_seed`.
        name: the name of the operation.
    Returns:
        Integers of shape [batch, num_samples].
    """
    with name_scope(name, "categorical", [logits]):
        return _categorical(logits, num_samples, dtype, seed)


def multinomial(
    logits: Any, num_samples: Any, seed: int | None = None, name: str | None = None, output_dtype: Any = None
) -> Tensor:
    """Draw class numbers; the name that `categorical` has in TensorFlow 1.

    Args:
        logits, num_samples, seed, name: see `categorical`.
        output_dtype: int64 (the default) or int32.
    """
    with name_scope(name, "multinomial", [logits]):
        return _categorical(logits, num_samples, output_dtype, seed)


def _categorical(logits: Any, num_samples: Any, dtype: Any, seed: int | None) -> Tensor:
    logits = convert_to_tensor(logits, name="logits")
    output_dtype = dtypes.int64 if dtype is None else as_dtype(dtype)
    return multinomial_op(logits, num_samples, output_dtype=output_dtype, **seed_attributes(seed))


def random_gamma(
    shape: Any,
    alpha: Any,
    beta: Any = None,
    dtype: Any = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Draw from gamma distributions; gradients flow to `alpha` and `beta`.

    Args:
        shape: how many numbers to draw for each pair of parameters, a vector of integers.
        alpha: the shape parameters, floats.
        beta: the rates (inverse scales), which broadcast with `alpha`; by default 1.
        dtype: float16, float32 or float64.
        seed: makes the numbers reproducible, together with the seed set by `set_seed`.
        name: the name of the operation.
    Returns:
        Numbers of the shape `shape` followed by that of the parameters.
    """
    with name_scope(name, "random_gamma", [shape, alpha, beta]):
        shape = shape_tensor(shape)
        alpha, beta = gamma_parameters(alpha, beta, dtype)
        drawn = random_gamma_op(shape, alpha, **seed_attributes(seed))
        return scaled_gamma(drawn, beta)


def gamma_parameters(alpha: Any, beta: Any, dtype: Any) -> tuple[Tensor, Tensor]:
    """Return the parameters of gamma distributions as tensors, `alpha` broadcast with `beta`."""
    alpha = convert_to_tensor(alpha, dtype, name="alpha")
    beta = convert_to_tensor(1 if beta is None else beta, dtype, name="beta")
    dims = lookup("BroadcastArgs")(lookup("Shape")(alpha), lookup("Shape")(beta))  # type: ignore[operator]
    return lookup("BroadcastTo")(alpha, dims), beta  # type: ignore[operator]


def scaled_gamma(drawn: Tensor, beta: Tensor) -> Tensor:
    """Divide draws by the rate, and keep them above 0."""
    smallest = np.finfo(drawn.dtype.as_numpy_dtype).tiny
    return lookup("Maximum")(smallest, drawn / beta)  # type: ignore[operator]


def random_poisson(
    shape: Any, lam: Any, dtype: Any = dtypes.float32, seed: int | None = None, name: str | None = None
) -> Tensor:
    """Draw from Poisson distributions.

    Args:
        shape: how many numbers to draw for each mean, a vector of integers.
        lam: the means.
        dtype: float16, float32, float64, int32 or int64.
        seed: makes the numbers reproducible, together with the seed set by `set_seed`.
        name: the name of the operation.
    Returns:
        Numbers of the shape `shape` followed by that of `lam`.
    """
    with name_scope(name, "random_poisson", [lam, shape]):
        return random_poisson_v2_op(shape_tensor(shape), lam, dtype=as_dtype(dtype), **seed_attributes(seed))


def random_poisson_v1(
    lam: Any, shape: Any, dtype: Any = dtypes.float32, seed: int | None = None, name: str | None = None
) -> Tensor:
    """Draw from Poisson distributions, with the order of arguments of TensorFlow 1.

    Args:
        lam, shape, dtype, seed, name: see `random_poisson`.
    """
    return random_poisson(shape, lam, dtype, seed, name)
