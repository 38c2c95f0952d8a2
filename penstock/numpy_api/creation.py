"""Making arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core.dtypes import int32
from penstock.core.tensor import Tensor
from penstock.numpy_api.conversion import is_inexact, known_rank, promoted_floating, to_tensor
from penstock.numpy_api.dtypes import has_tensors, result_type, tensor_dtype
from penstock.ops.array import diagonal, filling, grid, joining, shaping
from penstock.ops.constant import identity as identity_of
from penstock.ops.math import sequence
from penstock.ops.math.cast import cast

ndarray = Tensor


def array(val: Any, dtype: Any = None, copy: bool = True, ndmin: int = 0) -> Tensor:
    """Return a value as an array.

    Args:
        val: a tensor, an array, a number, or a nested list of those.
        dtype: the type of the elements; by default what NumPy gives the value.
        copy: whether the array must not be the argument itself.
        ndmin: how many dimensions there must be at least; sizes of 1 are put in front.
    """
    tensor = to_tensor(val, dtype)
    if copy and tensor is val:
        tensor = identity_of(tensor)
    if ndmin:
        missing = ndmin - known_rank(tensor, "array")
        if missing > 0:
            tensor = shaping.reshape(tensor, joining.concat([np.ones(missing, np.int32), shaping.shape(tensor)], 0))
    return tensor


def asarray(a: Any, dtype: Any = None) -> Tensor:
    """Return a value as an array; a tensor of the right type is returned itself."""
    return to_tensor(a, dtype)


def asanyarray(a: Any, dtype: Any = None) -> Tensor:
    """Return a value as an array; a tensor of the right type is returned itself."""
    return to_tensor(a, dtype)


def ascontiguousarray(a: Any, dtype: Any = None) -> Tensor:
    """Return a value as an array of at least one dimension."""
    return array(a, dtype, ndmin=1)


def copy(a: Any) -> Tensor:
    """Return a copy of an array."""
    return array(a, copy=True)


def _shape(shape: Any) -> Any:
    return [shape] if isinstance(shape, (int, np.integer)) else shape


def empty(shape: Any, dtype: Any = float) -> Tensor:
    """Return an array of a shape; its elements, which NumPy leaves open, are 0."""
    return zeros(shape, dtype)


def empty_like(a: Any, dtype: Any = None) -> Tensor:
    """Return an array of the shape of another; its elements, which NumPy leaves open, are 0."""
    return zeros_like(a, dtype)


def zeros(shape: Any, dtype: Any = float) -> Tensor:
    """Return an array of zeros; `shape` is an integer or a sequence of them, `dtype` float64 by default."""
    return filling.zeros(_shape(shape), tensor_dtype(dtype))


def zeros_like(a: Any, dtype: Any = None) -> Tensor:
    """Return an array of zeros of the shape of another, and of its type by default."""
    return filling.zeros_like(to_tensor(a), None if dtype is None else tensor_dtype(dtype))


def ones(shape: Any, dtype: Any = float) -> Tensor:
    """Return an array of ones; `shape` is an integer or a sequence of them, `dtype` float64 by default."""
    return filling.ones(_shape(shape), tensor_dtype(dtype))


def ones_like(a: Any, dtype: Any = None) -> Tensor:
    """Return an array of ones of the shape of another, and of its type by default."""
    return filling.ones_like(to_tensor(a), None if dtype is None else tensor_dtype(dtype))


def full(shape: Any, fill_value: Any, dtype: Any = None) -> Tensor:
    """Return an array of a shape, filled with a value that broadcasts to it."""
    return shaping.broadcast_to(to_tensor(fill_value, dtype), _shape(shape))


def full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None
) -> Tensor:
    """Return an array of the shape of another, filled with a value.

    Args:
        a: the other array.
        fill_value: what broadcasts to its shape.
        dtype: the type; by default that of `a`.
        order, subok: accepted as NumPy's defaults only.
        shape: another shape than that of `a`.
    Raises:
        ValueError: if `order` or `subok` ask for what tensors do not have.
    """
    if order != "K" or not subok:
        raise ValueError(f"full_like has order='K' and subok=True only, got order={order!r}, subok={subok!r}")
    tensor = to_tensor(a)
    value = to_tensor(fill_value, tensor.dtype if dtype is None else dtype)
    return shaping.broadcast_to(value, shaping.shape(tensor) if shape is None else _shape(shape))


def eye(N: Any, M: Any = None, k: int = 0, dtype: Any = float) -> Tensor:
    """Return a matrix with ones on a diagonal.

    Args:
        N, M: the numbers of rows and columns (as many as rows, by default).
        k: the diagonal; above the main one if positive.
        dtype: the type, float64 by default.
    """
    rows, columns = int(N), int(N if M is None else M)
    return to_tensor(np.eye(rows, columns, int(k)), dtype)


def identity(n: Any, dtype: Any = float) -> Tensor:
    """Return the identity matrix of `n` rows."""
    return eye(n, dtype=dtype)


def tri(N: Any, M: Any = None, k: int = 0, dtype: Any = None) -> Tensor:
    """Return a matrix with ones at and below a diagonal.

    Args:
        N, M: the numbers of rows and columns (as many as rows, by default).
        k: the diagonal.
        dtype: the type, float64 by default.
    """
    return to_tensor(np.tri(int(N), None if M is None else int(M), int(k)), float if dtype is None else dtype)


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> Tensor:
    """Return numbers from `start` up to, not including, `stop`; with one argument from 0 up to it.

    Args:
        start, stop: the bounds.
        step: the distance.
        dtype: the type; by default that of the arguments together.
    Raises:
        ValueError: if `step` is 0.
    """
    given = [part for part in (start, stop, step) if part is not None]
    wanted = result_type(*given) if dtype is None else tensor_dtype(dtype)
    if not has_tensors(given):
        if step == 0:
            raise ValueError("step must be non-zero.")
        numbers = np.arange(start, step=step) if stop is None else np.arange(start, stop, step)
        return to_tensor(numbers, wanted)
    first, last = (0, start) if stop is None else (start, stop)
    counted = wanted if is_inexact(wanted) or wanted.size == 8 else int32
    begin, end, distance = (to_tensor(part, counted) for part in (first, last, step))
    return to_tensor(sequence.range(begin, end, distance), wanted)


def _spaced(start: Any, stop: Any, num: Any, endpoint: bool, dtype: Any) -> tuple[Tensor, Tensor, int, Any]:
    """Return the bounds as floating tensors of one shape, the number of steps between them, and the type wanted."""
    if int(num) < 0:
        raise ValueError(f"Number of samples {int(num)} must be non-negative.")
    first, last = promoted_floating(start, stop)
    zero = filling.zeros_like(first) + filling.zeros_like(last)
    steps = max(int(num) - 1 if endpoint else int(num), 1)
    return first + zero, last + zero, steps, first.dtype if dtype is None else tensor_dtype(dtype)


def _samples(first: Tensor, last: Tensor, steps: int, num: int, endpoint: bool) -> Tensor:
    """Return numbers at equal distances along a new leading axis; the last one is exact."""
    rank = known_rank(first, "linspace")
    inner = num - 1 if endpoint and num > 1 else num
    counts = to_tensor(np.arange(inner).reshape((-1,) + (1,) * rank), first.dtype)
    result = first + counts * ((last - first) / to_tensor(steps, first.dtype))
    return result if inner == num else joining.concat([result, last[None]], 0)


def _placed(samples: Tensor, axis: Any, dtype: Any) -> Tensor:
    """Return samples, which lie along axis 0, along another axis and in the type wanted."""
    rank = known_rank(samples, "linspace")
    place = int(axis) % rank if -rank <= int(axis) < rank else rank - 1
    if place:
        order = list(range(1, rank))
        order.insert(place, 0)
        samples = shaping.transpose(samples, order)
    return cast(samples, dtype)


def linspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = float,
    axis: Any = 0,
) -> Any:
    """Return numbers at equal distances.

    Args:
        start, stop: the bounds, of shapes that broadcast.
        num: how many.
        endpoint: whether `stop` is the last of them.
        retstep: whether to return the distance too.
        dtype: the type; Python's `float` and None mean that of the bounds together, floating.
        axis: where the numbers lie in the result.
    Returns:
        The numbers; with `retstep` a tuple of them and the distance.
    """
    first, last, steps, wanted = _spaced(start, stop, num, endpoint, None if dtype is float else dtype)
    result = _placed(_samples(first, last, steps, int(num), endpoint), axis, wanted)
    return (result, (last - first) / to_tensor(steps, first.dtype)) if retstep else result


def logspace(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, base: Any = 10.0, dtype: Any = None, axis: Any = 0
) -> Tensor:
    """Return `base` raised to numbers at equal distances.

    Args:
        start, stop: the bounds of the exponents.
        num, endpoint, axis: as in `linspace`.
        base: the base.
        dtype: the type; by default that of the bounds together, floating.
    """
    first, last, steps, wanted = _spaced(start, stop, num, endpoint, dtype)
    exponents = _samples(first, last, steps, int(num), endpoint)
    return _placed(to_tensor(base, first.dtype) ** exponents, axis, wanted)


def geomspace(start: Any, stop: Any, num: Any = 50, endpoint: bool = True, dtype: Any = None, axis: Any = 0) -> Tensor:
    """Return numbers of which each is the one before times the same factor.

    Args:
        start, stop: the bounds, of one sign and not 0.
        num, endpoint, dtype, axis: as in `logspace`.
    """
    first, last, steps, wanted = _spaced(start, stop, num, endpoint, dtype)
    exponents = _samples(filling.zeros_like(first), filling.ones_like(first), steps, int(num), endpoint)
    return _placed(first * (last / first) ** exponents, axis, wanted)


def meshgrid(*xi: Any, **kwargs: Any) -> list[Tensor]:
    """Return the coordinates of a grid.

    Args:
        *xi: the vectors of coordinates along each axis.
        **kwargs: `indexing`, "xy" (default) or "ij". `sparse` can be False and `copy` True only.
    Raises:
        ValueError: for `sparse=True` or `copy=False`.
    """
    if kwargs.pop("sparse", False):
        raise ValueError(
            "meshgrid does not support sparse arrays, got sparse=True. Index the vectors with None instead."
        )
    if not kwargs.pop("copy", True):
        raise ValueError("meshgrid always copies, got copy=False. Leave it out.")
    return list(grid.meshgrid(*[to_tensor(x) for x in xi], **kwargs))


def vander(x: Any, N: Any = None, increasing: bool = False) -> Tensor:
    """Return the matrix of powers of a vector: each row holds the powers of one element.

    Args:
        x: a vector.
        N: the number of columns; by default as many as elements.
        increasing: whether the powers grow from left to right.
    """
    values = to_tensor(x)
    if known_rank(values, "vander") != 1:
        raise ValueError(f"vander needs a vector, got an array of shape {values.shape}")
    if N is None:
        columns = values.shape[0] if values.shape[0] is not None else shaping.shape(values)[0]
    else:
        columns = N
    if isinstance(columns, int) and columns < 0:
        raise ValueError(f"N must be non-negative, got {columns}")
    exponents = sequence.range(columns) if increasing else sequence.range(columns - 1, -1, -1)
    return values[:, None] ** cast(exponents, values.dtype)


def diag(v: Any, k: Any = 0) -> Tensor:
    """Return a matrix with a vector on its diagonal `k`, or the diagonal `k` of a matrix.

    Raises:
        ValueError: if `v` has neither one nor two dimensions.
    """
    values = to_tensor(v)
    rank = known_rank(values, "diag")
    if rank == 1:
        return diagonal.diag(values, k=k)
    if rank != 2:
        raise ValueError(f"diag needs a vector or a matrix, got an array of shape {values.shape}")
    return diagonal_of(values, k)


def diagflat(v: Any, k: Any = 0) -> Tensor:
    """Return a matrix with the elements of an array, flattened, on its diagonal `k`."""
    return diag(shaping.reshape(to_tensor(v), [-1]), k)


def diagonal_of(values: Tensor, offset: Any) -> Tensor:
    """Return a diagonal of the matrices in the last two axes; outside of them it is empty."""
    rows, columns = values.shape[-2], values.shape[-1]
    if rows is not None and columns is not None and not -rows < int(offset) < columns and rows and columns:
        return values[..., 0, :0]
    return diagonal.diag_part(values, k=offset)


def diag_indices(n: Any, ndim: int = 2) -> tuple[Tensor, ...]:
    """Return the indices of the main diagonal of an array of `n` elements along each of `ndim` axes."""
    if isinstance(n, (int, np.integer)) and n < 0:
        raise ValueError(f"n must be non-negative, got {n}")
    return (sequence.range(n),) * ndim
