"""Operations on the state of a `tf.random.Generator`: a variable that holds the counter and the key."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from penstock.core import array, dtypes, entropy
from penstock.core.array import Array
from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError, UnimplementedError
from penstock.core.op import Type, op
from penstock.core.resources import VariableStorage
from penstock.ops.random import philox
from penstock.ops.random.philox import BLOCKS_PER_OUTPUT, LONG, Philox
from penstock.ops.random.shapes import checked_shape, from_shape
from penstock.ops.random.stateful import INDEX, RATE, check_range
from penstock.ops.random.stateless import AUTO_SELECT, PHILOX, THREEFRY, draw_binomial

_STATE_SIZE = 3
_SHAPE = Type(dtypes.ALL, dtypes.int64)


def _signed(value: int) -> int:
    value &= LONG
    return value - (1 << 64) if value >> 63 else value


def _skip(resource: VariableStorage, alg: Any, delta: Any) -> Array:
    """Advance the counter by `delta` outputs, and return the state before."""
    if alg == AUTO_SELECT:
        alg = PHILOX
    if alg == THREEFRY:
        raise UnimplementedError(
            None, None, "The ThreeFry algorithm is not supported; make the generator with alg='philox'."
        )
    if alg != PHILOX:
        raise InvalidArgumentError(None, None, f"Unsupported algorithm id: {alg}; pass 1 (Philox)")
    with resource.lock:
        before = resource.read().clone()
        if before.dtype != torch.int64 or before.ndim != 1 or len(before) < _STATE_SIZE:
            raise InvalidArgumentError(
                None,
                None,
                f"The state of a Philox generator is a vector of 3 int64, got {before.dtype} {list(before.shape)}",
            )
        low, high, *rest = before.tolist()
        counter = ((high & LONG) << 64 | low & LONG) + (delta & LONG) * BLOCKS_PER_OUTPUT
        resource.assign(torch.tensor([_signed(counter), _signed(counter >> 64), *rest]))
    return before


def _reserve(resource: VariableStorage, alg: Any, outputs: int) -> Philox:
    """Return a generator at the state of a variable, and skip `outputs` outputs there."""
    if isinstance(alg, list):
        raise InvalidArgumentError(None, None, f"algorithm must be of shape [], not [{len(alg)}]")
    low, high, key = _skip(resource, alg, outputs).tolist()[:_STATE_SIZE]
    return Philox(key & LONG, (high & LONG) << 64 | low & LONG)


@op(
    "RngReadAndSkip(resource: resource, alg: host int32, delta: host uint64) -> value: int64",
    stateful=True,
    differentiable=False,
    shape=lambda resource, alg, delta: (_STATE_SIZE,),
)
def rng_read_and_skip_op(resource: VariableStorage, alg: Any, delta: Any) -> Array:
    return _skip(resource, alg, delta)


@op("RngSkip(resource: resource, algorithm: host int64, delta: host int64)", stateful=True, differentiable=False)
def rng_skip_op(resource: VariableStorage, algorithm: Any, delta: Any) -> tuple[()]:
    _skip(resource, algorithm, delta)
    return ()


@op(
    "NonDeterministicInts(shape: host shape_dtype) -> output: dtype",
    stateful=True,
    differentiable=False,
    shape=from_shape,
    shape_dtype=_SHAPE,
)
def non_deterministic_ints_op(shape: Any, *, dtype: DType = dtypes.int64) -> Array:
    shape, count = checked_shape(shape)
    kind = np.dtype(dtype.as_numpy_dtype)
    if kind.kind not in "iu" or kind.itemsize < 4:
        raise InvalidArgumentError(None, None, f"NonDeterministicInts makes integers of 32 or 64 bits, not {dtype}")
    drawn = np.frombuffer(entropy.random_bytes(count * kind.itemsize), dtype=kind).reshape(shape)
    return array.from_numpy(drawn, copy=True)


def _shape_of(resource: Any, algorithm: Any, shape: Any, *rest: Any, **attrs: Any) -> Any:
    return from_shape(shape)


def _draw(
    distribution: Callable[..., Array], resource: VariableStorage, algorithm: Any, shape: Any, dtype: DType
) -> Array:
    shape, count = checked_shape(shape)
    return distribution(_reserve(resource, algorithm, count), count, dtype).reshape(shape)


_OPTIONS: dict[str, Any] = {"stateful": True, "differentiable": False, "shape_dtype": _SHAPE}


@op(
    "StatefulStandardNormalV2(resource: resource, algorithm: host int64, shape: host shape_dtype) -> output: dtype",
    shape=_shape_of,
    **_OPTIONS,
)
def stateful_standard_normal_v2_op(
    resource: VariableStorage, algorithm: Any, shape: Any, *, dtype: DType = dtypes.float32
) -> Array:
    return _draw(philox.normal, resource, algorithm, shape, dtype)


@op(
    "StatefulTruncatedNormal(resource: resource, algorithm: host int64, shape: host shape_dtype) -> output: dtype",
    shape=_shape_of,
    **_OPTIONS,
)
def stateful_truncated_normal_op(
    resource: VariableStorage, algorithm: Any, shape: Any, *, dtype: DType = dtypes.float32
) -> Array:
    return _draw(philox.truncated_normal, resource, algorithm, shape, dtype)


@op(
    "StatefulUniform(resource: resource, algorithm: host int64, shape: host shape_dtype) -> output: dtype",
    shape=_shape_of,
    **_OPTIONS,
)
def stateful_uniform_op(
    resource: VariableStorage, algorithm: Any, shape: Any, *, dtype: DType = dtypes.float32
) -> Array:
    return _draw(philox.uniform, resource, algorithm, shape, dtype)


@op(
    "StatefulUniformFullInt(resource: resource, algorithm: host int64, shape: host shape_dtype) -> output: dtype",
    shape=_shape_of,
    **_OPTIONS,
)
def stateful_uniform_full_int_op(
    resource: VariableStorage, algorithm: Any, shape: Any, *, dtype: DType = dtypes.uint64
) -> Array:
    return _draw(philox.full_integers, resource, algorithm, shape, dtype)


@op(
    "StatefulUniformInt(resource: resource, algorithm: host int64, shape: host shape_dtype, minval: host dtype,"
    " maxval: host dtype) -> output: dtype",
    shape=_shape_of,
    dtype=Type(dtypes.ALL, dtypes.int64),
    **_OPTIONS,
)
def stateful_uniform_int_op(
    resource: VariableStorage, algorithm: Any, shape: Any, minval: Any, maxval: Any, *, dtype: DType = dtypes.int64
) -> Array:
    shape, count = checked_shape(shape)
    check_range(minval, maxval, count)
    generator = _reserve(resource, algorithm, count)
    if not count:
        return torch.empty(shape, dtype=array.torch_dtype(dtype))
    return philox.integers(generator, count, minval, maxval, dtype).reshape(shape)


@op(
    "StatefulRandomBinomial(resource: resource, algorithm: host int64, shape: host S, counts: T, probs: T)"
    " -> output: dtype",
    shape=_shape_of,
    stateful=True,
    differentiable=False,
    S=INDEX,
    T=Type(RATE, dtypes.float64),
    dtype=RATE,
)
def stateful_random_binomial_op(
    resource: VariableStorage,
    algorithm: Any,
    shape: Any,
    counts: Array,
    probs: Array,
    *,
    dtype: DType = dtypes.int64,
) -> Array:
    size = checked_shape(shape)[1]
    batches = max(math.prod(torch.broadcast_shapes(counts.shape, probs.shape)), 1)
    # By TensorFlow's reckoning of how much the rejection of candidates may use up.
    generator = _reserve(resource, algorithm, batches * 2 * 100 * (size // batches + 3) // 4)
    return draw_binomial(generator, shape, counts, probs, dtype)
