"""TensorFlow 1's initializers: the type of the values is given to the constructor."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import DType, as_dtype
from penstock.core.op_def import lookup
from penstock.core.shape import as_dims
from penstock.core.tensor import Tensor
from penstock.ops.constant import constant_v1
from penstock.ops.random.functions import random_normal, random_uniform, truncated_normal

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "Identity",
    "Initializer",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "UniformUnitScaling",
    "VarianceScaling",
    "Zeros",
    "constant_initializer",
    "glorot_normal_initializer",
    "glorot_uniform_initializer",
    "he_normal",
    "he_uniform",
    "identity_initializer",
    "lecun_normal",
    "lecun_uniform",
    "ones_initializer",
    "orthogonal_initializer",
    "random_normal_initializer",
    "random_uniform_initializer",
    "truncated_normal_initializer",
    "uniform_unit_scaling_initializer",
    "variance_scaling_initializer",
    "zeros_initializer",
]

# The standard deviation of a standard normal distribution cut off at 2.
TRUNCATED_DEVIATION = 0.87962566103423978
_MODES = ("fan_in", "fan_out", "fan_avg")
_DISTRIBUTIONS = ("normal", "uniform", "truncated_normal", "untruncated_normal")
_SMALL = 1000


class Initializer:
    """What gives a variable its first value. Subclasses implement `__call__` and, to be saved, `get_config`."""

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        """Return a value.

        Args:
            shape: the shape of the value, fully known.
            dtype: the type; by default that of the constructor.
            partition_info: where the value lies in the whole of a partitioned variable, with its `full_shape`.
        """
        raise NotImplementedError(f"{type(self).__name__} does not implement __call__(shape, dtype, partition_info)")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor, in forms that JSON knows."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Initializer:
        """Return an initializer with the arguments that `get_config` gave."""
        return cls(**config)


class Zeros(Initializer):
    """Zeros.

    Args:
        dtype: the type of the values.
    """

    def __init__(self, dtype: Any = dtypes.float32) -> None:
        self.dtype = as_dtype(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        """Return zeros; see `Initializer`."""
        return filled(shape, 0, self.dtype if dtype is None else as_dtype(dtype), "zeros")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"dtype": self.dtype.name}


class Ones(Initializer):
    """Ones.

    Args:
        dtype: the type of the values.
    """

    def __init__(self, dtype: Any = dtypes.float32) -> None:
        self.dtype = as_dtype(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        """Return ones; see `Initializer`."""
        return filled(shape, 1, self.dtype if dtype is None else as_dtype(dtype), "ones")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"dtype": self.dtype.name}


def filled(shape: Any, value: int, dtype: DType, name: str) -> Tensor:
    """Return a tensor with one value everywhere: a constant where it is small, else computed from its shape.

    Args:
        shape: the shape, or a tensor with the shape.
        value: the value; "" and False stand for 0 where the type asks for it.
        dtype: the type of the values.
        name: the name of the node.
    """
    dtype = dtype.base_dtype
    fill: Any = (
        (b"" if not value else b"1") if dtype is dtypes.string else np.asarray(value).astype(dtype.as_numpy_dtype)[()]
    )
    if not isinstance(shape, Tensor):
        dims = full_dims(shape)
        if math.prod(dims) < _SMALL:
            return constant_v1(fill, dtype, shape=dims, name=name)
        kind = np.int32 if max(dims) < 2**31 else np.int64
        shape = convert_to_tensor(np.asarray(dims, dtype=kind), name=f"{name}/shape_as_tensor")
    return lookup("Fill")(shape, convert_to_tensor(fill, dtype, name=f"{name}/Const"), name=name)  # type: ignore[operator]


def full_dims(shape: Any) -> tuple[int, ...]:
    """Return a shape as a tuple of sizes.

    Raises:
        ValueError: if it is not fully known.
    """
    dims = as_dims(shape)
    if dims is None or None in dims:
        raise ValueError(f"an initializer needs a fully known shape, got {shape}")
    return dims  # type: ignore[return-value]


def expect_matrix(dims: tuple[int, ...], is_matrix: bool) -> None:
    """Check the shape of an initializer that makes matrices.

    Raises:
        ValueError: if it is not one of a matrix.
    """
    if not is_matrix:
        raise ValueError(
            "The tensor to initialize, specified by argument `shape` must be at least two-dimensional. "
            f"Received shape={list(dims)}"
        )


class Constant(Initializer):
    """Given values; where there are fewer than the shape holds, the last one is repeated.

    Args:
        value: a number, or a nested list or NumPy array of numbers.
        dtype: the type of the values.
        verify_shape: whether the shape of `value` must agree with the one asked for.
    """

    def __init__(self, value: Any = 0, dtype: Any = dtypes.float32, verify_shape: bool = False) -> None:
        if not (np.isscalar(value) or isinstance(value, (list, tuple, np.ndarray))):
            raise TypeError(
                f"Invalid type for initial value={value!r} of type: {type(value).__name__}. "
                "Expected Python scalar, list or tuple of values, or numpy.ndarray."
            )
        self.value = value
        self.dtype = as_dtype(dtype)
        self._verify_shape = verify_shape

    def __call__(
        self, shape: Any, dtype: Any = None, partition_info: Any = None, verify_shape: bool | None = None
    ) -> Tensor:
        """Return the values; see `Initializer`.

        Raises:
            TypeError: if the shapes must agree and do not.
        """
        verify = self._verify_shape if verify_shape is None else verify_shape
        if verify and tuple(np.shape(self.value)) != tuple(as_dims(shape) or ()):
            raise TypeError(f"Expected Tensor's shape: {tuple(as_dims(shape) or ())}, but got {np.shape(self.value)}.")
        return constant_v1(self.value, self.dtype if dtype is None else dtype, shape=shape)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"value": self.value, "dtype": self.dtype.name}


class RandomUniform(Initializer):
    """Values drawn from the uniform distribution on [minval, maxval).

    Args:
        minval, maxval: the bounds; `maxval` is 1 by default, and required for integers.
        seed: makes the values reproducible; see `penstock.ops.random.seeds`.
        dtype: the type of the values.
    """

    def __init__(
        self, minval: Any = 0.0, maxval: Any = None, seed: int | None = None, dtype: Any = dtypes.float32
    ) -> None:
        self.minval = minval
        self.maxval = maxval
        self.seed = seed
        self.dtype = as_dtype(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        """Return values; see `Initializer`."""
        return random_uniform(shape, self.minval, self.maxval, self.dtype if dtype is None else dtype, self.seed)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"minval": self.minval, "maxval": self.maxval, "seed": self.seed, "dtype": self.dtype.name}


class RandomNormal(Initializer):
    """Values drawn from a normal distribution.

    Args:
        mean: the mean.
        stddev: the standard deviation.
        seed: makes the values reproducible; see `penstock.ops.random.seeds`.
        dtype: the type of the values, a floating one.
    """

    def __init__(
        self, mean: Any = 0.0, stddev: Any = 1.0, seed: int | None = None, dtype: Any = dtypes.float32
    ) -> None:
        self.mean = mean
        self.stddev = stddev
        self.seed = seed
        self.dtype = require_floating(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        """Return values; see `Initializer`."""
        return random_normal(shape, self.mean, self.stddev, self.dtype if dtype is None else dtype, self.seed)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"mean": self.mean, "stddev": self.stddev, "seed": self.seed, "dtype": self.dtype.name}


class TruncatedNormal(RandomNormal):
    """Values drawn from a normal distribution; what is two standard deviations or more from the mean is drawn again.

    Args:
        mean, stddev, seed, dtype: see `RandomNormal`.
    """

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        """Return values; see `Initializer`."""
        return truncated_normal(shape, self.mean, self.stddev, self.dtype if dtype is None else dtype, self.seed)


def require_floating(dtype: Any) -> DType:
    """Return a type that must be floating.

    Raises:
        ValueError: if it is not.
    """
    dtype = as_dtype(dtype)
    if not dtype.is_floating:
        raise ValueError(f"Argument `dtype` is expected to be floating point. Received: {dtype!r}.")
    return dtype


class UniformUnitScaling(Initializer):
    """Uniform values that keep the scale of the input of a layer: their variance is `factor`**2 / (number of inputs).

    Args:
        factor: the scale.
        seed: makes the values reproducible; see `penstock.ops.random.seeds`.
        dtype: the type of the values, a floating one.
    Source: Sussillo and Abbott 2014.
    """

    def __init__(self, factor: float = 1.0, seed: int | None = None, dtype: Any = dtypes.float32) -> None:
        self.factor = factor
        self.seed = seed
        self.dtype = require_floating(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        """Return values; see `Initializer`."""
        full = shape if partition_info is None else partition_info.full_shape
        inputs = 1.0
        for size in (as_dims(full) or ())[:-1]:
            inputs *= float(size)  # type: ignore[arg-type]
        bound = math.sqrt(3 / max(inputs, 1.0)) * self.factor
        return random_uniform(shape, -bound, bound, self.dtype if dtype is None else dtype, self.seed)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"factor": self.factor, "seed": self.seed, "dtype": self.dtype.name}


class VarianceScaling(Initializer):
    """Values whose variance is `scale` / n, with n from the shape of the weights.

    Args:
        scale: greater than 0.
        mode: n is the number of inputs ('fan_in'), of outputs ('fan_out') or their mean ('fan_avg').
        distribution: 'truncated_normal' (also called 'normal'), 'untruncated_normal' or 'uniform'.
        seed: makes the values reproducible; see `penstock.ops.random.seeds`.
        dtype: the type of the values, a floating one.
    Raises:
        ValueError: if an argument is not one of those.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
        dtype: Any = dtypes.float32,
    ) -> None:
        distribution = distribution.lower()
        check_scaling(scale, mode, distribution)
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
        self.seed = seed
        self.dtype = require_floating(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        """Return values; see `Initializer`."""
        full = shape if partition_info is None else partition_info.full_shape
        return scaled_values(self, shape, full, self.dtype if dtype is None else dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            "seed": self.seed,
            "dtype": self.dtype.name,
        }


def check_scaling(scale: float, mode: str, distribution: str) -> None:
    """Check the arguments of a `VarianceScaling`.

    Raises:
        ValueError: if one of them is not known or not positive.
    """
    if scale <= 0.0:
        raise ValueError(f"Argument `scale` must be a positive float. Received: {scale}")
    if mode not in _MODES:
        raise ValueError(f"Argument `mode` should be one of {_MODES}. Received: {mode}")
    if distribution not in _DISTRIBUTIONS:
        raise ValueError(f"Argument `distribution` should be one of {_DISTRIBUTIONS}. Received: {distribution}")


def scaled_values(initializer: Any, shape: Any, full_shape: Any, dtype: Any) -> Tensor:
    """Draw the values of a `VarianceScaling` of either generation for weights of the shape `full_shape`."""
    fan_in, fan_out = fans(full_shape)
    count = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2.0}[initializer.mode]
    scale = initializer.scale / max(1.0, count)
    seed = initializer.seed
    if initializer.distribution in ("normal", "truncated_normal"):
        return truncated_normal(shape, 0.0, math.sqrt(scale) / TRUNCATED_DEVIATION, dtype, seed)
    if initializer.distribution == "untruncated_normal":
        return random_normal(shape, 0.0, math.sqrt(scale), dtype, seed)
    bound = math.sqrt(3.0 * scale)
    return random_uniform(shape, -bound, bound, dtype, seed)


def fans(shape: Any) -> tuple[int, int]:
    """Return the numbers of inputs and outputs of a unit whose weights have this shape.

    Matrices are [inputs, outputs]; convolutions are [..., input channels, output channels], and each position of the
    window counts.
    """
    dims = full_dims(shape)
    if len(dims) < 1:
        return 1, 1
    if len(dims) == 1:
        return dims[0], dims[0]
    window = math.prod(dims[:-2])
    return dims[-2] * window, dims[-1] * window


class Orthogonal(Initializer):
    """A matrix with orthogonal rows or columns; more axes are folded into the first.

    Args:
        gain: what the matrix is multiplied by.
        seed: makes the values reproducible; see `penstock.ops.random.seeds`.
        dtype: the type of the values, a floating one.
    Source: Saxe et al. 2014.
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None, dtype: Any = dtypes.float32) -> None:
        self.gain = gain
        self.seed = seed
        self.dtype = require_floating(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        """Return values; see `Initializer`.

        Raises:
            ValueError: if the shape has less than two axes.
        """
        dims = full_dims(shape)
        expect_matrix(dims, len(dims) >= 2)
        rows, columns = math.prod(dims[:-1]), dims[-1]
        flat = (max(rows, columns), min(rows, columns))
        drawn = random_normal(flat, dtype=self.dtype if dtype is None else dtype, seed=self.seed)
        return self.gain * orthogonal_matrix(drawn, dims)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"gain": self.gain, "seed": self.seed, "dtype": self.dtype.name}


def orthogonal_matrix(drawn: Tensor, dims: tuple[int, ...]) -> Tensor:
    """Return an orthogonal matrix made from normal numbers.

    Args:
        drawn: normal numbers; a matrix with at least as many rows as columns.
        dims: the shape of the result, whose first axes are folded into one.
    """
    q, r = lookup("Qr")(drawn, full_matrices=False)  # type: ignore[operator]
    # With the signs of the diagonal of r the matrix is distributed uniformly.
    q = q * lookup("Sign")(lookup("DiagPart")(r))  # type: ignore[operator]
    if math.prod(dims[:-1]) < dims[-1]:
        q = lookup("Transpose")(q, [1, 0])  # type: ignore[operator]
    return lookup("Reshape")(q, list(dims))  # type: ignore[operator]


class Identity(Initializer):
    """The identity matrix, multiplied by `gain`.

    Args:
        gain: the value on the diagonal.
        dtype: the type of the values, a floating one.
    """

    def __init__(self, gain: float = 1.0, dtype: Any = dtypes.float32) -> None:
        self.gain = gain
        self.dtype = require_floating(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        """Return values; see `Initializer`.

        Raises:
            ValueError: if the shape is not that of a matrix.
        """
        dims = full_dims(shape if partition_info is None else partition_info.full_shape)
        expect_matrix(dims, len(dims) == 2)
        matrix = np.eye(dims[0], dims[1])
        if partition_info is not None:
            offset = partition_info.var_offset
            matrix = matrix[tuple(slice(o, o + s) for o, s in zip(offset, as_dims(shape) or (), strict=True))]
        return constant_v1(matrix * self.gain, self.dtype if dtype is None else dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"gain": self.gain, "dtype": self.dtype.name}


class GlorotUniform(VarianceScaling):
    """Uniform values on (-b, b) with b = sqrt(6 / (inputs + outputs)); also named after Xavier.

    Args:
        seed, dtype: see `VarianceScaling`.
    Source: Glorot and Bengio 2010.
    """

    def __init__(self, seed: int | None = None, dtype: Any = dtypes.float32) -> None:
        super().__init__(1.0, "fan_avg", "uniform", seed, dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"seed": self.seed, "dtype": self.dtype.name}


class GlorotNormal(VarianceScaling):
    """Truncated normal values of variance 2 / (inputs + outputs); also named after Xavier.

    Args:
        seed, dtype: see `VarianceScaling`.
    Source: Glorot and Bengio 2010.
    """

    def __init__(self, seed: int | None = None, dtype: Any = dtypes.float32) -> None:
        super().__init__(1.0, "fan_avg", "truncated_normal", seed, dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"seed": self.seed, "dtype": self.dtype.name}


def lecun_normal(seed: int | None = None) -> VarianceScaling:
    """Return the initializer with truncated normal values of variance 1 / inputs. Source: LeCun et al. 1998."""
    return VarianceScaling(1.0, "fan_in", "truncated_normal", seed)


def lecun_uniform(seed: int | None = None) -> VarianceScaling:
    """Return the initializer with uniform values of variance 1 / inputs. Source: LeCun et al. 1998."""
    return VarianceScaling(1.0, "fan_in", "uniform", seed)


def he_normal(seed: int | None = None) -> VarianceScaling:
    """Return the initializer with truncated normal values of variance 2 / inputs. Source: He et al. 2015."""
    return VarianceScaling(2.0, "fan_in", "truncated_normal", seed)


def he_uniform(seed: int | None = None) -> VarianceScaling:
    """Return the initializer with uniform values of variance 2 / inputs. Source: He et al. 2015."""
    return VarianceScaling(2.0, "fan_in", "uniform", seed)


zeros_initializer = Zeros
ones_initializer = Ones
constant_initializer = Constant
random_uniform_initializer = RandomUniform
random_normal_initializer = RandomNormal
truncated_normal_initializer = TruncatedNormal
uniform_unit_scaling_initializer = UniformUnitScaling
variance_scaling_initializer = VarianceScaling
orthogonal_initializer = Orthogonal
identity_initializer = Identity
glorot_uniform_initializer = GlorotUniform
glorot_normal_initializer = GlorotNormal
