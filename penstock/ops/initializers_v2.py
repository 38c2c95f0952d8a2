"""TensorFlow 2's initializers: each call gives the type of the values, and a seed makes all calls give the same."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.dtypes import as_dtype
from penstock.core.op_def import lookup
from penstock.core.tensor import Tensor
from penstock.ops.constant import constant
from penstock.ops.initializers_v1 import (
    TRUNCATED_DEVIATION,
    check_scaling,
    expect_matrix,
    fans,
    filled,
    full_dims,
    orthogonal_matrix,
    require_floating,
)
from penstock.ops.random.functions import random_normal, random_uniform, truncated_normal
from penstock.ops.random.stateless_functions import stateless_normal, stateless_truncated_normal, stateless_uniform

_PARTITION = ("partition_shape", "partition_offset")


class Initializer:
    """What gives a variable its first value. Subclasses implement `__call__` and, to be saved, `get_config`."""

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        """Return a value.

        Args:
            shape: the shape of the value, fully known.
            dtype: the type of the value.
            **kwargs: `partition_shape` and `partition_offset`, where the value is a part of one of this `shape`.
        """
        raise NotImplementedError(f"{type(self).__name__} does not implement __call__(shape, dtype, **kwargs)")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor, in forms that JSON knows."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Initializer:
        """Return an initializer with the arguments that `get_config` gave."""
        config = dict(config)
        config.pop("dtype", None)
        return cls(**config)

    def _part(self, shape: Any, kwargs: dict[str, Any], partitioned: bool = True) -> Any:
        for name in kwargs:
            if name not in _PARTITION:
                raise TypeError(f"Keyword argument should be one of {list(_PARTITION)}. Received: {name}")
        if kwargs and not partitioned:
            raise ValueError(f"{type(self).__name__} initializer doesn't support partition-related arguments.")
        return kwargs["partition_shape"] if kwargs.get("partition_shape") is not None else shape


class Zeros(Initializer):
    """Zeros."""

    def __call__(self, shape: Any, dtype: Any = dtypes.float32, **kwargs: Any) -> Tensor:
        """Return zeros; see `Initializer`.

        Raises:
            ValueError: if `dtype` is neither numeric nor bool.
        """
        return _filled(self._part(shape, kwargs), 0, dtype, "zeros")


class Ones(Initializer):
    """Ones."""

    def __call__(self, shape: Any, dtype: Any = dtypes.float32, **kwargs: Any) -> Tensor:
        """Return ones; see `Initializer`.

        Raises:
            ValueError: if `dtype` is neither numeric nor bool.
        """
        return _filled(self._part(shape, kwargs), 1, dtype, "ones")


def _filled(shape: Any, value: int, dtype: Any, name: str) -> Tensor:
    dtype = as_dtype(dtype)
    if not dtype.is_numpy_compatible or dtype is dtypes.string:
        raise ValueError(f"Argument `dtype` expected to be numeric or boolean. Received {dtype!r}.")
    return filled(shape, value, dtype, name)


class Constant(Initializer):
    """Given values: one for all elements, or as many as the shape holds.

    Args:
        value: a number, or a nested list or NumPy array of numbers.
        support_partition: whether parts of a partitioned variable may be asked for.
    """

    def __init__(self, value: Any = 0, support_partition: bool = False) -> None:
        if not (np.isscalar(value) or isinstance(value, (list, tuple, np.ndarray))):
            raise TypeError(
                f"Invalid type for initial value: {type(value).__name__}. "
                "Expected Python scalar, list or tuple of values, or numpy.ndarray."
            )
        self.value = value
        self.support_partition = support_partition

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        """Return the values, of their own type by default; see `Initializer`.

        Raises:
            TypeError: if the number of values does not fit the shape.
        """
        part = self._part(shape, kwargs, self.support_partition)
        if kwargs.get("partition_shape") is not None and not np.isscalar(self.value):
            whole = np.asarray(self.value).reshape(full_dims(shape))
            offset = kwargs.get("partition_offset") or [0] * whole.ndim
            region = tuple(slice(start, start + size) for start, size in zip(offset, part, strict=True))
            return constant(whole[region], None if dtype is None else as_dtype(dtype))
        return constant(self.value, None if dtype is None else as_dtype(dtype), shape=part)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"value": self.value}


class RandomUniform(Initializer):
    """Values drawn from the uniform distribution on [minval, maxval).

    Args:
        minval, maxval: the bounds.
        seed: makes all calls give the same values.
    """

    def __init__(self, minval: Any = -0.05, maxval: Any = 0.05, seed: int | None = None) -> None:
        self.minval = minval
        self.maxval = maxval
        self.seed = seed

    def __call__(self, shape: Any, dtype: Any = dtypes.float32, **kwargs: Any) -> Tensor:
        """Return values of a floating or integer type; see `Initializer`.

        Raises:
            ValueError: if `dtype` is another.
        """
        dtype = as_dtype(dtype)
        if not (dtype.is_floating or dtype.is_integer):
            raise ValueError(
                f"Argument `dtype` expected to be numeric or boolean. Received {dtype!r}. "
                "Expected float or integer dtype."
            )
        return _uniform(self._part(shape, kwargs), self.minval, self.maxval, dtype, self.seed)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"minval": self.minval, "maxval": self.maxval, "seed": self.seed}


class RandomNormal(Initializer):
    """Values drawn from a normal distribution.

    Args:
        mean: the mean.
        stddev: the standard deviation.
        seed: makes all calls give the same values.
    """

    def __init__(self, mean: Any = 0.0, stddev: Any = 0.05, seed: int | None = None) -> None:
        self.mean = mean
        self.stddev = stddev
        self.seed = seed

    def __call__(self, shape: Any, dtype: Any = dtypes.float32, **kwargs: Any) -> Tensor:
        """Return values of a floating type; see `Initializer`.

        Raises:
            ValueError: if `dtype` is another.
        """
        return _normal(self._part(shape, kwargs), self.mean, self.stddev, require_floating(dtype), self.seed)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"mean": self.mean, "stddev": self.stddev, "seed": self.seed}


class TruncatedNormal(RandomNormal):
    """Values drawn from a normal distribution; what is two standard deviations or more from the mean is drawn again.

    Args:
        mean, stddev, seed: see `RandomNormal`.
    """

    def __call__(self, shape: Any, dtype: Any = dtypes.float32, **kwargs: Any) -> Tensor:
        """Return values of a floating type; see `Initializer`.

        Raises:
            ValueError: if `dtype` is another.
        """
        return _truncated(self._part(shape, kwargs), self.mean, self.stddev, require_floating(dtype), self.seed)


def _uniform(shape: Any, low: Any, high: Any, dtype: Any, seed: int | None) -> Tensor:
    return (
        random_uniform(shape, low, high, dtype)
        if seed is None
        else stateless_uniform(shape, [seed, 0], low, high, dtype)
    )


def _normal(shape: Any, mean: Any, stddev: Any, dtype: Any, seed: int | None) -> Tensor:
    return (
        random_normal(shape, mean, stddev, dtype)
        if seed is None
        else stateless_normal(shape, [seed, 0], mean, stddev, dtype)
    )


def _truncated(shape: Any, mean: Any, stddev: Any, dtype: Any, seed: int | None) -> Tensor:
    if seed is None:
        return truncated_normal(shape, mean, stddev, dtype)
    return stateless_truncated_normal(shape, [seed, 0], mean, stddev, dtype)


class VarianceScaling(Initializer):
    """Values whose variance is `scale` / n, with n from the shape of the weights.

    Args:
        scale: greater than 0.
        mode: n is the number of inputs ('fan_in'), of outputs ('fan_out') or their mean ('fan_avg').
        distribution: 'truncated_normal' (also called 'normal'), 'untruncated_normal' or 'uniform'.
        seed: makes all calls give the same values.
    Raises:
        ValueError: if an argument is not one of those.
    """

    def __init__(
        self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal", seed: int | None = None
    ) -> None:
        distribution = distribution.lower()
        check_scaling(scale, mode, distribution)
        self.scale = scale
        self.mode = mode
        self.distribution = "truncated_normal" if distribution == "normal" else distribution
        self.seed = seed

    def __call__(self, shape: Any, dtype: Any = dtypes.float32, **kwargs: Any) -> Tensor:
        """Return values of a floating type; see `Initializer`.

        Raises:
            ValueError: if `dtype` is another.
        """
        dtype = require_floating(dtype)
        fan_in, fan_out = fans(shape)
        count = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2.0}[self.mode]
        scale = self.scale / max(1.0, count)
        part = self._part(shape, kwargs)
        if self.distribution == "truncated_normal":
            return _truncated(part, 0.0, math.sqrt(scale) / TRUNCATED_DEVIATION, dtype, self.seed)
        if self.distribution == "untruncated_normal":
            return _normal(part, 0.0, math.sqrt(scale), dtype, self.seed)
        bound = math.sqrt(3.0 * scale)
        return _uniform(part, -bound, bound, dtype, self.seed)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"scale": self.scale, "mode": self.mode, "distribution": self.distribution, "seed": self.seed}


class _NamedScaling(VarianceScaling):
    """A `VarianceScaling` of fixed arguments but the seed."""

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"seed": self.seed}


class GlorotUniform(_NamedScaling):
    """Uniform values on (-b, b) with b = sqrt(6 / (inputs + outputs)). Source: Glorot and Bengio 2010."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_avg", "uniform", seed)


class GlorotNormal(_NamedScaling):
    """Truncated normal values of variance 2 / (inputs + outputs). Source: Glorot and Bengio 2010."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_avg", "truncated_normal", seed)


class LecunUniform(_NamedScaling):
    """Uniform values of variance 1 / inputs. Source: LeCun et al. 1998."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_in", "uniform", seed)


class LecunNormal(_NamedScaling):
    """Truncated normal values of variance 1 / inputs. Source: LeCun et al. 1998."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_in", "truncated_normal", seed)


class HeUniform(_NamedScaling):
    """Uniform values of variance 2 / inputs. Source: He et al. 2015."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(2.0, "fan_in", "uniform", seed)


class HeNormal(_NamedScaling):
    """Truncated normal values of variance 2 / inputs. Source: He et al. 2015."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(2.0, "fan_in", "truncated_normal", seed)


class Orthogonal(Initializer):
    """A matrix with orthogonal rows or columns; more axes are folded into the first.

    Args:
        gain: what the matrix is multiplied by.
        seed: makes all calls give the same values.
    Source: Saxe et al. 2014.
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        self.gain = gain
        self.seed = seed

    def __call__(self, shape: Any, dtype: Any = dtypes.float32, **kwargs: Any) -> Tensor:
        """Return values of a floating type; see `Initializer`.

        Raises:
            ValueError: if the shape has less than two axes, or `dtype` is another.
        """
        self._part(shape, kwargs, partitioned=False)
        dims = full_dims(shape)
        expect_matrix(dims, len(dims) >= 2)
        rows, columns = math.prod(dims[:-1]), dims[-1]
        drawn = _normal((max(rows, columns), min(rows, columns)), 0.0, 1.0, require_floating(dtype), self.seed)
        return lookup("Mul")(orthogonal_matrix(drawn, dims), self.gain)  # type: ignore[operator]

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"gain": self.gain, "seed": self.seed}


class Identity(Initializer):
    """The identity matrix, multiplied by `gain`.

    Args:
        gain: the value on the diagonal.
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Any, dtype: Any = dtypes.float32, **kwargs: Any) -> Tensor:
        """Return values of a floating type; see `Initializer`.

        Raises:
            ValueError: if the shape is not that of a matrix, or `dtype` is another.
        """
        self._part(shape, kwargs, partitioned=False)
        dims = full_dims(shape)
        expect_matrix(dims, len(dims) == 2)
        return constant(np.eye(dims[0], dims[1]) * self.gain, require_floating(dtype))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"gain": self.gain}


zeros_initializer = Zeros
ones_initializer = Ones
constant_initializer = Constant
random_uniform_initializer = RandomUniform
random_normal_initializer = RandomNormal
