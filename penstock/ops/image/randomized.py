"""Images changed at random: mirrored, cropped, and of other brightness, contrast, hue, saturation or quality."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.core import dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.graph import name_scope
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred
from penstock.ops.array.reversing import reverse
from penstock.ops.array.selecting import where
from penstock.ops.array.slicing import slice_
from penstock.ops.constant import shape_op
from penstock.ops.image.arranging import checked_image, image_sizes
from penstock.ops.image.codecs import adjust_jpeg_quality
from penstock.ops.image.color import adjust_brightness, adjust_contrast, adjust_hue, adjust_saturation
from penstock.ops.random.functions import random_uniform
from penstock.ops.random.stateless_functions import stateless_uniform

Draw = Callable[..., Tensor]


def _stateful(seed: int | None) -> Draw:
    return lambda shape, low=0, high=None, dtype=dtypes.float32: random_uniform(shape, low, high, dtype, seed)


def _stateless(seed: Any) -> Draw:
    return lambda shape, low=0, high=None, dtype=dtypes.float32: stateless_uniform(
        shape, seed, minval=low, maxval=high, dtype=dtype
    )


def _flipped(image: Any, axis: int, draw: Draw, name: str) -> Tensor:
    with name_scope(None, name, [image]):
        image = checked_image(image)
        if image.dims is None or len(image.dims) == 3:
            return where(draw([], 0, 1.0) < 0.5, reverse(image, [axis]), image)
        batch = image_sizes(image)[0]
        chosen = deferred("Round")(draw([batch]))
        flags = deferred("Cast")(deferred("Reshape")(chosen, [batch, 1, 1, 1]), DstT=image.dtype.base_dtype)
        return flags * reverse(image, [axis + 1]) + (1 - flags) * image


def random_flip_left_right(image: Any, seed: int | None = None) -> Tensor:
    """Return images mirrored left to right with probability 1/2, each by itself.

    Args:
        image: numbers of shape (height, width, channels), or with a batch before.
        seed: makes the choice reproducible, together with the seed set by `set_seed`.
    """
    return _flipped(image, 1, _stateful(seed), "random_flip_left_right")


def random_flip_up_down(image: Any, seed: int | None = None) -> Tensor:
    """Return images upside down with probability 1/2; see `random_flip_left_right`."""
    return _flipped(image, 0, _stateful(seed), "random_flip_up_down")


def stateless_random_flip_left_right(image: Any, seed: Any) -> Tensor:
    """Return images mirrored left to right or not, which two integers `seed` decide."""
    return _flipped(image, 1, _stateless(seed), "stateless_random_flip_left_right")


def stateless_random_flip_up_down(image: Any, seed: Any) -> Tensor:
    """Return images upside down or not, which two integers `seed` decide."""
    return _flipped(image, 0, _stateless(seed), "stateless_random_flip_up_down")


def _brightness(image: Any, max_delta: Any, draw: Draw) -> Tensor:
    if not isinstance(max_delta, Tensor) and max_delta < 0:
        raise ValueError(f"max_delta must be non-negative, got {max_delta}.")
    return adjust_brightness(image, draw([], -max_delta, max_delta))


def random_brightness(image: Any, max_delta: Any, seed: int | None = None) -> Tensor:
    """Return an image with a number from [-max_delta, max_delta) added; see `adjust_brightness`.

    Raises:
        ValueError: if `max_delta` is negative.
    """
    return _brightness(image, max_delta, _stateful(seed))


def stateless_random_brightness(image: Any, max_delta: Any, seed: Any) -> Tensor:
    """Return an image with a number added that two integers `seed` decide; see `random_brightness`."""
    return _brightness(image, max_delta, _stateless(seed))


def _check_range(lower: Any, upper: Any) -> None:
    if isinstance(lower, Tensor) or isinstance(upper, Tensor):
        return
    if upper <= lower:
        raise ValueError(f"upper must be > lower, got lower {lower} and upper {upper}.")
    if lower < 0:
        raise ValueError(f"lower must be non-negative, got {lower}.")


def random_contrast(image: Any, lower: Any, upper: Any, seed: int | None = None) -> Tensor:
    """Return an image with its contrast times a number from [lower, upper); see `adjust_contrast`.

    Raises:
        ValueError: if the range is empty or negative.
    """
    _check_range(lower, upper)
    return adjust_contrast(image, _stateful(seed)([], lower, upper))


def stateless_random_contrast(image: Any, lower: Any, upper: Any, seed: Any) -> Tensor:
    """Return an image with its contrast times a number that two integers `seed` decide; see `random_contrast`."""
    _check_range(lower, upper)
    return adjust_contrast(image, _stateless(seed)([], lower, upper))


def random_saturation(image: Any, lower: Any, upper: Any, seed: int | None = None) -> Tensor:
    """Return an image with its saturation times a number from [lower, upper); see `adjust_saturation`.

    Raises:
        ValueError: if the range is empty or negative.
    """
    _check_range(lower, upper)
    return adjust_saturation(image, _stateful(seed)([], lower, upper))


def stateless_random_saturation(image: Any, lower: Any, upper: Any, seed: Any = None) -> Tensor:
    """Return an image with its saturation times a number that two integers `seed` decide; see `random_saturation`."""
    _check_range(lower, upper)
    return adjust_saturation(image, _stateless(seed)([], lower, upper))


def _check_hue(max_delta: Any) -> None:
    if not isinstance(max_delta, Tensor) and not 0 <= max_delta <= 0.5:
        raise ValueError(f"max_delta must be between 0 and 0.5, got {max_delta}.")


def random_hue(image: Any, max_delta: Any, seed: int | None = None) -> Tensor:
    """Return an image with its hue turned by a number from [-max_delta, max_delta); see `adjust_hue`.

    Raises:
        ValueError: if `max_delta` is outside of [0, 0.5].
    """
    _check_hue(max_delta)
    return adjust_hue(image, _stateful(seed)([], -max_delta, max_delta))


def stateless_random_hue(image: Any, max_delta: Any, seed: Any) -> Tensor:
    """Return an image with its hue turned by a number that two integers `seed` decide; see `random_hue`."""
    _check_hue(max_delta)
    return adjust_hue(image, _stateless(seed)([], -max_delta, max_delta))


def _check_quality(low: int, high: int) -> None:
    if low < 0 or high < 0 or low > 100 or high > 100:
        raise ValueError(f"jpeg encoding range must be between 0 and 100, got {low} and {high}.")
    if low >= high:
        raise ValueError(f"`min_jpeg_quality` must be less than `max_jpeg_quality`, got {low} and {high}.")


def random_jpeg_quality(image: Any, min_jpeg_quality: int, max_jpeg_quality: int, seed: int | None = None) -> Tensor:
    """Return an image after JPEG coding with a quality from [min_jpeg_quality, max_jpeg_quality).

    Raises:
        ValueError: if the range is empty or not in [0, 100].
    """
    _check_quality(min_jpeg_quality, max_jpeg_quality)
    return adjust_jpeg_quality(image, _stateful(seed)([], min_jpeg_quality, max_jpeg_quality, dtypes.int32))


def stateless_random_jpeg_quality(image: Any, min_jpeg_quality: int, max_jpeg_quality: int, seed: Any) -> Tensor:
    """Return an image after JPEG coding with a quality that two integers `seed` decide; see `random_jpeg_quality`."""
    _check_quality(min_jpeg_quality, max_jpeg_quality)
    return adjust_jpeg_quality(image, _stateless(seed)([], min_jpeg_quality, max_jpeg_quality, dtypes.int32))


def stateless_random_crop(value: Any, size: Any, seed: Any, name: str | None = None) -> Tensor:
    """Return a part of a tensor whose place two integers `seed` decide.

    Args:
        value: a tensor.
        size: the shape of the part, one number an axis.
        seed: two integers.
        name: the name of the scope.
    """
    with name_scope(name, "random_crop", [value, size]):
        value = convert_to_tensor(value, name="value")
        size = convert_to_tensor(size, dtypes.int32, name="size")
        room = shape_op(value) - size + 1
        offset = stateless_uniform(shape_op(room), seed, minval=0, maxval=dtypes.int32.max, dtype=dtypes.int32) % room
        return slice_(value, offset, size)
