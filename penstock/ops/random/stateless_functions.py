"""The functions of tf.random whose numbers are a function of their seed argument."""

from __future__ import annotations

import enum
from typing import Any

from penstock.core import dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import as_dtype
from penstock.core.graph import name_scope
from penstock.core.op_def import lookup
from penstock.core.tensor import Tensor
from penstock.ops.random.functions import gamma_parameters, scaled_gamma, shape_tensor
from penstock.ops.random.stateless import (
    AUTO_SELECT,
    PHILOX,
    THREEFRY,
    stateless_multinomial_op,
    stateless_parameterized_truncated_normal_op,
    stateless_random_binomial_op,
    stateless_random_gamma_v3_op,
    stateless_random_get_key_counter_op,
    stateless_random_normal_v2_op,
    stateless_random_poisson_op,
    stateless_random_uniform_full_int_v2_op,
    stateless_random_uniform_int_v2_op,
    stateless_random_uniform_v2_op,
    stateless_shuffle_op,
    stateless_truncated_normal_v2_op,
)


class Algorithm(enum.Enum):
    """The algorithms that draw random bits."""

    PHILOX = PHILOX
    THREEFRY = THREEFRY
    AUTO_SELECT = AUTO_SELECT


_NAMES = {"philox": PHILOX, "threefry": THREEFRY, "auto_select": AUTO_SELECT}


def algorithm_number(alg: Any) -> Any:
    """Return the number of an algorithm given as such, as an `Algorithm` or as its name.

    Raises:
        ValueError: if there is none of that name.
    """
    if isinstance(alg, Algorithm):
        return alg.value
    if isinstance(alg, str):
        if alg not in _NAMES:
            raise ValueError(f"Unsupported algorithm id: {alg!r}; expected one of {', '.join(map(repr, _NAMES))}")
        return _NAMES[alg]
    return alg


def _key_counter_alg(seed: Any, alg: Any) -> tuple[Tensor, Tensor, Any]:
    number = algorithm_number(alg)
    key, counter = stateless_random_get_key_counter_op(seed)
    return key, counter, number


def _scaled(drawn: Tensor, stddev: Tensor, mean: Tensor, scope: str) -> Tensor:
    return lookup("AddV2")(drawn * stddev, mean, name=scope or None)  # type: ignore[operator]


def stateless_uniform(
    shape: Any,
    seed: Any,
    minval: Any = 0,
    maxval: Any = None,
    dtype: Any = dtypes.float32,
    name: str | None = None,
    alg: Any = "auto_select",
) -> Tensor:
    """Draw from the uniform distribution on [minval, maxval), the same numbers for the same seed.

    Args:
        shape: the shape of the result, a vector of integers.
        seed: two integers.
        minval: the lower bound; None, with `maxval` None, for integers of any value.
        maxval: the upper bound; by default 1 for floats, required for integers.
        dtype: a floating type, int32, int64, uint32 or uint64.
        name: the name of the operation.
        alg: 'philox', 'auto_select', or their numbers 1 and 3.
    Raises:
        ValueError: for another `dtype`, or integers with one bound only.
    """
    dtype = as_dtype(dtype)
    accepted = (
        *sorted(dtypes.FLOATING, key=lambda t: t.name),
        dtypes.int32,
        dtypes.int64,
        dtypes.uint32,
        dtypes.uint64,
    )
    if dtype not in accepted:
        raise ValueError(f"Argument `dtype` got invalid value {dtype!r}. Accepted dtypes are {accepted}.")
    if dtype.is_integer:
        if (minval is None) != (maxval is None):
            raise ValueError(
                f"For integer `dtype` argument {dtype!r}, argument `minval` and `maxval` must be both None or not None."
            )
        if minval is not None and dtype.is_unsigned:
            raise ValueError(
                f"Argument `dtype` got invalid value {dtype!r}: unsigned integers have no bounds; "
                "pass minval=None, maxval=None."
            )
    elif maxval is None:
        maxval = 1
    with name_scope(name, "stateless_random_uniform", [shape, seed, minval, maxval]) as scope:
        shape = shape_tensor(shape)
        if dtype.is_integer and minval is None:
            key, counter, number = _key_counter_alg(seed, alg)
            return stateless_random_uniform_full_int_v2_op(shape, key, counter, number, dtype=dtype, name=scope or None)
        minval = convert_to_tensor(minval, dtype, name="min")
        maxval = convert_to_tensor(maxval, dtype, name="max")
        key, counter, number = _key_counter_alg(seed, alg)
        if dtype.is_integer:
            return stateless_random_uniform_int_v2_op(shape, key, counter, number, minval, maxval, name=scope or None)
        drawn = stateless_random_uniform_v2_op(shape, key, counter, number, dtype=dtype)
        return _scaled(drawn, maxval - minval, minval, scope)


def stateless_normal(
    shape: Any,
    seed: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dtypes.float32,
    name: str | None = None,
    alg: Any = "auto_select",
) -> Tensor:
    """Draw from a normal distribution, the same numbers for the same seed.

    Args:
        shape: the shape of the result, a vector of integers.
        seed: two integers.
        mean: the mean, a number or a tensor that broadcasts to `shape`.
        stddev: the standard deviation, likewise.
        dtype: a floating type.
        name: the name of the operation.
        alg: 'philox', 'auto_select', or their numbers 1 and 3.
    """
    with name_scope(name, "stateless_random_normal", [shape, seed, mean, stddev]) as scope:
        shape = shape_tensor(shape)
        mean = convert_to_tensor(mean, dtype, name="mean")
        stddev = convert_to_tensor(stddev, dtype, name="stddev")
        key, counter, number = _key_counter_alg(seed, alg)
        return _scaled(
            stateless_random_normal_v2_op(shape, key, counter, number, dtype=as_dtype(dtype)), stddev, mean, scope
        )


def stateless_truncated_normal(
    shape: Any,
    seed: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dtypes.float32,
    name: str | None = None,
    alg: Any = "auto_select",
) -> Tensor:
    """Draw from a normal distribution cut off two standard deviations from the mean, the same for the same seed.

    Args:
        shape, seed, mean, stddev, dtype, name, alg: see `stateless_normal`.
    """
    with name_scope(name, "stateless_truncated_normal", [shape, seed, mean, stddev]) as scope:
        shape = shape_tensor(shape)
        mean = convert_to_tensor(mean, dtype, name="mean")
        stddev = convert_to_tensor(stddev, dtype, name="stddev")
        key, counter, number = _key_counter_alg(seed, alg)
        return _scaled(
            stateless_truncated_normal_v2_op(shape, key, counter, number, dtype=as_dtype(dtype)), stddev, mean, scope
        )


def stateless_categorical(
    logits: Any, num_samples: Any, seed: Any, dtype: Any = dtypes.int64, name: str | None = None
) -> Tensor:
    """Draw class numbers, the same for the same seed.

    Args:
        logits: unnormalized log-probabilities, of shape [batch, classes].
        num_samples: the number of draws for each row, a scalar.
        seed: two integers.
        dtype: int64 or int32.
        name: the name of the operation.
    Returns:
        Integers of shape [batch, num_samples].
    """
    with name_scope(name, "stateless_categorical", [logits, seed]):
        return _stateless_categorical(logits, num_samples, seed, dtype)


def stateless_multinomial(
    logits: Any, num_samples: Any, seed: Any, output_dtype: Any = dtypes.int64, name: str | None = None
) -> Tensor:
    """Draw class numbers, the same for the same seed; the name that `stateless_categorical` has in TensorFlow 1.

    Args:
        logits, num_samples, seed, name: see `stateless_categorical`.
        output_dtype: int64 or int32.
    """
    with name_scope(name, "stateless_multinomial", [logits, seed]):
        return _stateless_categorical(logits, num_samples, seed, output_dtype)


def _stateless_categorical(logits: Any, num_samples: Any, seed: Any, dtype: Any) -> Tensor:
    logits = convert_to_tensor(logits, name="logits")
    output_dtype = dtypes.int64 if dtype is None else as_dtype(dtype)
    return stateless_multinomial_op(logits, num_samples, seed, output_dtype=output_dtype)


def stateless_binomial(
    shape: Any, seed: Any, counts: Any, probs: Any, output_dtype: Any = dtypes.int32, name: str | None = None
) -> Tensor:
    """Draw from binomial distributions, the same numbers for the same seed.

    Args:
        shape: the shape of the result; its last axes are those of the parameters, broadcast together.
        seed: two integers.
        counts: the numbers of trials.
        probs: the probabilities of success.
        output_dtype: float16, float32, float64, int32 or int64.
        name: the name of the operation.
    """
    with name_scope(name, "stateless_random_binomial", [shape, seed, counts, probs]):
        shape = shape_tensor(shape)
        probs = convert_to_tensor(probs, preferred_dtype=dtypes.float32, name="probs")
        counts = convert_to_tensor(counts, probs.dtype, name="counts")
        return stateless_random_binomial_op(shape, seed, counts, probs, dtype=as_dtype(output_dtype))


def stateless_gamma(
    shape: Any, seed: Any, alpha: Any, beta: Any = None, dtype: Any = dtypes.float32, name: str | None = None
) -> Tensor:
    """Draw from gamma distributions, the same numbers for the same seed; gradients flow to `alpha` and `beta`.

    Args:
        shape: the shape of the result; its last axes are those of the parameters.
        seed: two integers.
        alpha: the shape parameters.
        beta: the rates (inverse scales), which broadcast with `alpha`; by default 1.
        dtype: float16, float32 or float64.
        name: the name of the operation.
    """
    with name_scope(name, "stateless_random_gamma", [shape, seed, alpha, beta]):
        shape = shape_tensor(shape)
        alpha, beta = gamma_parameters(alpha, beta, dtype)
        key, counter, number = _key_counter_alg(seed, "auto_select")
        return scaled_gamma(stateless_random_gamma_v3_op(shape, key, counter, number, alpha), beta)


def stateless_poisson(shape: Any, seed: Any, lam: Any, dtype: Any = dtypes.int32, name: str | None = None) -> Tensor:
    """Draw from Poisson distributions, the same numbers for the same seed.

    Args:
        shape: the shape of the result; its last axes are those of `lam`.
        seed: two integers.
        lam: the means.
        dtype: float16, float32, float64, int32 or int64.
        name: the name of the operation.
    """
    with name_scope(name, "stateless_random_poisson", [shape, seed, lam]):
        return stateless_random_poisson_op(shape_tensor(shape), seed, lam, dtype=as_dtype(dtype))


def stateless_parameterized_truncated_normal(
    shape: Any,
    seed: Any,
    means: Any = 0.0,
    stddevs: Any = 1.0,
    minvals: Any = -2.0,
    maxvals: Any = 2.0,
    name: str | None = None,
) -> Tensor:
    """Draw from normal distributions cut off at `minvals` and `maxvals`, the same numbers for the same seed.

    Args:
        shape: the shape of the result; its last axes are those of the parameters, broadcast together.
        seed: two integers.
        means, stddevs: mean and standard deviation before cutting.
        minvals, maxvals: the bounds.
        name: the name of the operation.
    """
    with name_scope(name, "stateless_parameterized_truncated_normal", [shape, seed, means, stddevs, minvals, maxvals]):
        shape = shape_tensor(shape)
        typed = [value.dtype for value in (means, stddevs, minvals, maxvals) if hasattr(value, "dtype")]
        means = convert_to_tensor(means, typed[0] if typed else dtypes.float32, name="means")
        stddevs = convert_to_tensor(stddevs, means.dtype, name="stddevs")
        minvals = convert_to_tensor(minvals, means.dtype, name="minvals")
        maxvals = convert_to_tensor(maxvals, means.dtype, name="maxvals")
        return stateless_parameterized_truncated_normal_op(shape, seed, means, stddevs, minvals, maxvals)


def stateless_shuffle(value: Any, seed: Any, alg: Any = "auto_select", name: str | None = None) -> Tensor:
    """Permute a tensor along its first axis, in the same order for the same seed.

    Args:
        value: a tensor.
        seed: two integers.
        alg: 'philox', 'auto_select', or their numbers 1 and 3.
        name: the name of the operation.
    """
    with name_scope(name, "stateless_shuffle", [value, seed]):
        key, counter, number = _key_counter_alg(seed, alg)
        return stateless_shuffle_op(value, key, counter, number)


def split(seed: Any, num: int = 2, alg: Any = "auto_select") -> Tensor:
    """Derive several independent seeds from one.

    Args:
        seed: two integers, int32 or int64.
        num: how many.
        alg: 'philox', 'auto_select', or their numbers 1 and 3.
    Returns:
        Seeds of the same type, of shape [num, 2].
    """
    seed = convert_to_tensor(seed)
    return stateless_uniform([num, 2], seed, None, None, seed.dtype, alg=alg)


def fold_in(seed: Any, data: Any, alg: Any = "auto_select") -> Tensor:
    """Derive a seed from another one and a number, such as that of a step or a replica.

    Args:
        seed: two integers.
        data: a scalar integer, int32 or int64.
        alg: 'philox', 'auto_select', or their numbers 1 and 3.
    Returns:
        Two integers of the type of `data`.
    """
    data = convert_to_tensor(data)
    first = stateless_uniform([], seed, None, None, data.dtype, alg=alg)
    return lookup("Pack")([first, data])  # type: ignore[operator]
