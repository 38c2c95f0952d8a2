"""Random operations whose numbers are a function of a seed that is an input.

The older operations take a pair of seeds, the newer ones the key and counter that
`StatelessRandomGetKeyCounter` makes of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from penstock.core import array, dtypes
from penstock.core.array import Array, Value
from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import Type, op
from penstock.core.shape_rules import scalar, unchanged
from penstock.core.tensor import Tensor
from penstock.ops.hosted import on_host
from penstock.ops.random import distributions, philox
from penstock.ops.random.philox import LONG, Philox
from penstock.ops.random.shapes import checked_shape, from_shape
from penstock.ops.random.stateful import (
    INDEX,
    NARROW_FLOATING,
    RATE,
    check_range,
    draw_classes,
    draw_gamma,
    draw_poisson,
    gamma_gradient,
    multinomial_shape,
    take_rows,
)

PHILOX, THREEFRY, AUTO_SELECT = 1, 2, 3
_FULL = frozenset({dtypes.int32, dtypes.int64, dtypes.uint32, dtypes.uint64})
_SEED = Type(INDEX, dtypes.int64)
_SHAPE = Type(INDEX, dtypes.int32)


def _from_seed(seed: Any) -> Philox:
    if not isinstance(seed, list) or len(seed) != 2:
        length = [len(seed)] if isinstance(seed, list) else []
        raise InvalidArgumentError(None, None, f"seed must have shape [2], not {length}")
    return Philox.from_stateless_seed(seed)


def _from_key(key: Any, counter: Any, alg: Any) -> Philox:
    if alg not in (PHILOX, AUTO_SELECT):
        raise InvalidArgumentError(None, None, f"Unsupported algorithm id: {alg}; pass 1 (Philox) or 3 (automatic)")
    if not isinstance(key, list) or len(key) != 1:
        raise InvalidArgumentError(None, None, f"key must have shape [1], got {key}")
    if not isinstance(counter, list) or not counter:
        raise InvalidArgumentError(None, None, f"counter must be a vector with length 2 for Philox, got {counter}")
    high = counter[1] if len(counter) > 1 else 0
    return Philox(key[0] & LONG, counter[0] & LONG | (high & LONG) << 64)


# Key and counter


def _key_counter(seed: Any) -> tuple[Array, Array]:
    generator = _from_seed(seed)
    counter = np.array([generator.counter & LONG, generator.counter >> 64], dtype=np.uint64)
    return torch.from_numpy(np.array([generator.key], dtype=np.uint64)), torch.from_numpy(counter)


@op(
    "StatelessRandomGetKeyCounter(seed: host Tseed) -> (key: uint64, counter: uint64)",
    shape=lambda seed: ((1,), (2,)),
    differentiable=False,
    Tseed=_SEED,
)
def stateless_random_get_key_counter_op(seed: Any) -> tuple[Array, Array]:
    return _key_counter(seed)


@op("StatelessRandomGetAlg() -> alg: int32", stateful=True, shape=scalar, differentiable=False)
def stateless_random_get_alg_op() -> Array:
    return torch.tensor(PHILOX, dtype=torch.int32)


@op(
    "StatelessRandomGetKeyCounterAlg(seed: host Tseed) -> (key: uint64, counter: uint64, alg: int32)",
    shape=lambda seed: ((1,), (2,), ()),
    differentiable=False,
    Tseed=_SEED,
)
def stateless_random_get_key_counter_alg_op(seed: Any) -> tuple[Array, Array, Array]:
    return (*_key_counter(seed), torch.tensor(PHILOX, dtype=torch.int32))


# From a pair of seeds


def _draw(distribution: Any, generator: Philox, shape: Any, dtype: DType) -> Array:
    shape, count = checked_shape(shape)
    return distribution(generator, count, dtype).reshape(shape)


@op(
    "StatelessRandomUniform(shape: host T, seed: host Tseed) -> output: dtype",
    shape=from_shape,
    differentiable=False,
    T=_SHAPE,
    Tseed=_SEED,
    dtype=dtypes.FLOATING,
)
def stateless_random_uniform_op(shape: Any, seed: Any, *, dtype: DType = dtypes.float32) -> Array:
    return _draw(philox.uniform, _from_seed(seed), shape, dtype)


@op(
    "StatelessRandomNormal(shape: host T, seed: host Tseed) -> output: dtype",
    shape=from_shape,
    differentiable=False,
    T=_SHAPE,
    Tseed=_SEED,
    dtype=dtypes.FLOATING,
)
def stateless_random_normal_op(shape: Any, seed: Any, *, dtype: DType = dtypes.float32) -> Array:
    return _draw(philox.normal, _from_seed(seed), shape, dtype)


@op(
    "StatelessTruncatedNormal(shape: host T, seed: host Tseed) -> output: dtype",
    shape=from_shape,
    differentiable=False,
    T=_SHAPE,
    Tseed=_SEED,
    dtype=dtypes.FLOATING,
)
def stateless_truncated_normal_op(shape: Any, seed: Any, *, dtype: DType = dtypes.float32) -> Array:
    return _draw(philox.truncated_normal, _from_seed(seed), shape, dtype)


@op(
    "StatelessRandomUniformInt(shape: host T, seed: host Tseed, minval: host dtype, maxval: host dtype)"
    " -> output: dtype",
    shape=from_shape,
    differentiable=False,
    T=INDEX,
    Tseed=_SEED,
)
def stateless_random_uniform_int_op(shape: Any, seed: Any, minval: Any, maxval: Any, *, dtype: DType) -> Array:
    return _draw_integers(_from_seed(seed), shape, minval, maxval, dtype)


def _draw_integers(generator: Philox, shape: Any, minval: Any, maxval: Any, dtype: DType) -> Array:
    shape, count = checked_shape(shape)
    check_range(minval, maxval, count)
    if not count:
        return torch.empty(shape, dtype=array.torch_dtype(dtype))
    return philox.integers(generator, count, minval, maxval, dtype).reshape(shape)


@op(
    "StatelessRandomUniformFullInt(shape: host T, seed: host Tseed) -> output: dtype",
    shape=from_shape,
    differentiable=False,
    T=_SHAPE,
    Tseed=Type(_FULL, dtypes.int64),
    dtype=_FULL,
)
def stateless_random_uniform_full_int_op(shape: Any, seed: Any, *, dtype: DType = dtypes.uint64) -> Array:
    return _draw(philox.full_integers, _from_seed(seed), shape, dtype)


@op(
    "StatelessMultinomial(logits: T, num_samples: host int32, seed: host Tseed) -> output: output_dtype",
    shape=multinomial_shape,
    differentiable=False,
    T=dtypes.REAL_NUMBER,
    Tseed=_SEED,
    output_dtype=INDEX,
)
@on_host
def stateless_multinomial_op(
    logits: Array, num_samples: Any, seed: Any, *, output_dtype: DType = dtypes.int64
) -> Array:
    return draw_classes(_from_seed(seed), logits, num_samples, output_dtype)


# Distributions with parameters: the shape ends with that of the parameters.


def _samples_of(shape: Any, parameter: tuple[int, ...]) -> tuple[list[int], int]:
    """Return the shape, and how many draws each element of the parameter gets."""
    shape, count = checked_shape(shape)
    if parameter and tuple(shape[-len(parameter) :]) != tuple(parameter):
        raise InvalidArgumentError(
            None,
            None,
            f"Shape passed in must end with broadcasted shape. It is {shape}, the parameters have {list(parameter)}.",
        )
    size = int(np.prod(parameter, dtype=np.int64))
    return shape, count // size if size else 0


@op(
    "StatelessRandomGammaV2(shape: host T, seed: host Tseed, alpha: dtype) -> output: dtype",
    shape=from_shape,
    T=INDEX,
    Tseed=_SEED,
    dtype=NARROW_FLOATING,
)
@on_host
def stateless_random_gamma_v2_op(shape: Any, seed: Any, alpha: Array) -> Array:
    shape, samples = _samples_of(shape, tuple(alpha.shape))
    return draw_gamma(_from_seed(seed), alpha, samples).reshape(shape)


@stateless_random_gamma_v2_op.gradient
def stateless_random_gamma_v2_gradient(call: Any, grad: Tensor) -> tuple[None, None, Tensor]:
    return None, None, gamma_gradient(call.inputs[2], call.outputs[0], grad)


@op(
    "StatelessRandomGammaV3(shape: host shape_dtype, key: host uint64, counter: host uint64, alg: host int32,"
    " alpha: dtype) -> output: dtype",
    shape=from_shape,
    shape_dtype=_SHAPE,
    dtype=NARROW_FLOATING,
)
@on_host
def stateless_random_gamma_v3_op(shape: Any, key: Any, counter: Any, alg: Any, alpha: Array) -> Array:
    shape, samples = _samples_of(shape, tuple(alpha.shape))
    return draw_gamma(_from_key(key, counter, alg), alpha, samples).reshape(shape)


@stateless_random_gamma_v3_op.gradient
def stateless_random_gamma_v3_gradient(call: Any, grad: Tensor) -> tuple[None, None, None, None, Tensor]:
    return None, None, None, None, gamma_gradient(call.inputs[4], call.outputs[0], grad)


@op(
    "StatelessRandomPoisson(shape: host T, seed: host Tseed, lam: Rtype) -> output: dtype",
    shape=from_shape,
    differentiable=False,
    T=INDEX,
    Tseed=_SEED,
    Rtype=RATE,
    dtype=RATE,
)
@on_host
def stateless_random_poisson_op(shape: Any, seed: Any, lam: Array, *, dtype: DType) -> Array:
    shape, samples = _samples_of(shape, tuple(lam.shape))
    return draw_poisson(_from_seed(seed), lam, samples, dtype).reshape(shape)


@op(
    "StatelessRandomBinomial(shape: host S, seed: host Tseed, counts: T, probs: T) -> output: dtype",
    shape=from_shape,
    differentiable=False,
    S=INDEX,
    Tseed=_SEED,
    T=Type(RATE, dtypes.float64),
    dtype=RATE,
)
@on_host
def stateless_random_binomial_op(
    shape: Any, seed: Any, counts: Array, probs: Array, *, dtype: DType = dtypes.int64
) -> Array:
    return draw_binomial(_from_seed(seed), shape, counts, probs, dtype)


def draw_binomial(generator: Philox, shape: Any, counts: Array, probs: Array, dtype: DType) -> Array:
    """Draw from binomial distributions, whose parameters broadcast together to the last axes of `shape`."""
    counts, probs = torch.broadcast_tensors(counts.double(), probs.double())
    shape, samples = _samples_of(shape, tuple(counts.shape))
    draws = distributions.binomial(
        generator, counts.reshape(-1).cpu().numpy(), probs.reshape(-1).cpu().numpy(), samples
    )
    return torch.from_numpy(np.ascontiguousarray(draws.T)).to(array.torch_dtype(dtype)).reshape(shape)


@op(
    "StatelessParameterizedTruncatedNormal(shape: host S, seed: host Tseed, means: dtype, stddevs: dtype,"
    " minvals: dtype, maxvals: dtype)"
    " -> output: dtype",
    shape=from_shape,
    differentiable=False,
    S=INDEX,
    Tseed=_SEED,
    dtype=NARROW_FLOATING,
)
@on_host
def stateless_parameterized_truncated_normal_op(
    shape: Any, seed: Any, means: Array, stddevs: Array, minvals: Array, maxvals: Array
) -> Array:
    parameters = torch.broadcast_tensors(means, stddevs, minvals, maxvals)
    shape, samples = _samples_of(shape, tuple(parameters[0].shape))
    mean, deviation, lowest, highest = (parameter.reshape(-1).cpu().numpy() for parameter in parameters)
    draws = distributions.parameterized_truncated_normal(_from_seed(seed), mean, deviation, lowest, highest, samples)
    return torch.from_numpy(np.ascontiguousarray(draws.T)).reshape(shape)


# From a key and a counter


@op(
    "StatelessRandomUniformV2(shape: host Tshape, key: host uint64, counter: host uint64, alg: host int32)"
    " -> output: dtype",
    shape=from_shape,
    differentiable=False,
    Tshape=_SHAPE,
    dtype=dtypes.FLOATING,
)
def stateless_random_uniform_v2_op(
    shape: Any, key: Any, counter: Any, alg: Any, *, dtype: DType = dtypes.float32
) -> Array:
    return _draw(philox.uniform, _from_key(key, counter, alg), shape, dtype)


@op(
    "StatelessRandomNormalV2(shape: host Tshape, key: host uint64, counter: host uint64, alg: host int32)"
    " -> output: dtype",
    shape=from_shape,
    differentiable=False,
    Tshape=_SHAPE,
    dtype=dtypes.FLOATING,
)
def stateless_random_normal_v2_op(
    shape: Any, key: Any, counter: Any, alg: Any, *, dtype: DType = dtypes.float32
) -> Array:
    return _draw(philox.normal, _from_key(key, counter, alg), shape, dtype)


@op(
    "StatelessTruncatedNormalV2(shape: host Tshape, key: host uint64, counter: host uint64, alg: host int32)"
    " -> output: dtype",
    shape=from_shape,
    differentiable=False,
    Tshape=_SHAPE,
    dtype=dtypes.FLOATING,
)
def stateless_truncated_normal_v2_op(
    shape: Any, key: Any, counter: Any, alg: Any, *, dtype: DType = dtypes.float32
) -> Array:
    return _draw(philox.truncated_normal, _from_key(key, counter, alg), shape, dtype)


@op(
    "StatelessRandomUniformIntV2(shape: host Tshape, key: host uint64, counter: host uint64, alg: host int32,"
    " minval: host dtype, maxval: host dtype) -> output: dtype",
    shape=from_shape,
    differentiable=False,
    Tshape=_SHAPE,
    dtype=_FULL,
)
def stateless_random_uniform_int_v2_op(
    shape: Any, key: Any, counter: Any, alg: Any, minval: Any, maxval: Any, *, dtype: DType
) -> Array:
    return _draw_integers(_from_key(key, counter, alg), shape, minval, maxval, dtype)


@op(
    "StatelessRandomUniformFullIntV2(shape: host Tshape, key: host uint64, counter: host uint64, alg: host int32)"
    " -> output: dtype",
    shape=from_shape,
    differentiable=False,
    Tshape=_SHAPE,
    dtype=_FULL,
)
def stateless_random_uniform_full_int_v2_op(
    shape: Any, key: Any, counter: Any, alg: Any, *, dtype: DType = dtypes.uint64
) -> Array:
    return _draw(philox.full_integers, _from_key(key, counter, alg), shape, dtype)


@op(
    "StatelessShuffle(value: T, key: host uint64, counter: host uint64, alg: host int32) -> output: T",
    shape=unchanged,
    differentiable=False,
)
def stateless_shuffle_op(value: Value, key: Any, counter: Any, alg: Any) -> Value:
    generator = _from_key(key, counter, alg)
    if not value.ndim or len(value) < 2:
        return array.clone(value)
    return take_rows(value, philox.permutation(generator, len(value)))
