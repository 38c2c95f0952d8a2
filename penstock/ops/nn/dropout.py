"""Dropout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import DType
from penstock.core.graph import op_scope
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred, sizes
from penstock.ops.random.seeds import seed_attributes

_cast_op = deferred("Cast")
_greater_equal_op = deferred("GreaterEqual")
_select_op = deferred("SelectV2")
_random_uniform_op = deferred("RandomUniform")


def _noise_shape(x: Tensor, noise_shape: Any) -> Any:
    if noise_shape is None:
        return sizes(x)
    if isinstance(noise_shape, (list, tuple)) and x.dims is not None and len(noise_shape) == len(x.dims):
        merged = [x.dims[axis] if size is None else size for axis, size in enumerate(noise_shape)]
        if None not in merged:
            return merged
    return noise_shape


def dropout(x: Any, rate: Any, noise_shape: Any = None, seed: Any = None, name: str | None = None) -> Tensor:
    """Set elements to 0 at random, and scale the others so that the expectation stays the same.

    Args:
        x: floating numbers.
        rate: the probability that an element becomes 0, in [0, 1): a Python number, or a scalar tensor.
        noise_shape: the shape of the decisions, int32, which broadcasts to that of `x`; None decides for each element.
        seed: the seed of the decisions.
        name: the name of the scope.
    Raises:
        ValueError: if `x` is not floating, or `rate` is out of range.
    Source: Srivastava et al. 2014, "Dropout: A Simple Way to Prevent Neural Networks from Overfitting".
    """

    def draw(shape: Any, dtype: DType) -> Tensor:
        return _random_uniform_op(shape, dtype=dtype, name="random_uniform", **seed_attributes(seed))

    return _dropout(x, rate, draw, noise_shape, name, "dropout")


def general_dropout(
    x: Any, rate: Any, uniform_sampler: Callable[..., Tensor], noise_shape: Any = None, name: str | None = None
) -> Tensor:
    """Return `dropout` with decisions drawn by a function of the caller.

    Args:
        x, rate, noise_shape, name: see `dropout`.
        uniform_sampler: `(shape, dtype) -> numbers uniform in [0, 1)`.
    """

    def draw(shape: Any, dtype: DType) -> Tensor:
        return uniform_sampler(shape=shape, dtype=dtype)

    return _dropout(x, rate, draw, noise_shape, name, "dropout")


_ALGORITHMS = {"philox": 1, "threefry": 2, "auto_select": 3}


def stateless_dropout(
    x: Any, rate: Any, seed: Any, rng_alg: Any = None, noise_shape: Any = None, name: str | None = None
) -> Tensor:
    """Return `dropout` with decisions that depend on `seed` alone.

    Args:
        x, rate, noise_shape, name: see `dropout`.
        seed: two integers.
        rng_alg: 'philox' or 'auto_select', the default.
    Raises:
        ValueError: for another algorithm.
    """
    if rng_alg is not None and rng_alg not in _ALGORITHMS:
        raise ValueError(f"`rng_alg` must be one of {sorted(_ALGORITHMS)}, got {rng_alg!r}")

    def draw(shape: Any, dtype: DType) -> Tensor:
        key, counter = deferred("StatelessRandomGetKeyCounter")(seed)
        return deferred("StatelessRandomUniformV2")(
            shape, key, counter, _ALGORITHMS[rng_alg or "auto_select"], dtype=dtype
        )

    return _dropout(x, rate, draw, noise_shape, name, "stateless_dropout")


def _dropout(
    x: Any, rate: Any, draw: Callable[[Any, DType], Tensor], noise_shape: Any, name: str | None, default_name: str
) -> Tensor:
    with op_scope(name, default_name, [x]):
        tensor = convert_to_tensor(x, name="x")
        dtype = tensor.dtype.base_dtype
        if not dtype.is_floating:
            raise ValueError(
                f"`x.dtype` must be a floating point dtype as `x` will be scaled, got {dtype.name}; use tf.cast"
            )
        if isinstance(rate, (int, float)) and not isinstance(rate, bool):
            if not 0 <= rate < 1:
                raise ValueError(
                    f"`rate` must be a scalar tensor or a float in the range [0, 1). Received: rate={rate}"
                )
            if rate == 0:
                return deferred("Identity")(tensor)
            kept = tensor * convert_to_tensor(1.0 / (1.0 - rate), dtype)
            threshold = convert_to_tensor(rate, dtype)
        else:
            threshold = convert_to_tensor(rate)
            if threshold.dims not in (None, ()):
                raise ValueError(
                    f"`rate` must be a scalar tensor or a float in the range [0, 1), got shape {threshold.shape}"
                )
            if threshold.dtype.base_dtype != dtype:
                threshold = _cast_op(threshold, DstT=dtype)
            kept = tensor / (1.0 - threshold)
        random = draw(_noise_shape(tensor, noise_shape), dtype)
        result = _select_op(_greater_equal_op(random, threshold), kept, convert_to_tensor(0.0, dtype))
        result.set_shape(tensor.shape)
        return result


def dropout_v1(
    x: Any,
    keep_prob: Any = None,
    noise_shape: Any = None,
    seed: Any = None,
    name: str | None = None,
    rate: Any = None,
) -> Tensor:
    """Return `dropout(x, rate, noise_shape, seed, name)`, where `rate` may be given as 1 - `keep_prob`.

    Raises:
        ValueError: if neither or both of `keep_prob` and `rate` are given, or out of range.
    """
    if keep_prob is not None and rate is not None:
        raise ValueError("Only one of keep_prob or rate may be specified")
    if keep_prob is None and rate is None:
        raise ValueError("`rate` must be provided: the probability that an element is dropped")
    if rate is None:
        if isinstance(keep_prob, (int, float)) and not 0 < keep_prob <= 1:
            raise ValueError(
                f"`keep_prob` must be a number in (0, 1] or a scalar tensor. Received: keep_prob={keep_prob}"
            )
        rate = 1 - keep_prob
    return dropout(x, rate, noise_shape, seed, name)
