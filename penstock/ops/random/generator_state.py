"""Operations on the state of a `tf.random.Generator`: a variable that holds the counter and the key."""

from __future__ import annotations

from typing import Any

import torch

from penstock.core.array import Array
from penstock.core.errors import InvalidArgumentError, UnimplementedError
from penstock.core.op import op
from penstock.core.resources import VariableStorage
from penstock.ops.random.philox import BLOCKS_PER_OUTPUT, LONG
from penstock.ops.random.stateless import PHILOX, THREEFRY

_STATE_SIZE = 3


def _signed(value: int) -> int:
    value &= LONG
    return value - (1 << 64) if value >> 63 else value


def _skip(resource: VariableStorage, alg: Any, delta: Any) -> Array:
    """Advance the counter by `delta` outputs, and return the state before."""
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
