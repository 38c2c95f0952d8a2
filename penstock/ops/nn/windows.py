"""What convolutions and pools share: where windows lie on an axis, and the layouts of images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from penstock.core.array import Array
from penstock.core.shape_rules import ShapeError, UnsupportedError, expect_rank

Sizes = tuple[int | None, ...]

# Orders of axes that turn images with channels last into images with channels first, and back, by rank.
_TO_CHANNELS_FIRST = {3: (0, 2, 1), 4: (0, 3, 1, 2), 5: (0, 4, 1, 2, 3)}
_TO_CHANNELS_LAST = {3: (0, 2, 1), 4: (0, 2, 3, 1), 5: (0, 2, 3, 4, 1)}


def channels_first(images: Array, data_format: str) -> Array:
    """Return images as the kernels take them: a view with the channels as the second axis."""
    return images.permute(_TO_CHANNELS_FIRST[images.ndim]) if data_format.endswith("C") else images


def from_channels_first(images: Array, data_format: str) -> Array:
    """Return what a kernel gave in the layout `data_format`, as a view."""
    return images.permute(_TO_CHANNELS_LAST[images.ndim]) if data_format.endswith("C") else images


def split_sizes(sizes: Sequence[Any], data_format: str) -> tuple[Any, Any, tuple[Any, ...]]:
    """Return the batch, the channels and the spatial part of something given for each axis."""
    if data_format.endswith("C"):
        return sizes[0], sizes[-1], tuple(sizes[1:-1])
    return sizes[0], sizes[1], tuple(sizes[2:])


def join_sizes(batch: Any, channels: Any, spatial: Sequence[Any], data_format: str) -> tuple[Any, ...]:
    """Return sizes in the order of the axes of `data_format`."""
    return (batch, *spatial, channels) if data_format.endswith("C") else (batch, channels, *spatial)


def windows(
    size: int | None, filter: int | None, stride: int, dilation: int, padding: str, explicit: tuple[int, int] = (0, 0)
) -> tuple[int | None, int, int]:
    """Lay windows along one axis.

    Args:
        size: the size of the axis, without padding.
        filter: the elements of the window.
        stride: the step from window to window.
        dilation: the step from element to element of a window.
        padding: 'SAME', 'VALID' or 'EXPLICIT'.
        explicit: the padding before and after, for 'EXPLICIT'.
    Returns:
        The number of windows, and the padding before and after; the paddings are of use only where the sizes are known.
    Raises:
        ShapeError: if no window fits.
    """
    if padding == "SAME":
        if size is None:
            return None, 0, 0
        count = -(-size // stride)
        if filter is None:
            return count, 0, 0
        missing = max((count - 1) * stride + (filter - 1) * dilation + 1 - size, 0)
        return count, missing // 2, missing - missing // 2
    before, after = explicit if padding == "EXPLICIT" else (0, 0)
    if size is None or filter is None:
        return None, before, after
    window = (filter - 1) * dilation + 1
    span = size + before + after - window + 1
    # TensorFlow rounds the number of windows toward 0: a step more than a stride too large is what it refuses.
    if span < 0 and span + stride - 1 <= -stride:
        raise ShapeError(
            f"Computed output size would be negative: a window of {window} (filter {filter}, dilation {dilation}) "
            f"does not fit into an axis of {size + before + after}. Use padding 'SAME' or a smaller filter"
        )
    return max(-(-span // stride), 0), before, after


def check_window_attribute(name: str, values: Sequence[int], rank: int, data_format: str) -> tuple[int, ...]:
    """Return the spatial part of strides or dilations, having checked the attribute.

    Raises:
        ShapeError: if it has not one positive number an axis, or moves along the batch or the channels.
    """
    if len(values) != rank:
        raise ShapeError(f"{name} must have {rank} numbers, one for each axis of {data_format}, got {list(values)}")
    batch, channels, spatial = split_sizes(values, data_format)
    if batch != 1 or channels != 1:
        raise UnsupportedError(
            f"{name} in the batch and depth dimensions are not supported: "
            f"they must be 1 in {list(values)} for {data_format}"
        )
    if min(spatial) < 1:
        raise ShapeError(f"{name} must be at least 1, got {list(values)}")
    return spatial


def explicit_pairs(
    padding: str, explicit_paddings: Sequence[int], rank: int, data_format: str
) -> tuple[tuple[int, int], ...]:
    """Return the padding before and after each spatial axis, having checked the attribute.

    Raises:
        ShapeError: if it is given without padding 'EXPLICIT', missing with it, negative, or pads batch or channels.
    """
    if padding != "EXPLICIT":
        if explicit_paddings:
            raise ShapeError(f"explicit_paddings must be empty unless padding is 'EXPLICIT', got padding {padding!r}")
        return ((0, 0),) * (rank - 2)
    if len(explicit_paddings) != 2 * rank:
        raise ShapeError(
            f"explicit_paddings must have {2 * rank} numbers, a pair for each axis, got {list(explicit_paddings)}"
        )
    if min(explicit_paddings) < 0:
        raise ShapeError(f"all elements of explicit_paddings must be nonnegative, got {list(explicit_paddings)}")
    pairs = [(explicit_paddings[2 * i], explicit_paddings[2 * i + 1]) for i in range(rank)]
    batch, channels, spatial = split_sizes(pairs, data_format)
    if batch != (0, 0) or channels != (0, 0):
        raise ShapeError(
            f"explicit padding in the batch and depth dimensions is not supported, got {list(explicit_paddings)}"
        )
    return spatial


def rank_of(data_format: str) -> int:
    """Return the number of axes of a layout."""
    return 5 if "D" in data_format else 4


def expect_images(dims: Any, data_format: str, what: str) -> Sizes:
    """Return the sizes of images that must have the rank of `data_format`, all unknown for an unknown rank."""
    return expect_rank(dims, rank_of(data_format), what)


def keep_attrs(call: Any, *names: str) -> dict[str, Any]:
    """Return some attributes of a call, for the call of its gradient operation."""
    return {name: call.attrs[name] for name in names}


def sequence_of(value: Any, count: int, channel_index: int, name: str) -> list[int]:
    """Return strides, dilations or window sizes that users give as one number, one a spatial axis, or one an axis.

    Args:
        value: None, a number, or 1, `count` or `count` + 2 numbers.
        count: the number of spatial axes.
        channel_index: 1 for layouts with channels first, `count` + 1 for channels last.
        name: the argument's name, for the message.
    Returns:
        `count` + 2 numbers in the order of the axes.
    Raises:
        ValueError: if there are too many or too few.
    """
    if value is None:
        return [1] * (count + 2)
    given = list(value) if isinstance(value, (list, tuple)) or hasattr(value, "__len__") else [value]
    if len(given) == count + 2:
        return [int(item) for item in given]
    if len(given) == 1:
        given = given * count
    if len(given) != count:
        raise ValueError(f"{name} should be of length 1, {count} or {count + 2} but was {len(given)}")
    given = [int(item) for item in given]
    return [1, 1, *given] if channel_index == 1 else [1, *given, 1]


def padding_attributes(padding: Any, rank: int) -> dict[str, Any]:
    """Return the attributes that stand for a padding argument: a name, or a pair of numbers for each axis.

    Raises:
        ValueError: if it is a list, but not of one pair an axis.
    """
    if isinstance(padding, bytes):
        padding = padding.decode()
    if isinstance(padding, str):
        if padding == "EXPLICIT":
            raise ValueError("'EXPLICIT' is not a valid value for `padding`: pass a list of pairs, one for each axis")
        return {"padding": padding}
    if not isinstance(padding, (list, tuple)) or len(padding) != rank or any(len(pair) != 2 for pair in padding):
        raise ValueError(f"`padding` must be 'SAME', 'VALID' or a list of {rank} pairs of numbers, got {padding!r}")
    return {"padding": "EXPLICIT", "explicit_paddings": [int(size) for pair in padding for size in pair]}


def cached(function: Callable[..., Any]) -> Callable[..., Any]:
    """Keep the results of a function of shapes and attributes, so that a step does not compute them again."""
    return lru_cache(maxsize=4096)(function)
