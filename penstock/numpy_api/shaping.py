"""Shapes: reshaping, moving axes, joining, splitting and repeating."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.numpy_api.conversion import known_rank, normalized_axes, normalized_axis, promoted, to_tensor
from penstock.ops.array import joining, padding, repeating, reversing
from penstock.ops.array import shaping as array_shaping
from penstock.ops.math.cast import cast


def shape(a: Any) -> TensorShape:
    """Return the static shape of an array."""
    return to_tensor(a).shape


def ndim(a: Any) -> Any:
    """Return the number of dimensions, None if it is not known."""
    return to_tensor(a).ndim


def size(x: Any, axis: Any = None) -> Any:
    """Return the number of elements: an integer, or a tensor where the shape is not known yet.

    Raises:
        NotImplementedError: if `axis` is given.
    """
    if axis is not None:
        raise NotImplementedError("size takes no axis: use shape(x)[axis]")
    tensor = to_tensor(x)
    if tensor.shape.is_fully_defined():
        return np.int64(tensor.shape.num_elements() or 0)
    return array_shaping.size(tensor)


def reshape(a: Any, newshape: Any, order: str = "C") -> Tensor:
    """Return the elements in another shape.

    Args:
        a: the array.
        newshape: the sizes; one of them may be -1.
        order: "C" lets the last index change fastest, "F" the first.
    Raises:
        ValueError: for another order.
    """
    if order not in ("C", "F"):
        raise ValueError(f"Unsupported order argument {order}: use 'C' or 'F'")
    tensor = to_tensor(a)
    sizes = [newshape] if isinstance(newshape, (int, np.integer)) else newshape
    if order == "C":
        return array_shaping.reshape(tensor, sizes)
    sizes = to_tensor(sizes)[::-1] if isinstance(sizes, Tensor) else list(sizes)[::-1]
    return array_shaping.transpose(array_shaping.reshape(array_shaping.transpose(tensor), sizes))


def ravel(a: Any) -> Tensor:
    """Return the elements as a vector."""
    return array_shaping.reshape(to_tensor(a), [-1])


def flatten(a: Any, order: str = "C") -> Tensor:
    """Return the elements as a vector, in the order "C" (also "A" and "K"), or "F": the first index changes fastest.

    Raises:
        ValueError: for another order.
    """
    if order not in ("C", "A", "K", "F"):
        raise ValueError(f"order can only be C, A, K (all row major) or F (column major), got {order!r}")
    return reshape(a, -1, "F" if order == "F" else "C")


def expand_dims(a: Any, axis: Any) -> Tensor:
    """Return the array with an axis of size 1 put in at a place, or several at their places in the result."""
    tensor = to_tensor(a)
    if not isinstance(axis, (list, tuple)):
        return array_shaping.expand_dims(tensor, axis)
    for place in sorted(normalized_axes(axis, known_rank(tensor, "expand_dims") + len(axis))):
        tensor = array_shaping.expand_dims(tensor, place)
    return tensor


def squeeze(a: Any, axis: Any = None) -> Tensor:
    """Return the array without the given axes, which must be of size 1; by default without all such."""
    return array_shaping.squeeze(to_tensor(a), axis)


def transpose(a: Any, axes: Any = None) -> Tensor:
    """Return the array with its axes in another order, reversed by default."""
    tensor = to_tensor(a)
    if axes is not None and not isinstance(axes, Tensor):
        axes = normalized_axes(axes, len(np.atleast_1d(axes)))
    return array_shaping.transpose(tensor, axes)


def swapaxes(a: Any, axis1: Any, axis2: Any) -> Tensor:
    """Return the array with two axes exchanged."""
    tensor = to_tensor(a)
    rank = known_rank(tensor, "swapaxes")
    order = list(range(rank))
    first, second = normalized_axis(axis1, rank), normalized_axis(axis2, rank)
    order[first], order[second] = order[second], order[first]
    return array_shaping.transpose(tensor, order)


def moveaxis(a: Any, source: Any, destination: Any) -> Tensor:
    """Return the array with axes moved to other places; the others keep their order.

    Raises:
        ValueError: if there are not as many destinations as sources.
    """
    tensor = to_tensor(a)
    rank = known_rank(tensor, "moveaxis")
    old, new = normalized_axes(source, rank), normalized_axes(destination, rank)
    if len(old) != len(new):
        raise ValueError(f"moveaxis needs as many destinations as sources, got {source!r} and {destination!r}")
    order = [axis for axis in range(rank) if axis not in old]
    for place, axis in sorted(zip(new, old, strict=True)):
        order.insert(place, axis)
    return array_shaping.transpose(tensor, order)


def broadcast_to(array: Any, shape: Any) -> Tensor:
    """Return the array repeated to a shape."""
    return array_shaping.broadcast_to(to_tensor(array), [shape] if isinstance(shape, (int, np.integer)) else shape)


def broadcast_arrays(*args: Any, **kwargs: Any) -> list[Tensor]:
    """Return the arrays repeated to the shape that they broadcast to.

    Raises:
        ValueError: if `subok=True` or another option is given.
    """
    if kwargs.pop("subok", False) or kwargs:
        raise ValueError(f"broadcast_arrays supports subok=False only, got {kwargs or 'subok=True'}")
    tensors = [to_tensor(arg) for arg in args]
    if not tensors:
        return []
    sizes: Any = array_shaping.shape(tensors[0])
    for tensor in tensors[1:]:
        sizes = array_shaping.broadcast_dynamic_shape(sizes, array_shaping.shape(tensor))
    static = tensors[0].shape
    for tensor in tensors[1:]:
        static = array_shaping.broadcast_static_shape(static, tensor.shape)
    target = static if static.is_fully_defined() else sizes
    return [array_shaping.broadcast_to(tensor, target) for tensor in tensors]


def _at_least(arys: Sequence[Any], lift: Callable[[Tensor, int], Tensor]) -> Any:
    tensors = [to_tensor(array) for array in arys]
    lifted = [lift(tensor, known_rank(tensor, "atleast")) for tensor in tensors]
    return lifted[0] if len(lifted) == 1 else lifted


def _with_axes(tensor: Tensor, *axes: int) -> Tensor:
    for axis in axes:
        tensor = array_shaping.expand_dims(tensor, axis)
    return tensor


def atleast_1d(*arys: Any) -> Any:
    """Return the arrays with at least one dimension: one array, or a list of several."""
    return _at_least(arys, lambda x, rank: _with_axes(x, *([0] if rank == 0 else [])))


def atleast_2d(*arys: Any) -> Any:
    """Return the arrays with at least two dimensions, the new ones in front: one array, or a list of several."""
    return _at_least(arys, lambda x, rank: _with_axes(x, *([0] * max(2 - rank, 0))))


def atleast_3d(*arys: Any) -> Any:
    """Return the arrays with at least three dimensions: (n,) becomes (1, n, 1), (m, n) becomes (m, n, 1)."""
    places: dict[int, list[int]] = {0: [0, 0, 0], 1: [0, 2], 2: [2]}
    return _at_least(arys, lambda x, rank: _with_axes(x, *places.get(rank, [])))


# Joining and splitting.


def _several(arrays: Any) -> list[Tensor]:
    """Return a sequence of arrays, or the rows of one array, as tensors of one type."""
    if isinstance(arrays, Tensor):
        return list(joining.unstack(arrays))
    return promoted(*arrays)


def concatenate(arys: Any, axis: Any = 0) -> Tensor:
    """Return arrays joined along an axis; with `axis=None` their elements as one vector."""
    tensors = _several(arys)
    if axis is None:
        return joining.concat([ravel(tensor) for tensor in tensors], 0)
    if len(tensors) == 1:
        normalized_axis(axis, known_rank(tensors[0], "concatenate"))
        return tensors[0]
    return joining.concat(tensors, axis)


def append(arr: Any, values: Any, axis: Any = None) -> Tensor:
    """Return two arrays joined along an axis; by default their elements as one vector."""
    return concatenate([to_tensor(arr), to_tensor(values)], axis)


def stack(arrays: Any, axis: Any = 0) -> Tensor:
    """Return arrays of one shape joined along a new axis."""
    return joining.stack(_several(arrays), axis)


def vstack(tup: Any) -> Tensor:
    """Return arrays stacked as rows: joined along the first axis, vectors as rows of a matrix."""
    return joining.concat([atleast_2d(tensor) for tensor in _several(tup)], 0)


def hstack(tup: Any) -> Tensor:
    """Return arrays joined along the second axis, vectors along their only one."""
    tensors = [atleast_1d(tensor) for tensor in _several(tup)]
    return joining.concat(tensors, 0 if tensors[0].ndim == 1 else 1)


def dstack(tup: Any) -> Tensor:
    """Return arrays joined along the third axis."""
    return joining.concat([atleast_3d(tensor) for tensor in _several(tup)], 2)


def split(ary: Any, indices_or_sections: Any, axis: Any = 0) -> list[Tensor]:
    """Return the parts of an array along an axis.

    Args:
        ary: the array.
        indices_or_sections: a number of equal parts, or the positions before which to cut.
        axis: the axis.
    """
    tensor = to_tensor(ary)
    if isinstance(indices_or_sections, (int, np.integer)):
        return list(joining.split(tensor, int(indices_or_sections), axis))
    place = normalized_axis(axis, known_rank(tensor, "split"))
    cuts = [int(cut) for cut in np.asarray(indices_or_sections).reshape(-1)]
    parts = []
    for start, stop in zip([0, *cuts], [*cuts, None], strict=True):
        parts.append(tensor[(slice(None),) * place + (slice(start, stop),)])
    return parts


def hsplit(ary: Any, indices_or_sections: Any) -> list[Tensor]:
    """Return the parts of an array along its second axis, of a vector along its only one; as `split`."""
    tensor = to_tensor(ary)
    return split(tensor, indices_or_sections, 0 if tensor.ndim == 1 else 1)


def vsplit(ary: Any, indices_or_sections: Any) -> list[Tensor]:
    """Return the parts of an array along its first axis, as `split`."""
    return split(ary, indices_or_sections, 0)


def dsplit(ary: Any, indices_or_sections: Any) -> list[Tensor]:
    """Return the parts of an array along its third axis, as `split`."""
    return split(ary, indices_or_sections, 2)


# Repeating, reversing, padding.


def repeat(a: Any, repeats: Any, axis: Any = None) -> Tensor:
    """Return the array with each element repeated along an axis; by default of the flattened array."""
    tensor = to_tensor(a)
    return repeating.repeat(ravel(tensor) if axis is None else tensor, repeats, 0 if axis is None else axis)


def tile(a: Any, reps: Any) -> Tensor:
    """Return the whole array repeated along each axis, the last ones where there are fewer `reps` than axes."""
    tensor = atleast_1d(a)
    counts = to_tensor(reps, np.int32) if isinstance(reps, Tensor) else np.atleast_1d(reps).astype(np.int32)
    rank, length = known_rank(tensor, "tile"), int(counts.shape[0])
    if length < rank:
        counts = joining.concat([np.ones(rank - length, np.int32), counts], 0)
    return joining.tile(_with_axes(tensor, *([0] * max(length - rank, 0))), counts)


def flip(m: Any, axis: Any = None) -> Tensor:
    """Return the elements in reverse order along an axis, or several; all by default."""
    tensor = to_tensor(m)
    rank = known_rank(tensor, "flip")
    return reversing.reverse(tensor, list(range(rank)) if axis is None else normalized_axes(axis, rank))


def flipud(m: Any) -> Tensor:
    """Return the array with its first axis reversed."""
    return flip(m, 0)


def fliplr(m: Any) -> Tensor:
    """Return the array with its second axis reversed."""
    return flip(m, 1)


def rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Tensor:
    """Return the array turned by `k` right angles in the plane of two axes, from the first toward the second."""
    tensor = to_tensor(m)
    first, second = normalized_axes(axes, known_rank(tensor, "rot90"))
    turns = k % 4
    if turns == 1:
        return flip(swapaxes(tensor, first, second), first)
    if turns == 3:
        return swapaxes(flip(tensor, first), first, second)
    return flip(tensor, (first, second)) if turns == 2 else tensor


def roll(a: Any, shift: Any, axis: Any = None) -> Tensor:
    """Return the elements shifted along axes; those that leave at the end enter at the front.

    Args:
        a: the array.
        shift: by how many places, for each axis.
        axis: an axis or several; by default the flattened array is shifted.
    """
    tensor = to_tensor(a)
    if axis is None:
        return array_shaping.reshape(reversing.roll(ravel(tensor), shift, 0), array_shaping.shape(tensor))
    several = isinstance(axis, (list, tuple))
    if several and not isinstance(shift, (list, tuple)):
        shift = [shift] * len(axis)
    elif not several and isinstance(shift, (list, tuple)):
        axis = [axis] * len(shift)
    return reversing.roll(tensor, shift, axis)


def pad(array: Any, pad_width: Any, mode: str, **kwargs: Any) -> Tensor:
    """Return the array with elements added before and after it along each axis.

    Args:
        array: the array.
        pad_width: pairs (before, after) for each axis; one pair or one number stands for all.
        mode: "constant", "reflect" (mirrored at the outer elements) or "symmetric" (mirrored at the edges).
        **kwargs: `constant_values`, 0 by default.
    Raises:
        ValueError: for another mode.
    """
    tensor = to_tensor(array)
    if mode not in ("constant", "reflect", "symmetric"):
        raise ValueError(f"Unsupported padding mode: {mode}. Use 'constant', 'reflect' or 'symmetric'.")
    if not isinstance(pad_width, Tensor):
        pad_width = np.broadcast_to(np.asarray(pad_width, np.int32), (known_rank(tensor, "pad"), 2))
    value = to_tensor(kwargs.get("constant_values", 0), tensor.dtype)
    if tensor.dtype.is_bool:
        return cast(padding.pad(cast(tensor, np.int8), pad_width, mode.upper(), cast(value, np.int8)), tensor.dtype)
    return padding.pad(tensor, pad_width, mode.upper(), value)
