"""Picking elements: by positions, by conditions, along axes and diagonals, and NumPy's notation for indices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.convert import is_tensor_like
from penstock.core.dtypes import int32, int64
from penstock.core.tensor import Tensor
from penstock.numpy_api import reductions
from penstock.numpy_api.conversion import known_rank, normalized_axis, promoted, to_tensor
from penstock.numpy_api.creation import diagonal_of
from penstock.numpy_api.dtypes import has_tensors
from penstock.numpy_api.shaping import atleast_1d, broadcast_arrays, moveaxis, ravel
from penstock.ops.array import filling, gather, joining, selecting, shaping
from penstock.ops.array.indexing import getitem
from penstock.ops.math import binary, compare, reduce, sequence
from penstock.ops.math.cast import cast


def _positions(indices: Any) -> Tensor:
    tensor = to_tensor(indices)
    return tensor if tensor.dtype in (int32, int64) else cast(tensor, int64)


def _length(tensor: Tensor, axis: int, dtype: Any) -> Tensor:
    return to_tensor(shaping.shape(tensor)[axis], dtype)


def _from_front(indices: Tensor, length: Tensor) -> Tensor:
    """Return positions with the negative ones counted from the end."""
    return selecting.where(compare.less(indices, to_tensor(0, indices.dtype)), indices + length, indices)


def take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "clip") -> Tensor:
    """Return elements, or slices, at positions along an axis.

    Args:
        a: the array.
        indices: the positions, of any shape.
        axis: the axis; by default the positions are those in the flattened array.
        out: must be None.
        mode: what becomes of positions outside: "clip" takes the first or last element, "wrap" goes around.
    Raises:
        ValueError: if `out` is given, or for the mode "raise".
    """
    if out is not None:
        raise ValueError("out argument is not supported in take: arrays are never written. Use the result.")
    if mode not in ("clip", "wrap"):
        raise ValueError(f"The {mode!r} mode to take is not supported: use 'clip' or 'wrap'.")
    tensor, places = to_tensor(a), _positions(indices)
    if axis is None:
        tensor, axis = ravel(tensor), 0
    axis = normalized_axis(axis, known_rank(tensor, "take"))
    length = _length(tensor, axis, places.dtype)
    if mode == "wrap":
        places = binary.floormod(places, length)
    else:
        zero, one = to_tensor(0, places.dtype), to_tensor(1, places.dtype)
        places = binary.maximum(binary.minimum(places, length - one), zero)
    return gather.gather(tensor, places, axis=axis)


def take_along_axis(arr: Any, indices: Any, axis: Any) -> Tensor:
    """Return for each row along an axis the elements at that row's positions.

    Args:
        arr: the array.
        indices: the positions, of the rank of `arr`; its other axes broadcast with those of `arr`.
        axis: the axis; None means the flattened array.
    Raises:
        ValueError: if the ranks differ.
    """
    tensor, places = to_tensor(arr), _positions(indices)
    if axis is None:
        tensor, places, axis = ravel(tensor), ravel(places), 0
    rank = known_rank(tensor, "take_along_axis")
    if known_rank(places, "take_along_axis") != rank:
        raise ValueError(f"`indices` and `arr` must have the same number of dimensions, got {places.ndim} and {rank}")
    axis = normalized_axis(axis, rank)
    places = _from_front(places, _length(tensor, axis, places.dtype))
    rows, wanted = moveaxis(tensor, axis, -1), moveaxis(places, axis, -1)
    rows_outer, wanted_outer = shaping.shape(rows)[:-1], shaping.shape(wanted)[:-1]
    outer = shaping.broadcast_dynamic_shape(rows_outer, wanted_outer)
    rows = shaping.broadcast_to(rows, joining.concat([outer, shaping.shape(rows)[-1:]], 0))
    wanted = shaping.broadcast_to(wanted, joining.concat([outer, shaping.shape(wanted)[-1:]], 0))
    return moveaxis(gather.gather(rows, wanted, axis=rank - 1, batch_dims=rank - 1), -1, axis)


def nonzero(a: Any) -> list[Tensor]:
    """Return the positions of the elements that are not 0: a vector of int64 for each axis."""
    found = selecting.where(to_tensor(atleast_1d(a), dtypes.bool_))
    return list(joining.unstack(found, axis=1))


def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    """Return elements of `x` where a condition is true, of `y` elsewhere; without them the positions where it is true.

    Args:
        condition: truth values, or numbers, which are true unless 0.
        x, y: arrays; all three broadcast.
    Raises:
        ValueError: if just one of `x` and `y` is given.
    """
    test = to_tensor(condition, dtypes.bool_)
    if x is None and y is None:
        return nonzero(test)
    if x is None or y is None:
        raise ValueError("Both x and y must be ndarrays, or both must be None.")
    chosen, other = promoted(x, y)
    return selecting.where(test, chosen, other)


def select(condlist: Any, choicelist: Any, default: Any = 0) -> Tensor:
    """Return elements of the first choice whose condition is true.

    Args:
        condlist: the conditions.
        choicelist: an array for each condition.
        default: what to take where no condition is true.
    Raises:
        ValueError: if there are not as many choices as conditions, or none.
    """
    if len(condlist) != len(choicelist) or not len(condlist):
        raise ValueError(f"select needs a choice for each condition, got {len(condlist)} and {len(choicelist)}")
    *choices, result = promoted(*choicelist, default)
    for condition, choice in zip(reversed(list(condlist)), reversed(choices), strict=True):
        result = selecting.where(to_tensor(condition, dtypes.bool_), choice, result)
    return result


def compress(condition: Any, a: Any, axis: Any = None) -> Tensor:
    """Return the slices along an axis for which a condition is true.

    Args:
        condition: a vector of truth values; those missing at its end are false.
        a: the array.
        axis: the axis; by default the array is flattened.
    Raises:
        ValueError: if the condition is no vector.
    """
    test, tensor = to_tensor(condition, dtypes.bool_), to_tensor(a)
    if test.ndim != 1:
        raise ValueError(f"condition must be a 1-d array, got shape {test.shape}")
    if axis is None:
        tensor, axis = ravel(tensor), 0
    places = selecting.where(test)[:, 0]
    return gather.gather(tensor, places, axis=normalized_axis(axis, known_rank(tensor, "compress")))


def ix_(*args: Any) -> list[Tensor]:
    """Return vectors as index arrays of a grid: the n-th lies along axis n.

    Args:
        *args: vectors of positions, or of truth values.
    Raises:
        ValueError: if one is no vector.
    """
    result = []
    for place, arg in enumerate(args):
        tensor = to_tensor(arg)
        if tensor.ndim != 1:
            raise ValueError(f"Arguments must be 1-d, got an array of shape {tensor.shape}")
        if tensor.dtype.is_bool:
            tensor = selecting.where(tensor)[:, 0]
        result.append(shaping.reshape(tensor, [1] * place + [-1] + [1] * (len(args) - place - 1)))
    return result


# Diagonals and triangles.


def diagonal(a: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Tensor:
    """Return a diagonal of the matrices that lie along two axes, as the last axis of the result."""
    tensor = to_tensor(a)
    rank = known_rank(tensor, "diagonal")
    if rank < 2:
        raise ValueError(f"diagonal needs an array of at least two dimensions, got shape {tensor.shape}")
    if (normalized_axis(axis1, rank), normalized_axis(axis2, rank)) != (rank - 2, rank - 1):
        tensor = moveaxis(tensor, (axis1, axis2), (-2, -1))
    return diagonal_of(tensor, offset)


def trace(a: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1, dtype: Any = None) -> Tensor:
    """Return the sum of a diagonal of the matrices that lie along two axes, in their type unless `dtype` says
    another; of other diagonals than the main one in the type in which `sum` would."""
    elements = diagonal(to_tensor(a, dtype), offset, axis1, axis2)
    return reductions.sum(elements, -1) if offset else reduce.reduce_sum(elements, -1)


def _offsets(tensor: Tensor, function: str) -> Tensor:
    """Return for each element of a matrix how far right of the main diagonal it lies."""
    if known_rank(tensor, function) < 2:
        raise ValueError(f"Argument m to {function} must have at least 2 dimensions, got shape {tensor.shape}")
    rows, columns = shaping.shape(tensor)[-2], shaping.shape(tensor)[-1]
    return sequence.range(columns)[None, :] - sequence.range(rows)[:, None]


def tril(m: Any, k: Any = 0) -> Tensor:
    """Return the matrices with the elements above the diagonal `k` replaced by 0."""
    tensor = to_tensor(m)
    return selecting.where(compare.less_equal(_offsets(tensor, "tril"), k), tensor, filling.zeros_like(tensor))


def triu(m: Any, k: Any = 0) -> Tensor:
    """Return the matrices with the elements below the diagonal `k` replaced by 0."""
    tensor = to_tensor(m)
    return selecting.where(compare.greater_equal(_offsets(tensor, "triu"), k), tensor, filling.zeros_like(tensor))


# NumPy's notation: `array[...]` with masks and arrays of positions.


def _is_array(item: Any) -> bool:
    """Tell whether an index is a list, a mask or an array with dimensions."""
    if isinstance(item, (list, np.ndarray, bool, np.bool_)):
        return not isinstance(item, np.ndarray) or item.ndim > 0 or item.dtype == np.bool_
    if isinstance(item, (Tensor,)) or (not isinstance(item, (int, np.integer)) and is_tensor_like(item)):
        tensor = to_tensor(item)
        return tensor.ndim != 0 or tensor.dtype.is_bool
    return False


def numpy_getitem(tensor: Any, key: Any) -> Tensor:
    """Return `tensor[key]` by NumPy's rules.

    Args:
        tensor: the tensor.
        key: what `tf.Tensor` takes, and lists and arrays of positions or truth values, also several beside each other.
    Raises:
        IndexError: if there are more indices than axes.
        InvalidArgumentError: if positions lie outside.
    """
    # A list that holds lists counts as a tuple, as TensorFlow has it.
    is_nested = isinstance(key, list) and any(isinstance(item, (list, slice)) or item is None for item in key)
    items = tuple(key) if is_nested or isinstance(key, tuple) else (key,)
    if not any(_is_array(item) for item in items):
        return getitem(tensor, key)
    array = to_tensor(tensor)
    if len(items) == 1 and known_rank(array, "indexing"):
        single = to_tensor(items[0] if len(np.shape(items[0])) or not isinstance(items[0], list) else [])
        if single.dtype.is_bool and single.ndim:
            return selecting.boolean_mask(array, single)
    return _advanced(array, _filled(array, items))


def _filled(array: Tensor, items: Sequence[Any]) -> list[Any]:
    """Return indices with masks as positions, and slices for the axes that `...` or the end leave out."""
    expanded: list[Any] = []
    for item in items:
        if _is_array(item):
            index = to_tensor(item if not isinstance(item, list) or len(item) else np.zeros(0, np.int64))
            if index.dtype.is_bool and index.ndim == 0:
                raise IndexError("a single truth value is no index beside arrays: use an array of them")
            expanded += nonzero(index) if index.dtype.is_bool else [_positions(index)]
        else:
            expanded.append(item)
    rank = known_rank(array, "indexing")
    used = sum(item is not None and item is not Ellipsis for item in expanded)
    if used > rank:
        raise IndexError(f"too many indices: the array has {rank} dimensions, but {used} were indexed")
    missing = [slice(None)] * (rank - used)
    for place, item in enumerate(expanded):
        if item is Ellipsis:
            return [*expanded[:place], *missing, *expanded[place + 1 :]]
    return expanded + missing


def _is_positions(item: Any) -> bool:
    return isinstance(item, Tensor) and item.ndim != 0


def _advanced(array: Tensor, items: list[Any]) -> Tensor:
    # Numbers and slices are taken first; what remains are arrays, each for an axis of the rest.
    basic = [slice(None) if _is_positions(item) else item for item in items]
    if not all(isinstance(item, slice) and item == slice(None) for item in basic):
        array = getitem(array, tuple(basic))
    kept = [item for item in items if item is None or isinstance(item, slice) or _is_positions(item)]
    axes = [axis for axis, item in enumerate(kept) if _is_positions(item)]
    indices: list[Any] = [kept[axis] for axis in axes]
    dtype = int64 if any(index.dtype == int64 for index in indices) else int32
    indices = [
        _from_front(cast(index, dtype), _length(array, axis, dtype)) for index, axis in zip(indices, axes, strict=True)
    ]
    if len(indices) == 1:
        return gather.gather(array, indices[0], axis=axes[0])
    indices = broadcast_arrays(*indices)
    others = [axis for axis in range(known_rank(array, "indexing")) if axis not in axes]
    found = gather.gather_nd(shaping.transpose(array, axes + others), joining.stack(indices, -1))
    if axes != list(range(axes[0], axes[-1] + 1)) or not axes[0]:
        return found
    # Arrays that stand side by side leave their axes where they stood, others in front.
    new = known_rank(indices[0], "indexing")
    before, after = range(new, new + axes[0]), range(new + axes[0], new + len(others))
    return shaping.transpose(found, [*before, *range(new), *after])


def is_numeric_operand(value: Any) -> bool:
    """Tell whether an operand takes part in NumPy's promotion: a number, an array, a tensor of numbers, or a list of
    those."""
    if isinstance(value, (bool, int, float, complex, np.generic, np.ndarray)):
        return np.asarray(value).dtype.kind in "biufcV"
    if isinstance(value, (list, tuple)):
        return has_tensors(value) or np.asarray(value).dtype.kind in "biufc"
    if isinstance(value, Tensor) or is_tensor_like(value):
        dtype = getattr(value, "dtype", None)
        return dtype is not None and (dtype.is_bool or dtype.is_integer or dtype.is_floating or dtype.is_complex)
    return False
