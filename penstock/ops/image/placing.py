"""Boxes drawn at random and drawn into images, and images seen through a projection."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from penstock.core import dtypes
from penstock.core.array import Array
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import name_scope
from penstock.core.op import Type, op
from penstock.core.shape import Dims
from penstock.core.shape_rules import expect_rank
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred
from penstock.ops.hosted import on_host
from penstock.ops.image.resizing import spatial_size
from penstock.ops.random.philox import Philox
from penstock.ops.random.seeds import seed_attributes
from penstock.ops.random.stateful import random_state

_SIZE = frozenset({dtypes.uint8, dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64})


class _Words:
    """Uniform numbers from single 32-bit words of a counter-based generator."""

    def __init__(self, generator: Philox, count: int) -> None:
        self._words = iter(generator.words(0, (count + 3) // 4).reshape(-1).tolist())

    def real(self) -> np.float32:
        word = next(self._words)
        return np.uint32((127 << 23) | (word & 0x7FFFFF)).view(np.float32) - np.float32(1)

    def below(self, limit: int) -> int:
        if limit & (limit - 1) == 0:
            return next(self._words) & (limit - 1)
        rest = (0xFFFFFFFF % limit) + 1
        word = next(self._words)
        while word < rest:
            word = next(self._words)
        return word % limit


def _crop(words: _Words, width: int, height: int, areas: list[float], ratio: float) -> tuple[int, ...] | None:
    """Return a part of an image (top, left, rows, columns) of a ratio and an area, or None where there is none."""
    smallest, largest = areas[0] * width * height, areas[1] * width * height
    rows, most = round(math.sqrt(smallest / ratio)), round(math.sqrt(largest / ratio))
    if round(most * ratio) > width:
        most = int((width + 0.5 - 1e-7) / ratio)
    most = min(most, height)
    rows = min(rows, most)
    if rows < most:
        rows += words.below(most - rows + 1)
    columns = round(rows * ratio)
    if columns * rows < smallest:
        rows += 1
        columns = round(rows * ratio)
    if columns * rows > largest:
        rows -= 1
        columns = round(rows * ratio)
    area = columns * rows
    if not (smallest <= area <= largest and 0 < columns <= width and 0 < rows <= height):
        return None
    top = words.below(height - rows) if rows < height else 0
    left = words.below(width - columns) if columns < width else 0
    return top, left, rows, columns


def _covers(crop: tuple[int, ...], box: tuple[int, ...], needed: float) -> bool:
    top, left, rows, columns = crop
    y1, x1, y2, x2 = box
    area = float((y2 - y1) * (x2 - x1))
    if rows * columns < 1 or area < 1:
        return False
    down, across = min(top + rows, y2) - max(top, y1), min(left + columns, x2) - max(left, x1)
    return down > 0 and across > 0 and down * across / area >= needed


def _sample(
    generator: Philox,
    image_size: Array,
    bounding_boxes: Array,
    needed: float,
    ratios: list[float],
    areas: list[float],
    attempts: int,
    use_image: bool,
) -> tuple[Array, Array, Array]:
    if image_size.ndim != 1 or image_size.numel() != 3:
        raise InvalidArgumentError(None, None, f"image_size must contain 3 elements, got {image_size.tolist()}")
    if bounding_boxes.ndim != 3 or bounding_boxes.shape[2] != 4:
        raise InvalidArgumentError(
            None,
            None,
            f"bounding_boxes must have shape [batch, num_boxes, 4], got {list(bounding_boxes.shape)}",
        )
    height, width = int(image_size[0]), int(image_size[1])
    if height <= 0 or width <= 0:
        raise InvalidArgumentError(None, None, f"image height and width must be positive, got {height} and {width}")
    boxes = []
    for y1, x1, y2, x2 in bounding_boxes.reshape(-1, 4).tolist():
        if not (0 <= y1 < y2 <= 1 and 0 <= x1 < x2 <= 1):
            raise InvalidArgumentError(
                None, None, f"All bounding box coordinates must be in [0.0, 1.0] and ordered, got {[y1, x1, y2, x2]}"
            )
        boxes.append((int(y1 * height), int(x1 * width), int(y2 * height), int(x2 * width)))
    if not boxes:
        if not use_image:
            raise InvalidArgumentError(
                None,
                None,
                "No bounding boxes provided as input. One must enable use_image_if_no_bounding_boxes if you wish to "
                "not provide any bounding boxes.",
            )
        boxes = [(0, 0, height, width)]
    words = _Words(generator, 4 * attempts + 64)
    found = (0, 0, height, width)
    for _ in range(attempts):
        ratio = float(words.real() * np.float32(ratios[1] - ratios[0]) + np.float32(ratios[0]))
        crop = _crop(words, width, height, areas, ratio)
        if crop is not None and any(_covers(crop, box, needed) for box in boxes):
            found = crop  # type: ignore[assignment]
            break
    top, left, rows, columns = found
    corners = [top / height, left / width, (top + rows) / height, (left + columns) / width]
    return (
        torch.tensor([top, left, 0], dtype=image_size.dtype),
        torch.tensor([rows, columns, -1], dtype=image_size.dtype),
        torch.tensor(corners, dtype=torch.float32).view(1, 1, 4),
    )


def _check_ranges(ratios: list[float], areas: list[float], attempts: int, needed: float) -> None:
    if len(ratios) != 2 or min(ratios) <= 0 or ratios[0] > ratios[1]:
        raise InvalidArgumentError(None, None, f"aspect_ratio_range must be two ordered positive numbers, got {ratios}")
    if len(areas) != 2 or min(areas) <= 0 or max(areas) > 1 or areas[0] > areas[1]:
        raise InvalidArgumentError(None, None, f"area_range must be two ordered numbers in (0, 1], got {areas}")
    if attempts <= 0:
        raise InvalidArgumentError(None, None, f"max_attempts must be positive, got {attempts}")
    if not 0 <= needed <= 1:
        raise InvalidArgumentError(None, None, f"min_object_covered must be in [0, 1], got {needed}")


def _sampled_shapes(image_size: Dims, *rest: Any, **attrs: Any) -> tuple[Dims, Dims, Dims]:
    return (3,), (3,), (1, 1, 4)


def _stream(resources: Any, node_name: str, seed: int, seed2: int, attempts: int) -> Philox:
    return random_state(resources, f"{node_name} {attempts}", seed, seed2).reserve(attempts)


@op(
    "SampleDistortedBoundingBox(image_size: T, bounding_boxes: float) -> (begin: T, size: T, bboxes: float)",
    T=_SIZE,
    stateful=True,
    differentiable=False,
    shape=_sampled_shapes,
)
@on_host
def sample_distorted_bounding_box_op(
    image_size: Array,
    bounding_boxes: Array,
    *,
    seed: int = 0,
    seed2: int = 0,
    min_object_covered: float = 0.1,
    aspect_ratio_range: list[float] = [0.75, 1.33],
    area_range: list[float] = [0.05, 1.0],
    max_attempts: int = 100,
    use_image_if_no_bounding_boxes: bool = False,
    resources: Any,
    node_name: str,
) -> tuple[Array, Array, Array]:
    _check_ranges(aspect_ratio_range, area_range, max_attempts, min_object_covered)
    generator = _stream(resources, node_name, seed, seed2, max_attempts)
    settings = (aspect_ratio_range, area_range, max_attempts, use_image_if_no_bounding_boxes)
    return _sample(generator, image_size, bounding_boxes, min_object_covered, *settings)


@op(
    "SampleDistortedBoundingBoxV2(image_size: T, bounding_boxes: float, min_object_covered: host float) "
    "-> (begin: T, size: T, bboxes: float)",
    T=_SIZE,
    stateful=True,
    differentiable=False,
    shape=_sampled_shapes,
)
@on_host
def sample_distorted_bounding_box_v2_op(
    image_size: Array,
    bounding_boxes: Array,
    min_object_covered: Any,
    *,
    seed: int = 0,
    seed2: int = 0,
    aspect_ratio_range: list[float] = [0.75, 1.33],
    area_range: list[float] = [0.05, 1.0],
    max_attempts: int = 100,
    use_image_if_no_bounding_boxes: bool = False,
    resources: Any,
    node_name: str,
) -> tuple[Array, Array, Array]:
    _check_ranges(aspect_ratio_range, area_range, max_attempts, min_object_covered)
    generator = _stream(resources, node_name, seed, seed2, max_attempts)
    settings = (aspect_ratio_range, area_range, max_attempts, use_image_if_no_bounding_boxes)
    return _sample(generator, image_size, bounding_boxes, min_object_covered, *settings)


@op(
    "StatelessSampleDistortedBoundingBox(image_size: T, bounding_boxes: float, min_object_covered: host float, "
    "seed: host Tseed) -> (begin: T, size: T, bboxes: float)",
    T=_SIZE,
    Tseed=Type(frozenset({dtypes.int32, dtypes.int64})),
    shape=_sampled_shapes,
)
@on_host
def stateless_sample_distorted_bounding_box_op(
    image_size: Array,
    bounding_boxes: Array,
    min_object_covered: Any,
    seed: Any,
    *,
    aspect_ratio_range: list[float] = [0.75, 1.33],
    area_range: list[float] = [0.05, 1.0],
    max_attempts: int = 100,
    use_image_if_no_bounding_boxes: bool = False,
) -> tuple[Array, Array, Array]:
    _check_ranges(aspect_ratio_range, area_range, max_attempts, min_object_covered)
    generator = Philox.from_stateless_seed(seed)
    settings = (aspect_ratio_range, area_range, max_attempts, use_image_if_no_bounding_boxes)
    return _sample(generator, image_size, bounding_boxes, min_object_covered, *settings)


def _given(**attrs: Any) -> dict[str, Any]:
    return {name: value for name, value in attrs.items() if value is not None}


def sample_distorted_bounding_box(
    image_size: Any,
    bounding_boxes: Any,
    seed: int | None = 0,
    min_object_covered: Any = 0.1,
    aspect_ratio_range: Any = None,
    area_range: Any = None,
    max_attempts: int | None = None,
    use_image_if_no_bounding_boxes: bool | None = None,
    name: str | None = None,
) -> Any:
    """Draw a part of an image that shows enough of one of its objects.

    Args:
        image_size: height, width and channels.
        bounding_boxes: float32 of shape (batch, boxes, 4): y1, x1, y2, x2 of the objects, in [0, 1].
        seed: if not 0, makes the choice reproducible.
        min_object_covered: how much of an object the part must show.
        aspect_ratio_range: the allowed width / height.
        area_range: the allowed part of the image's area.
        max_attempts: after so many failures, the result is the whole image.
        use_image_if_no_bounding_boxes: whether, without boxes, the image counts as the object.
        name: the name of the node.
    Returns:
        A named tuple of begin and size, as `slice` takes them, and the box as float32 of shape (1, 1, 4).
    """
    return sample_distorted_bounding_box_v2_op(
        image_size,
        bounding_boxes,
        min_object_covered,
        name=name,
        **(seed_attributes(seed) if seed else {}),
        **_given(
            aspect_ratio_range=aspect_ratio_range,
            area_range=area_range,
            max_attempts=max_attempts,
            use_image_if_no_bounding_boxes=use_image_if_no_bounding_boxes,
        ),
    )


def sample_distorted_bounding_box_v1(
    image_size: Any,
    bounding_boxes: Any,
    seed: int | None = None,
    seed2: int | None = None,
    min_object_covered: Any = 0.1,
    aspect_ratio_range: Any = None,
    area_range: Any = None,
    max_attempts: int | None = None,
    use_image_if_no_bounding_boxes: bool | None = None,
    name: str | None = None,
) -> Any:
    """Draw a part of an image, with both seeds of the node given; see `sample_distorted_bounding_box`."""
    return sample_distorted_bounding_box_v2_op(
        image_size,
        bounding_boxes,
        min_object_covered,
        name=name,
        **_given(
            seed=seed,
            seed2=seed2,
            aspect_ratio_range=aspect_ratio_range,
            area_range=area_range,
            max_attempts=max_attempts,
            use_image_if_no_bounding_boxes=use_image_if_no_bounding_boxes,
        ),
    )


def stateless_sample_distorted_bounding_box(
    image_size: Any,
    bounding_boxes: Any,
    seed: Any,
    min_object_covered: Any = 0.1,
    aspect_ratio_range: Any = None,
    area_range: Any = None,
    max_attempts: int | None = None,
    use_image_if_no_bounding_boxes: bool | None = None,
    name: str | None = None,
) -> Any:
    """Draw a part of an image that two integers `seed` decide; see `sample_distorted_bounding_box`."""
    return stateless_sample_distorted_bounding_box_op(
        image_size,
        bounding_boxes,
        min_object_covered,
        seed,
        name=name,
        **_given(
            aspect_ratio_range=aspect_ratio_range,
            area_range=area_range,
            max_attempts=max_attempts,
            use_image_if_no_bounding_boxes=use_image_if_no_bounding_boxes,
        ),
    )


# Boxes drawn into images

_COLORS = (
    (1.0, 1.0, 0.0, 1.0),
    (0.0, 0.0, 1.0, 1.0),
    (1.0, 0.0, 0.0, 1.0),
    (0.0, 1.0, 0.0, 1.0),
    (0.5, 0.0, 0.5, 1.0),
    (0.5, 0.5, 0.0, 1.0),
    (0.5, 0.0, 0.0, 1.0),
    (0.0, 0.0, 0.5, 1.0),
    (0.0, 1.0, 1.0, 1.0),
    (1.0, 0.0, 1.0, 1.0),
)


def _drawn(images: Array, boxes: Array, colors: list[Any]) -> Array:
    if images.ndim != 4 or boxes.ndim != 3 or boxes.shape[2] != 4 or images.shape[0] != boxes.shape[0]:
        raise InvalidArgumentError(
            None,
            None,
            "images must have shape (batch, height, width, channels) and boxes (batch, boxes, 4), got "
            f"{list(images.shape)} and {list(boxes.shape)}",
        )
    _, height, width, channels = images.shape
    if channels not in (1, 3, 4):
        raise InvalidArgumentError(None, None, f"Channel depth should be either 1, 3, or 4, got {channels}")
    result = images.clone()
    for image, own in enumerate(boxes.tolist()):
        for number, (y1, x1, y2, x2) in enumerate(own):
            color = colors[number % len(colors)]
            paint = result.new_tensor([1.0] if channels == 1 else list(color)[:channels])
            top, bottom = int(y1 * (height - 1)), int(y2 * (height - 1))
            left, right = int(x1 * (width - 1)), int(x2 * (width - 1))
            outside = top >= height or bottom < 0 or left >= width or right < 0
            if top > bottom or left > right or outside:
                continue
            rows = slice(max(top, 0), min(bottom, height - 1) + 1)
            columns = slice(max(left, 0), min(right, width - 1) + 1)
            if top >= 0:
                result[image, top, columns] = paint
            if bottom < height:
                result[image, bottom, columns] = paint
            if left >= 0:
                result[image, rows, left] = paint
            if right < width:
                result[image, rows, right] = paint
    return result


def _like_images(images: Dims, *rest: Any, **attrs: Any) -> Dims:
    expect_rank(images, 4, "images")
    return images


_NARROW = Type(frozenset({dtypes.float32, dtypes.float16}), default=dtypes.float32)


@op("DrawBoundingBoxes(images: T, boxes: float) -> output: T", T=_NARROW, shape=_like_images, differentiable=False)
@on_host
def draw_bounding_boxes_op(images: Array, boxes: Array) -> Array:
    return _drawn(images, boxes, list(_COLORS))


@op("DrawBoundingBoxesV2(images: T, boxes: float, colors: host float) -> output: T", T=_NARROW, shape=_like_images)
@on_host
def draw_bounding_boxes_v2_op(images: Array, boxes: Array, colors: Any) -> Array:
    if not colors:
        return _drawn(images, boxes, list(_COLORS))
    if any(len(color) < images.shape[-1] for color in colors):
        raise InvalidArgumentError(
            None, None, f"colors must have at least {images.shape[-1]} columns, got {len(colors[0])}"
        )
    return _drawn(images, boxes, colors)


def draw_bounding_boxes(images: Any, boxes: Any, colors: Any, name: str | None = None) -> Tensor:
    """Return images with the outlines of boxes.

    Args:
        images: float16 or float32 of shape (batch, height, width, 1, 3 or 4).
        boxes: float32 of shape (batch, boxes, 4): y1, x1, y2, x2, where 0 and 1 are the first and the last pixel.
        colors: float32 of shape (colors, channels) that the boxes take in turn; None for ten usual ones.
        name: the name of the node.
    """
    if colors is None:
        return draw_bounding_boxes_op(images, boxes, name=name)
    return draw_bounding_boxes_v2_op(images, boxes, colors, name=name)


def draw_bounding_boxes_v1(images: Any, boxes: Any, name: str | None = None, colors: Any = None) -> Tensor:
    """Return images with the outlines of boxes; see `draw_bounding_boxes`."""
    return draw_bounding_boxes(images, boxes, colors, name)


# Projections

_PROJECTED = frozenset(
    {dtypes.uint8, dtypes.int32, dtypes.int64, dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64}
)


def _folded(at: Array, size: int, mode: str) -> Array:
    """Return places on an axis of `size` pixels, after those outside are moved in by a rule."""
    last = size - 1
    if mode == "CONSTANT":
        return at
    if mode == "NEAREST" or size <= 1:
        return at.clamp(0, last)
    if mode == "WRAP":
        low = at + size * ((-at / last).trunc() + 1)
        high = at - size * (at / last).trunc()
    else:
        period = 2 * size
        moved = torch.where(at < period, period * (-at / period).trunc() + at, at)
        low = torch.where(moved < -size, moved + period, -moved - 1)
        high = at - period * (at / period).trunc()
        high = torch.where(high >= size, period - high - 1, high)
    return torch.where(at < 0, low, torch.where(at > last, high, at)).clamp(0, last)


def _projected(
    images: Array, transforms: Array, output_shape: Any, fill_value: float, interpolation: str, fill_mode: str
) -> Array:
    if images.ndim != 4 or transforms.ndim != 2 or transforms.shape[1] != 8:
        raise InvalidArgumentError(
            None,
            None,
            "images must be 4-D and transforms of shape (batch or 1, 8), got "
            f"{list(images.shape)} and {list(transforms.shape)}",
        )
    if transforms.shape[0] not in (1, images.shape[0]):
        raise InvalidArgumentError(
            None, None, f"transforms must have 1 or {images.shape[0]} rows, got {transforms.shape[0]}"
        )
    if not isinstance(output_shape, list) or len(output_shape) != 2 or min(output_shape) <= 0:
        raise InvalidArgumentError(None, None, f"output_shape must be two positive numbers, got {output_shape}")
    interpolation, fill_mode = interpolation.upper(), fill_mode.upper()
    if interpolation not in ("NEAREST", "BILINEAR"):
        raise InvalidArgumentError(None, None, f"Invalid interpolation {interpolation}. Supported: NEAREST, BILINEAR")
    if fill_mode not in ("REFLECT", "WRAP", "CONSTANT", "NEAREST"):
        raise InvalidArgumentError(None, None, f"Invalid mode {fill_mode}. Supported: REFLECT, WRAP, CONSTANT, NEAREST")
    batch, height, width, channels = images.shape
    rows, columns = output_shape
    y = torch.arange(rows, dtype=torch.float32, device=images.device).view(1, -1, 1)
    x = torch.arange(columns, dtype=torch.float32, device=images.device).view(1, 1, -1)
    a0, a1, a2, b0, b1, b2, c0, c1 = (transforms[:, i].view(-1, 1, 1) for i in range(8))
    scale = c0 * x + c1 * y + 1
    valid = (scale != 0).expand(batch, rows, columns)
    safe = torch.where(scale == 0, torch.ones_like(scale), scale)
    at_x = _folded((a0 * x + a1 * y + a2) / safe, width, fill_mode).expand(batch, rows, columns)
    at_y = _folded((b0 * x + b1 * y + b2) / safe, height, fill_mode).expand(batch, rows, columns)
    wide = images.to(torch.float64) if images.dtype in (torch.float64, torch.int64) else images.to(torch.float32)
    flat = wide.reshape(batch, height * width, channels)

    def read(row: Array, column: Array) -> Array:
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        place = row.clamp(0, height - 1).long() * width + column.clamp(0, width - 1).long()
        values = flat.gather(1, place.view(batch, -1, 1).expand(-1, -1, channels)).view(batch, rows, columns, channels)
        return torch.where(inside[..., None], values, values.new_full((), fill_value))

    if interpolation == "NEAREST":
        result = read(_rounded(at_y), _rounded(at_x))
    else:
        top, left = at_y.floor(), at_x.floor()
        down, across = (at_y - top)[..., None], (at_x - left)[..., None]
        upper = (1 - across) * read(top, left) + across * read(top, left + 1)
        lower = (1 - across) * read(top + 1, left) + across * read(top + 1, left + 1)
        result = (1 - down) * upper + down * lower
    result = torch.where(valid[..., None], result, result.new_full((), fill_value))
    return result.to(images.dtype)


def _rounded(values: Array) -> Array:
    return torch.where(values < 0, (values - 0.5).ceil(), (values + 0.5).floor())


def _projected_shape(images: Dims, transforms: Dims, output_shape: Any, *rest: Any, **attrs: Any) -> Dims:
    batch, _, _, channels = expect_rank(images, 4, "images")
    return (batch, *(output_shape or (None, None)), channels)


@op(
    "ImageProjectiveTransformV2(images: dtype, transforms: float, output_shape: host int32) "
    "-> transformed_images: dtype",
    dtype=_PROJECTED,
    shape=_projected_shape,
)
def image_projective_transform_v2_op(
    images: Array, transforms: Array, output_shape: Any, *, interpolation: str, fill_mode: str = "CONSTANT"
) -> Array:
    return _projected(images, transforms, output_shape, 0.0, interpolation, fill_mode)


@op(
    "ImageProjectiveTransformV3(images: dtype, transforms: float, output_shape: host int32, fill_value: host float) "
    "-> transformed_images: dtype",
    dtype=_PROJECTED,
    shape=_projected_shape,
)
def image_projective_transform_v3_op(
    images: Array,
    transforms: Array,
    output_shape: Any,
    fill_value: Any,
    *,
    interpolation: str,
    fill_mode: str = "CONSTANT",
) -> Array:
    return _projected(images, transforms, output_shape, fill_value, interpolation, fill_mode)


def _inverse(transforms: Tensor) -> Tensor:
    """Return the transforms that undo `transforms`, each of 8 numbers."""
    with name_scope(None, "inverse_transforms"):
        last = deferred("OnesLike")(transforms[:, :1])
        matrices = deferred("Reshape")(deferred("ConcatV2")([transforms, last], 1), [-1, 3, 3])
        inverse = deferred("Reshape")(deferred("MatrixInverse")(matrices), [-1, 9])
        return inverse[:, :8] / inverse[:, 8:]


@image_projective_transform_v2_op.gradient
def image_projective_transform_v2_gradient(call: Any, grad: Tensor) -> tuple[Tensor | None, None, None]:
    return _image_gradient(call, grad), None, None


@image_projective_transform_v3_op.gradient
def image_projective_transform_v3_gradient(call: Any, grad: Tensor) -> tuple[Tensor | None, None, None, None]:
    return _image_gradient(call, grad), None, None, None


def _image_gradient(call: Any, grad: Tensor) -> Tensor | None:
    images, transforms = call.inputs[:2]
    if not images.dtype.is_floating:
        return None
    settings = {name: call.attrs[name] for name in ("interpolation", "fill_mode")}
    return image_projective_transform_v2_op(grad, _inverse(transforms), spatial_size(images), **settings)
