"""Crops of images at boxes in relative coordinates, resized to one size."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from penstock.core import array, dtypes
from penstock.core.array import Array
from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError, OutOfRangeError
from penstock.core.op import Type, op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, expect_rank, merge_dim
from penstock.core.tensor import Tensor
from penstock.ops.array.common import check_allocation, sizes

_PIXEL = frozenset(
    {
        dtypes.uint8,
        dtypes.uint16,
        dtypes.int8,
        dtypes.int16,
        dtypes.int32,
        dtypes.int64,
        dtypes.float16,
        dtypes.float32,
        dtypes.float64,
    }
)
_FLOATING = frozenset({dtypes.float16, dtypes.float32, dtypes.float64})
_METHODS = ("bilinear", "nearest")


class _Places(NamedTuple):
    """Where the pixels of crops lie along one axis of the images, arrays of shape (boxes, pixels)."""

    inside: Array
    low: Array
    high: Array
    part: Array
    nearest: Array


def _places(first: Array, last: Array, size: int, count: int) -> _Places:
    first, last = first[:, None], last[:, None]
    steps = torch.arange(count, dtype=torch.float32, device=first.device)
    if count > 1:
        at = first * (size - 1) + steps * ((last - first) * (size - 1) / (count - 1))
    else:
        at = 0.5 * (first + last) * (size - 1)
    inside = (at >= 0) & (at <= size - 1)
    at = torch.where(inside, at, torch.zeros_like(at))
    low = at.floor()
    nearest = (at + 0.5).floor()
    return _Places(inside, low.long(), at.ceil().long(), at - low, nearest.long())


def _check(image_dims: tuple[int, ...], boxes: Array, box_ind: Array, crop_size: Any) -> None:
    if len(image_dims) != 4 or min(image_dims[1:3]) <= 0:
        raise InvalidArgumentError(None, None, f"input image must be 4-D and not empty, got shape {list(image_dims)}")
    if boxes.ndim != 2 or boxes.shape[1] != 4 or tuple(box_ind.shape) != (boxes.shape[0],):
        raise InvalidArgumentError(
            None,
            None,
            "boxes must have shape (num_boxes, 4) and box_ind shape (num_boxes,), got "
            f"{list(boxes.shape)} and {list(box_ind.shape)}",
        )
    if not isinstance(crop_size, list) or len(crop_size) != 2 or min(crop_size) <= 0:
        raise InvalidArgumentError(None, None, f"crop dimensions must be two positive numbers, got {crop_size}")
    if box_ind.numel() and (int(box_ind.min()) < 0 or int(box_ind.max()) >= image_dims[0]):
        raise OutOfRangeError(
            None,
            None,
            f"box_ind has values outside [0, batch_size): got {box_ind.tolist()} for a batch of {image_dims[0]}",
        )


class _Reads:
    """The rows of images, flattened to (pixels, channels), that crops read."""

    def __init__(self, dims: tuple[int, ...], boxes: Array, box_ind: Array, crop_size: list[int]) -> None:
        self.width = dims[2]
        self.base = box_ind.long()[:, None, None] * (dims[1] * dims[2])
        self.y = _places(boxes[:, 0], boxes[:, 2], dims[1], crop_size[0])
        self.x = _places(boxes[:, 1], boxes[:, 3], dims[2], crop_size[1])
        self.inside = (self.y.inside[:, :, None] & self.x.inside[:, None, :])[..., None]

    def rows(self, y: Array, x: Array) -> Array:
        return self.base + y[:, :, None] * self.width + x[:, None, :]

    def corners(self) -> list[tuple[Array, Array]]:
        """Return the four neighbours of each pixel and their weights."""
        y, x = self.y.part[:, :, None, None], self.x.part[:, None, :, None]
        return [
            (self.rows(self.y.low, self.x.low), (1 - y) * (1 - x)),
            (self.rows(self.y.low, self.x.high), (1 - y) * x),
            (self.rows(self.y.high, self.x.low), y * (1 - x)),
            (self.rows(self.y.high, self.x.high), y * x),
        ]


@op(
    "CropAndResize(image: T, boxes: float, box_ind: int32, crop_size: host int32) -> crops: float",
    T=_PIXEL,
    allowed={"method": _METHODS},
)
def crop_and_resize_op(
    image: Array,
    boxes: Array,
    box_ind: Array,
    crop_size: Any,
    *,
    method: str = "bilinear",
    extrapolation_value: float = 0.0,
) -> Array:
    _check(tuple(image.shape), boxes, box_ind, crop_size)
    check_allocation([boxes.shape[0], *crop_size, image.shape[3]], 4)
    reads = _Reads(tuple(image.shape), boxes, box_ind, crop_size)
    pixels = image.to(torch.float32).reshape(-1, image.shape[3])
    if method == "nearest":
        result = pixels[reads.rows(reads.y.nearest, reads.x.nearest)]
    else:
        values = [pixels[rows] for rows, _ in reads.corners()]
        x, y = reads.x.part[:, None, :, None], reads.y.part[:, :, None, None]
        top = values[0] + (values[1] - values[0]) * x
        bottom = values[2] + (values[3] - values[2]) * x
        result = top + (bottom - top) * y
    return torch.where(reads.inside, result, result.new_full((), extrapolation_value))


@crop_and_resize_op.shape
def crop_and_resize_shape(
    image: Dims, boxes: Dims, box_ind: Dims, crop_size: Any, *, method: str, extrapolation_value: float
) -> Dims:
    channels = expect_rank(image, 4, "image")[3]
    count, columns = expect_rank(boxes, 2, "boxes")
    merge_dim(columns, 4, "columns of boxes")
    count = merge_dim(count, expect_rank(box_ind, 1, "box_ind")[0], "numbers of boxes")
    if crop_size is not None and len(crop_size) != 2:
        raise ShapeError(f"crop_size must be two numbers, got {crop_size}")
    return (count, *(crop_size or (None, None)), channels)


@crop_and_resize_op.gradient
def crop_and_resize_gradient(call: Any, grad: Tensor) -> tuple[Tensor | None, Tensor, None, None]:
    image, boxes, box_ind, _ = call.inputs
    to_image = None
    if image.dtype.base_dtype in _FLOATING:
        to_image = crop_and_resize_grad_image_op(
            grad, boxes, box_ind, sizes(image), T=image.dtype.base_dtype, method=call.attrs["method"]
        )
    return to_image, crop_and_resize_grad_boxes_op(grad, image, boxes, box_ind), None, None


@op(
    "CropAndResizeGradImage(grads: float, boxes: float, box_ind: int32, image_size: host int32) -> output: T",
    T=Type(_FLOATING),
    allowed={"method": _METHODS},
    shape=lambda grads, boxes, box_ind, image_size, **attrs: (None,) * 4 if image_size is None else tuple(image_size),
)
def crop_and_resize_grad_image_op(
    grads: Array, boxes: Array, box_ind: Array, image_size: Any, *, T: DType, method: str = "bilinear"
) -> Array:
    if not isinstance(image_size, list) or len(image_size) != 4:
        raise InvalidArgumentError(None, None, f"image_size must have 4 elements, got {image_size}")
    _check(tuple(image_size), boxes, box_ind, list(grads.shape[1:3]))
    check_allocation(image_size, 8)
    batch, height, width, channels = image_size
    reads = _Reads(tuple(image_size), boxes, box_ind, list(grads.shape[1:3]))
    kept = torch.where(reads.inside, grads, grads.new_zeros(()))
    result = grads.new_zeros((batch * height * width, channels))
    if method == "nearest":
        rows = reads.rows(reads.y.nearest, reads.x.nearest)
        result.index_add_(0, rows.reshape(-1), kept.reshape(-1, channels))
    else:
        for rows, weight in reads.corners():
            result.index_add_(0, rows.reshape(-1), (kept * weight).reshape(-1, channels))
    return result.view(batch, height, width, channels).to(array.torch_dtype(T))


@op(
    "CropAndResizeGradBoxes(grads: float, image: T, boxes: float, box_ind: int32) -> output: float",
    T=_PIXEL,
    allowed={"method": ("bilinear",)},
    shape=lambda grads, image, boxes, box_ind, **attrs: boxes,
)
def crop_and_resize_grad_boxes_op(
    grads: Array, image: Array, boxes: Array, box_ind: Array, *, method: str = "bilinear"
) -> Array:
    crop_size = list(grads.shape[1:3])
    _check(tuple(image.shape), boxes, box_ind, crop_size)
    reads = _Reads(tuple(image.shape), boxes, box_ind, crop_size)
    pixels = image.to(torch.float32).reshape(-1, image.shape[3])
    top_left, top_right, bottom_left, bottom_right = (pixels[rows] for rows, _ in reads.corners())
    x, y = reads.x.part[:, None, :, None], reads.y.part[:, :, None, None]
    kept = torch.where(reads.inside, grads, grads.new_zeros(()))
    slope_y = (((1 - x) * (bottom_left - top_left) + x * (bottom_right - top_right)) * kept).sum((2, 3))
    slope_x = (((1 - y) * (top_right - top_left) + y * (bottom_right - bottom_left)) * kept).sum((1, 3))

    def ends(slope: Array, size: int, count: int) -> tuple[Array, Array]:
        if count == 1:
            half = 0.5 * (size - 1) * slope.sum(1)
            return half, half
        far = torch.arange(count, dtype=torch.float32, device=slope.device) * ((size - 1) / (count - 1))
        return (slope * (size - 1 - far)).sum(1), (slope * far).sum(1)

    y1, y2 = ends(slope_y, image.shape[1], crop_size[0])
    x1, x2 = ends(slope_x, image.shape[2], crop_size[1])
    return torch.stack([y1, x1, y2, x2], 1)


def crop_and_resize(
    image: Any,
    boxes: Any,
    box_indices: Any,
    crop_size: Any,
    method: str = "bilinear",
    extrapolation_value: float = 0.0,
    name: str | None = None,
) -> Tensor:
    """Return crops of images, each resized to one size.

    Args:
        image: images of shape (batch, height, width, channels).
        boxes: float32 of shape (boxes, 4): y1, x1, y2, x2, where 0 and 1 are the first and the last pixel; a box with
            y1 > y2 gives a crop upside down.
        box_indices: int32 of shape (boxes,): the image of each box.
        crop_size: height and width of the crops.
        method: "bilinear" or "nearest".
        extrapolation_value: what pixels outside of the image have.
        name: the name of the node.
    Returns:
        float32 of shape (boxes, height, width, channels).
    Raises:
        OutOfRangeError: if an index is outside of the batch.
    """
    return crop_and_resize_op(
        image, boxes, box_indices, crop_size, method=method, extrapolation_value=extrapolation_value, name=name
    )


def crop_and_resize_v1(
    image: Any,
    boxes: Any,
    box_ind: Any = None,
    crop_size: Any = None,
    method: str = "bilinear",
    extrapolation_value: float = 0,
    name: str | None = None,
    box_indices: Any = None,
) -> Tensor:
    """Return crops of images; `box_ind` is the old name of `box_indices`; see `crop_and_resize`."""
    chosen = box_ind if box_indices is None else box_indices
    return crop_and_resize(image, boxes, chosen, crop_size, method, extrapolation_value, name)
