"""Elementwise operations on the bits of integers."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from penstock.core.array import Array
from penstock.core.dtypes import INTEGER
from penstock.core.op import op
from penstock.core.shape_rules import broadcasting, unchanged
from penstock.core.tensor import Tensor
from penstock.ops.math.kernels import STORED_ONLY, through_numpy


@op("BitwiseAnd(x: T, y: T) -> z: T", T=INTEGER, commutative=True, differentiable=False, shape=broadcasting)
def bitwise_and_op(x: Array, y: Array) -> Array:
    return torch.bitwise_and(x, y)


def bitwise_and(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Return the bits that are set in both `x` and `y`."""
    return bitwise_and_op(x, y, name=name)


@op("BitwiseOr(x: T, y: T) -> z: T", T=INTEGER, commutative=True, differentiable=False, shape=broadcasting)
def bitwise_or_op(x: Array, y: Array) -> Array:
    return torch.bitwise_or(x, y)


def bitwise_or(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Return the bits that are set in `x` or `y`."""
    return bitwise_or_op(x, y, name=name)


@op("BitwiseXor(x: T, y: T) -> z: T", T=INTEGER, commutative=True, differentiable=False, shape=broadcasting)
def bitwise_xor_op(x: Array, y: Array) -> Array:
    return torch.bitwise_xor(x, y)


def bitwise_xor(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Return the bits that are set in exactly one of `x` and `y`."""
    return bitwise_xor_op(x, y, name=name)


@op("Invert(x: T) -> y: T", T=INTEGER, differentiable=False, shape=unchanged)
def invert_op(x: Array) -> Array:
    return through_numpy(np.invert, x) if x.dtype in STORED_ONLY else torch.bitwise_not(x)


def invert(x: Any, name: str | None = None) -> Tensor:
    """Return `x` with every bit flipped."""
    return invert_op(x, name=name)


def _clamped(x: Array, y: Array) -> tuple[Array, Array]:
    """Keep the distance of a shift within the width of the type, beyond which processors differ."""
    width = x.element_size() * 8
    if y.dtype in STORED_ONLY:
        return x, through_numpy(lambda array: np.minimum(array, array.dtype.type(width - 1)), y)
    return x, y.clamp(0, width - 1)


@op("LeftShift(x: T, y: T) -> z: T", T=INTEGER, differentiable=False, shape=broadcasting)
def left_shift_op(x: Array, y: Array) -> Array:
    x, y = _clamped(x, y)
    return through_numpy(np.left_shift, x, y) if x.dtype in STORED_ONLY else torch.bitwise_left_shift(x, y)


def left_shift(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Return `x` with its bits moved up by `y` places, zeros coming in.

    Args:
        x: an integer tensor.
        y: places, of the same type; less than 0 counts as 0, the width of the type or more as the width less 1.
        name: the name of the node.
    """
    return left_shift_op(x, y, name=name)


@op("RightShift(x: T, y: T) -> z: T", T=INTEGER, differentiable=False, shape=broadcasting)
def right_shift_op(x: Array, y: Array) -> Array:
    x, y = _clamped(x, y)
    return through_numpy(np.right_shift, x, y) if x.dtype in STORED_ONLY else torch.bitwise_right_shift(x, y)


def right_shift(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Return `x` with its bits moved down by `y` places; the sign is kept.

    Args:
        x: an integer tensor.
        y: places, of the same type; less than 0 counts as 0, the width of the type or more as the width less 1.
        name: the name of the node.
    """
    return right_shift_op(x, y, name=name)


@op("PopulationCount(x: T) -> y: uint8", T=INTEGER, differentiable=False, shape=unchanged)
def population_count_op(x: Array) -> Array:
    bits = through_numpy(
        lambda array: np.ascontiguousarray(array).view(np.uint8).reshape(*array.shape, array.itemsize), x
    )
    return through_numpy(lambda array: np.unpackbits(array, axis=-1).sum(-1, dtype=np.uint8), bits)
