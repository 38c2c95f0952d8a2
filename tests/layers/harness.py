"""What the tests of layers share: running a graph with its variables set, and naive references in NumPy."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.core.graph import Graph
from penstock.language.variables import global_variables, global_variables_initializer
from penstock.runtime.session import Session


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def run_with_variables(build: Callable[[], Any]) -> tuple[Any, dict[str, np.ndarray]]:
    """Return the value of what `build` makes, and the values of all variables by name, drawn at random."""
    with Graph().as_default() as graph:
        output = build()
        variables = global_variables()
        with Session(graph=graph) as session:
            session.run(global_variables_initializer())
            for number, variable in enumerate(variables):
                value = normal(*variable.shape.as_list(), seed=number + 1)
                variable.load(np.abs(value) + 0.5 if "variance" in variable.name else value, session)
            return session.run(output), {variable.op.name: session.run(variable) for variable in variables}


def convolve(
    inputs: np.ndarray,
    kernel: np.ndarray,
    strides: tuple[int, ...],
    padding: str,
    dilations: tuple[int, ...] | None = None,
) -> np.ndarray:
    """Convolve inputs of shape (batch, *spatial, channels) in double precision, element by element."""
    rank = kernel.ndim - 2
    dilations = dilations or (1,) * rank
    extents = [(size - 1) * dilation + 1 for size, dilation in zip(kernel.shape, dilations, strict=False)]
    inputs = inputs.astype(np.float64)
    if padding == "same":
        pads = []
        for size, extent, stride in zip(inputs.shape[1:], extents, strides, strict=False):
            total = max((-(-size // stride) - 1) * stride + extent - size, 0)
            pads.append((total // 2, total - total // 2))
        inputs = np.pad(inputs, [(0, 0), *pads, (0, 0)])
    sizes = [
        (size - extent) // stride + 1 for size, extent, stride in zip(inputs.shape[1:], extents, strides, strict=False)
    ]
    outputs = np.zeros((inputs.shape[0], *sizes, kernel.shape[-1]))
    for position in itertools.product(*map(range, sizes)):
        for offset in itertools.product(*map(range, kernel.shape[:rank])):
            at = tuple(p * s + o * d for p, s, o, d in zip(position, strides, offset, dilations, strict=True))
            outputs[(slice(None), *position)] += inputs[(slice(None), *at)] @ kernel[offset]
    return outputs


def spread(inputs: np.ndarray, kernel: np.ndarray, strides: tuple[int, ...], padding: str) -> np.ndarray:
    """Convolve transposed: each input element adds the kernel, (*window, filters, channels), scaled, at its place."""
    rank = kernel.ndim - 2
    spatial = inputs.shape[1:-1]
    full = [(size - 1) * stride + window for size, stride, window in zip(spatial, strides, kernel.shape, strict=False)]
    sizes = [
        size * stride + (max(window - stride, 0) if padding == "valid" else 0)
        for size, stride, window in zip(spatial, strides, kernel.shape, strict=False)
    ]
    outputs = np.zeros((inputs.shape[0], *(max(a, b) for a, b in zip(full, sizes, strict=True)), kernel.shape[-2]))
    for position in itertools.product(*map(range, spatial)):
        for offset in itertools.product(*map(range, kernel.shape[:rank])):
            at = tuple(p * s + o for p, s, o in zip(position, strides, offset, strict=True))
            outputs[(slice(None), *at)] += inputs[(slice(None), *position)] @ kernel[offset].T
    if padding == "same":
        starts = [max(window - stride, 0) // 2 for window, stride in zip(kernel.shape, strides, strict=False)]
        outputs = outputs[
            (slice(None), *(slice(start, start + size) for start, size in zip(starts, sizes, strict=True)))
        ]
    return outputs


def close(value: Any, expected: Any) -> None:
    """Check that two arrays agree."""
    np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-4)


def to_first(x: np.ndarray) -> np.ndarray:
    """Move the channels from the last axis behind the batch."""
    return np.moveaxis(x, -1, 1)
