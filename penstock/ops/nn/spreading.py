"""Windows with distances between their elements, as windows without on more, smaller images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred
from penstock.ops.constant import shape_op

_space_to_batch_op = deferred("SpaceToBatchND")
_batch_to_space_op = deferred("BatchToSpaceND")


def spread(
    function: Callable[[Tensor], Tensor],
    input: Tensor,
    window: Sequence[int | None],
    dilation: Sequence[int],
    padding: Any,
) -> Tensor:
    """Apply a function of windows with padding 'VALID' to the images that `space_to_batch` makes.

    Args:
        function: from images to images.
        input: images with the channels last.
        window: the size of the window along each spatial axis.
        dilation: the distances of its elements.
        padding: 'SAME', 'VALID', or a pair of numbers for each axis.
    """
    is_given = isinstance(padding, (list, tuple))
    if not is_given and padding not in ("SAME", "VALID"):
        raise ValueError(f"`padding` must be 'SAME', 'VALID' or pairs of numbers, got {padding!r}")
    dims = input.dims
    base: list[Any] = []
    crops: list[Any] = []
    for index, (extent, rate) in enumerate(zip(window, dilation, strict=True)):
        size: Any = None if dims is None else dims[index + 1]
        if size is None:
            size = shape_op(input)[index + 1]
        if padding == "SAME" and extent is None:
            raise ValueError(f"padding 'SAME' needs a window of known size, got {list(window)}")
        missing = (extent - 1) * rate if padding == "SAME" else 0  # type: ignore[operator]
        before, after = padding[index + 1] if is_given else (missing // 2, missing - missing // 2)
        fill = -(size + before + after) % rate
        base.append([before, after + fill])
        crops.append([0, fill])
    return _batch_to_space_op(function(_space_to_batch_op(input, list(dilation), base)), list(dilation), crops)
