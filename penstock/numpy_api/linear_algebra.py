"""Products of vectors, matrices and arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.core.dtypes import int32, int64
from penstock.core.tensor import Tensor
from penstock.numpy_api.conversion import is_inexact, known_rank, normalized_axis, promoted
from penstock.numpy_api.elementwise import conj, multiply, negative
from penstock.numpy_api.shaping import moveaxis, ravel
from penstock.ops.array import joining, shaping
from penstock.ops.math import einsum as einsums
from penstock.ops.math import matmul as products
from penstock.ops.math.cast import cast


def _in_product_type(operation: Callable[..., Tensor], *arrays: Tensor) -> Tensor:
    """Run a product in a type that has kernels: integers and booleans that lack them in a wider one."""
    dtype = arrays[0].dtype
    if is_inexact(dtype) or dtype in (int32, int64):
        return operation(*arrays)
    wide = int32 if dtype.is_bool or dtype.size < 4 else int64
    return cast(operation(*(cast(array, wide) for array in arrays)), dtype)


def matmul(x1: Any, x2: Any) -> Tensor:
    """Return the matrix product over the last two axes; vectors stand for a row on the left, a column on the right.

    Raises:
        ValueError: if one is a number.
    """
    a, b = promoted(x1, x2)
    rank_a, rank_b = known_rank(a, "matmul"), known_rank(b, "matmul")
    if not rank_a or not rank_b:
        raise ValueError(f"matmul needs vectors, matrices or stacks of them, got shapes {a.shape} and {b.shape}")

    def product(a: Tensor, b: Tensor) -> Tensor:
        if rank_b == 1:
            return products.tensordot(a, b, [[rank_a - 1], [0]])
        if rank_a == 1:
            return products.tensordot(a, b, [[0], [rank_b - 2]])
        return products.matmul(a, b)

    return _in_product_type(product, a, b)


def dot(a: Any, b: Any) -> Tensor:
    """Return the sum of products over the last axis of `a` and the second-to-last (of a vector, the only) axis of
    `b`."""
    x, y = promoted(a, b)
    rank_x, rank_y = known_rank(x, "dot"), known_rank(y, "dot")
    if not rank_x or not rank_y:
        return multiply(x, y)
    axes = [[rank_x - 1], [max(rank_y - 2, 0)]]
    return _in_product_type(lambda p, q: products.tensordot(p, q, axes), x, y)


def inner(a: Any, b: Any) -> Tensor:
    """Return the sum of products over the last axes of two arrays."""
    x, y = promoted(a, b)
    rank_x, rank_y = known_rank(x, "inner"), known_rank(y, "inner")
    if not rank_x or not rank_y:
        return multiply(x, y)
    return _in_product_type(lambda p, q: products.tensordot(p, q, [[rank_x - 1], [rank_y - 1]]), x, y)


def outer(a: Any, b: Any) -> Tensor:
    """Return the products of all elements of one array with all of another, as a matrix."""
    x, y = promoted(a, b)
    return multiply(ravel(x)[:, None], ravel(y)[None, :])


def vdot(a: Any, b: Any) -> Tensor:
    """Return the sum of the products of all elements, those of `a` conjugated."""
    x, y = promoted(a, b)
    return dot(ravel(conj(x)), ravel(y))


def tensordot(a: Any, b: Any, axes: Any = 2) -> Tensor:
    """Return the sum of products over axes of two arrays.

    Args:
        a, b: the arrays.
        axes: a number n: the last n axes of `a` with the first n of `b`; or the axes of each, two lists.
    """
    x, y = promoted(a, b)
    return _in_product_type(lambda p, q: products.tensordot(p, q, axes), x, y)


def einsum(subscripts: str, *operands: Any, **kwargs: Any) -> Tensor:
    """Return a sum of products given by Einstein's notation.

    Args:
        subscripts: such as "ij,jk->ik".
        *operands: the arrays.
        **kwargs: `optimize`, the way to look for an order of the products: True (default), False, "greedy" or
            "optimal". `casting` can be "safe" and `order` "C" only.
    Raises:
        ValueError: for other options.
    """
    options = {"casting": kwargs.pop("casting", "safe"), "order": kwargs.pop("order", "C")}
    optimize = kwargs.pop("optimize", True)
    if kwargs or options["casting"] != "safe" or options["order"] != "C":
        raise ValueError(f"einsum supports casting='safe' and order='C' only, got {options | kwargs}")
    strategy = {True: "greedy", False: "greedy"}.get(optimize, optimize)
    arrays = promoted(*operands)
    return _in_product_type(lambda *inputs: einsums.einsum(subscripts, *inputs, optimize=strategy), *arrays)


def kron(a: Any, b: Any) -> Tensor:
    """Return the Kronecker product: each element of `a` times the whole of `b`, set side by side."""
    x, y = promoted(a, b)
    rank = max(known_rank(x, "kron"), known_rank(y, "kron"))
    if not rank:
        return multiply(x, y)
    shape_x, shape_y = (
        joining.concat([np.ones(rank - known_rank(part, "kron"), np.int32), shaping.shape(part)], 0) for part in (x, y)
    )
    ones = np.ones(rank, np.int32)
    spread_x = shaping.reshape(x, shaping.reshape(joining.stack([shape_x, ones], 1), [-1]))
    spread_y = shaping.reshape(y, shaping.reshape(joining.stack([ones, shape_y], 1), [-1]))
    return shaping.reshape(multiply(spread_x, spread_y), shape_x * shape_y)


def cross(a: Any, b: Any, axisa: Any = -1, axisb: Any = -1, axisc: Any = -1, axis: Any = None) -> Tensor:
    """Return the cross products of vectors of two or three elements, a third element that is missing being 0.

    Args:
        a, b: the arrays of vectors.
        axisa, axisb: the axes along which the vectors lie.
        axisc: that of the result; two vectors of two elements give only the third, without an axis.
        axis: stands for all three.
    Raises:
        ValueError: if there are vectors of another length.
    """
    x, y = promoted(a, b)
    if axis is not None:
        axisa = axisb = axisc = axis
    x, y = moveaxis(x, axisa, -1), moveaxis(y, axisb, -1)
    if x.shape[-1] not in (2, 3) or y.shape[-1] not in (2, 3):
        raise ValueError(f"cross needs vectors of 2 or 3 elements, got {x.shape[-1]} and {y.shape[-1]}")
    x0, x1, y0, y1 = x[..., 0], x[..., 1], y[..., 0], y[..., 1]
    third = multiply(x0, y1) - multiply(x1, y0)
    if x.shape[-1] == 2 and y.shape[-1] == 2:
        return third
    if y.shape[-1] == 2:
        x2 = x[..., 2]
        first, second = negative(multiply(x2, y1)), multiply(x2, y0)
    elif x.shape[-1] == 2:
        y2 = y[..., 2]
        first, second = multiply(x1, y2), negative(multiply(x0, y2))
    else:
        x2, y2 = x[..., 2], y[..., 2]
        first, second = multiply(x1, y2) - multiply(x2, y1), multiply(x2, y0) - multiply(x0, y2)
    result = joining.stack([first, second, third], -1)
    return moveaxis(result, -1, normalized_axis(axisc, known_rank(result, "cross")))
