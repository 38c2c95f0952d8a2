"""Images turned, mirrored, cropped and padded."""

from __future__ import annotations

from typing import Any

from penstock.core import dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.graph import name_scope
from penstock.core.inference import partial_value
from penstock.core.shape_rules import format_dims
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred
from penstock.ops.array.joining import stack
from penstock.ops.array.padding import pad
from penstock.ops.array.reversing import reverse
from penstock.ops.array.shaping import expand_dims, squeeze
from penstock.ops.array.shaping import transpose as transpose_axes
from penstock.ops.array.slicing import slice_
from penstock.ops.constant import constant, identity, shape_op
from penstock.ops.math.binary import maximum, minimum
from penstock.ops.math.cast import cast


def checked_image(image: Any, name: str = "image") -> Tensor:
    """Return an image or a batch of images as a tensor.

    Raises:
        ValueError: if its rank is known and neither 3 nor 4.
    """
    image = convert_to_tensor(image, name=name)
    if image.dims is not None and len(image.dims) not in (3, 4):
        raise ValueError(
            f"'{name}' (shape {format_dims(image.dims)}) must have either 3 or 4 dimensions: height, width and "
            "channels, after an optional batch."
        )
    return image


def single_image(image: Any) -> Tensor:
    """Return an image or batch of images as a tensor; what has no known rank is taken for one image.

    Raises:
        ValueError: if its rank is known and neither 3 nor 4.
    """
    image = checked_image(image)
    if image.dims is None:
        image = identity(image)
        image.set_shape([None, None, None])
    return image


def with_size(image: Tensor, *size: Any) -> Tensor:
    """Return an image that is known to have the height and width that are numbers."""
    assert image.dims is not None
    if None in image.dims[-3:-1]:
        height, width = (side if is_number(side) else None for side in size)
        image.set_shape([*image.dims[:-3], height, width, image.dims[-1]])  # type: ignore[attr-defined]
    return image


def image_sizes(image: Tensor) -> list[Any]:
    """Return the sizes of an image's axes: numbers where they are static, scalar tensors elsewhere."""
    if image.dims is None:
        raise ValueError("'image' must have a known rank; call set_shape on it")
    if None not in image.dims:
        return list(image.dims)
    shape = shape_op(image)
    return [shape[axis] if size is None else size for axis, size in enumerate(image.dims)]


def _known(value: Any) -> Any:
    """Return a number for a scalar whose value is known now, else the tensor."""
    if isinstance(value, Tensor):
        known = partial_value(value)
        return value if known is None or isinstance(known, list) else known
    return int(value)


def is_number(*values: Any) -> bool:
    """Tell whether all values are known now."""
    return not any(isinstance(value, Tensor) for value in values)


def _mirrored(image: Any, axis: int, name: str) -> Tensor:
    with name_scope(None, name, [image]):
        image = checked_image(image)
        if image.dims is None:
            rank = deferred("Rank")(image)
            return reverse(image, expand_dims(rank - (3 - axis), 0))
        return reverse(image, [axis + len(image.dims) - 3])


def flip_left_right(image: Any) -> Tensor:
    """Return images mirrored left to right.

    Args:
        image: numbers of shape (height, width, channels), or with a batch before.
    Raises:
        ValueError: for another rank.
    """
    return _mirrored(image, 1, "flip_left_right")


def flip_up_down(image: Any) -> Tensor:
    """Return images upside down; see `flip_left_right`."""
    return _mirrored(image, 0, "flip_up_down")


def transpose(image: Any, name: str | None = None) -> Tensor:
    """Return images with rows and columns exchanged; see `flip_left_right`."""
    with name_scope(name, "transpose", [image]):
        image = checked_image(image)
        if image.dims is None:
            raise ValueError("'image' must have a known rank; call set_shape on it")
        return transpose_axes(image, [1, 0, 2] if len(image.dims) == 3 else [0, 2, 1, 3], name=None)


def rot90(image: Any, k: Any = 1, name: str | None = None) -> Tensor:
    """Return images turned by quarter turns against the clock.

    Args:
        image: numbers of shape (height, width, channels), or with a batch before.
        k: the number of quarter turns, a scalar integer.
        name: the name of the scope.
    Raises:
        ValueError: for another rank.
    """
    with name_scope(name, "rot90", [image, k]):
        image = checked_image(image)
        if image.dims is None:
            raise ValueError("'image' must have a known rank; call set_shape on it")
        turns = _known(k)
        axis = len(image.dims) - 3
        order = [*range(axis), axis + 1, axis, axis + 2]
        if is_number(turns):
            turns %= 4
            if turns == 0:
                return deferred("Identity")(image)
            if turns == 2:
                return reverse(image, [axis, axis + 1])
            if turns == 1:
                return transpose_axes(reverse(image, [axis + 1]), order)
            return reverse(transpose_axes(image, order), [axis + 1])
        # Height and width of the result depend on the number of turns, so the pixels are gathered.
        return _turned(image, deferred("FloorMod")(cast(turns, dtypes.int32), 4), axis, order)


def _turned(image: Tensor, turns: Tensor, axis: int, order: list[int]) -> Tensor:
    """Return images after a number of quarter turns, 0 to 3, that is known at run time only."""
    is_odd = turns % 2
    rank = axis + 3
    exchanged = deferred("Range")(0, rank, 1) + is_odd * (constant(order) - deferred("Range")(0, rank, 1))
    turned = deferred("Transpose")(image, exchanged)
    # After the exchange of axes, 1 turn mirrors the rows, 2 turns mirror both, 3 turns mirror the columns.
    rows = deferred("LogicalOr")(deferred("Equal")(turns, 1), deferred("Equal")(turns, 2))
    columns = deferred("GreaterEqual")(turns, 2)
    never = constant(False)
    return deferred("Reverse")(turned, stack([never] * axis + [rows, columns, never]))


def crop_to_bounding_box(
    image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any
) -> Tensor:
    """Return a part of images.

    Args:
        image: numbers of shape (height, width, channels), or with a batch before.
        offset_height, offset_width: the upper left corner of the part.
        target_height, target_width: its size.
    Raises:
        ValueError: if the part does not lie in the image.
    """
    with name_scope(None, "crop_to_bounding_box", [image]):
        image = single_image(image)
        height, width = image_sizes(image)[-3:-1]
        top, left = _known(offset_height), _known(offset_width)
        rows, columns = _known(target_height), _known(target_width)
        for name, value in (("offset_height", top), ("offset_width", left)):
            if is_number(value) and value < 0:
                raise ValueError(f"{name} must be >= 0, got {value}.")
        for name, value in (("target_height", rows), ("target_width", columns)):
            if is_number(value) and value <= 0:
                raise ValueError(f"{name} must be > 0, got {value}.")
        _check_fits("height", top, rows, height)
        _check_fits("width", left, columns, width)
        before = [0] * (len(image.shape.as_list()) - 3)
        return slice_(
            image, stack_sizes([*before, top, left, 0]), stack_sizes([*(-1 for _ in before), rows, columns, -1])
        )


def _check_fits(axis: str, offset: Any, target: Any, size: Any) -> None:
    if is_number(offset, target, size) and offset + target > size:
        raise ValueError(f"{axis} must be >= target + offset, got a {axis} of {size} for {target} at {offset}.")


def stack_sizes(values: list[Any]) -> Any:
    """Return sizes as one vector: a list where all are known, else a tensor."""
    if is_number(*values):
        return values
    return stack([cast(value, dtypes.int32) if isinstance(value, Tensor) else value for value in values])


def pad_to_bounding_box(
    image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any
) -> Tensor:
    """Return images with zeros around them.

    Args:
        image: numbers of shape (height, width, channels), or with a batch before.
        offset_height, offset_width: rows of zeros above, and columns of zeros on the left.
        target_height, target_width: the size of the result.
    Raises:
        ValueError: if the image does not fit into the result.
    """
    with name_scope(None, "pad_to_bounding_box", [image]):
        image = single_image(image)
        height, width = image_sizes(image)[-3:-1]
        top, left = _known(offset_height), _known(offset_width)
        bottom = _after("height", top, _known(target_height), height)
        right = _after("width", left, _known(target_width), width)
        margins = [[0, 0]] * (len(image.shape.as_list()) - 3) + [[top, bottom], [left, right], [0, 0]]
        if is_number(top, left, bottom, right):
            return pad(image, margins)
        padded = pad(image, stack([stack_sizes(pair) for pair in margins]))
        return with_size(padded, _known(target_height), _known(target_width))


def _after(axis: str, offset: Any, target: Any, size: Any) -> Any:
    if is_number(offset) and offset < 0:
        raise ValueError(f"offset_{axis} must be >= 0, got {offset}.")
    after = target - offset - size
    if is_number(after) and after < 0:
        raise ValueError(f"{axis} must be <= target - offset, got a {axis} of {size} for {target} and {offset}.")
    return after


def resize_with_crop_or_pad(image: Any, target_height: Any, target_width: Any) -> Tensor:
    """Return images of a size: the middle of larger ones, and smaller ones in the middle of zeros.

    Args:
        image: numbers of shape (height, width, channels), or with a batch before.
        target_height, target_width: the size of the result.
    Raises:
        ValueError: if a size is not positive.
    """
    with name_scope(None, "resize_image_with_crop_or_pad", [image]):
        image = single_image(image)
        targets = _known(target_height), _known(target_width)
        for name, value in zip(("target_height", "target_width"), targets, strict=True):
            if is_number(value) and value <= 0:
                raise ValueError(f"{name} must be > 0, got {value}.")
        crops, pads, kept = [], [], []
        for target, size in zip(targets, image_sizes(image)[-3:-1], strict=True):
            if is_number(target, size):
                difference = target - size
                crops.append(max(-difference // 2, 0))
                pads.append(max(difference // 2, 0))
                kept.append(min(target, size))
            else:
                difference = target - size
                crops.append(maximum(-difference // 2, 0))
                pads.append(maximum(difference // 2, 0))
                kept.append(minimum(target, size))
        cropped = crop_to_bounding_box(image, crops[0], crops[1], kept[0], kept[1])
        return pad_to_bounding_box(cropped, pads[0], pads[1], targets[0], targets[1])


def central_crop(image: Any, central_fraction: Any) -> Tensor:
    """Return the middle of images.

    Args:
        image: numbers of shape (height, width, channels), or with a batch before.
        central_fraction: how much of height and width to keep, in (0, 1].
    Raises:
        ValueError: for another fraction.
    """
    with name_scope(None, "central_crop", [image]):
        image = checked_image(image)
        if isinstance(central_fraction, Tensor):
            known = partial_value(central_fraction)
            central_fraction = central_fraction if known is None else known
        fixed = not isinstance(central_fraction, Tensor)
        if fixed and not 0.0 < central_fraction <= 1.0:
            raise ValueError(f"central_fraction must be within (0, 1], got {central_fraction}")
        if fixed and central_fraction == 1.0:
            return image
        starts, lengths = [], []
        for size in image_sizes(image)[-3:-1]:
            if fixed and is_number(size):
                start: Any = int((float(size) - float(size) * central_fraction) / 2)
            else:
                wide = cast(size, dtypes.float64)
                start = cast((wide - wide * cast(central_fraction, dtypes.float64)) / 2, dtypes.int32)
            starts.append(start)
            lengths.append(size - start * 2)
        before = [0] * (len(image.shape.as_list()) - 3)
        begin, size = [*before, *starts, 0], [*(-1 for _ in before), *lengths, -1]
        return slice_(image, stack_sizes(begin), stack_sizes(size))


def with_batch(image: Tensor) -> tuple[Tensor, bool]:
    """Return 4-D images, and whether they were a batch already."""
    is_batch = len(image.shape.as_list()) == 4
    return (image if is_batch else expand_dims(image, 0)), is_batch


def without_batch(images: Tensor, is_batch: bool) -> Tensor:
    """Undo `with_batch`."""
    return images if is_batch else squeeze(images, [0])
