"""Draws from truncated normal distributions with parameters, and random crops, that go on from call to call."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from penstock.core import array
from penstock.core.array import Array
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import op
from penstock.ops.hosted import on_host
from penstock.ops.random import distributions
from penstock.ops.random.philox import BLOCKS_PER_OUTPUT
from penstock.ops.random.shapes import checked_shape, from_shape
from penstock.ops.random.stateful import INDEX, NARROW_FLOATING, random_state


@op(
    "ParameterizedTruncatedNormal(shape: host T, means: dtype, stdevs: dtype, minvals: dtype, maxvals: dtype)"
    " -> output: dtype",
    stateful=True,
    differentiable=False,
    shape=from_shape,
    T=INDEX,
    dtype=NARROW_FLOATING,
)
@on_host
def parameterized_truncated_normal_op(
    shape: Any,
    means: Array,
    stdevs: Array,
    minvals: Array,
    maxvals: Array,
    *,
    seed: int = 0,
    seed2: int = 0,
    resources: Any,
    node_name: str,
) -> Array:
    shape, count = checked_shape(shape)
    if not shape:
        raise InvalidArgumentError(None, None, "Shape must not be scalar: its first axis is that of the parameters")
    parameters = []
    for name, value in (("means", means), ("stdevs", stdevs), ("minvals", minvals), ("maxvals", maxvals)):
        if value.ndim > 1 or value.numel() not in (1, shape[0]):
            raise InvalidArgumentError(
                None, None, f"{name} must be a scalar or have {shape[0]} elements, got shape {list(value.shape)}"
            )
        parameters.append(value.reshape(-1).expand(shape[0]).cpu().numpy())
    state = random_state(resources, node_name, seed, seed2, array.dtype_of(means))
    generator = state.reserve(count * BLOCKS_PER_OUTPUT)
    samples = count // shape[0] if shape[0] else 0
    mean, deviation, lowest, highest = parameters
    draws = distributions.parameterized_truncated_normal(generator, mean, deviation, lowest, highest, samples)
    return torch.from_numpy(np.ascontiguousarray(draws)).reshape(shape)
