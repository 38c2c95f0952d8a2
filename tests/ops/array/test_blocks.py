"""Blocks of space in depth and batch."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
from penstock.ops.array.blocks import (
    batch_to_space,
    batch_to_space_nd_op,
    batch_to_space_op,
    depth_to_space,
    depth_to_space_op,
    space_to_batch,
    space_to_batch_nd_op,
    space_to_batch_op,
    space_to_depth,
    space_to_depth_op,
)
from penstock.ops.constant import placeholder
from penstock.testing.op_case import OpCase, normal

IMAGES = normal(1, 2, 4, 2)
# Each block of two by two pixels becomes the channels of one pixel.
DEEP = IMAGES.reshape(1, 1, 2, 2, 2, 2).transpose(0, 1, 3, 2, 4, 5).reshape(1, 1, 2, 8)
BATCH = np.stack([IMAGES[0, r::2, c::2] for r in range(2) for c in range(2)])
NOTHING = [[0, 0], [0, 0]]

CASES = [
    OpCase(space_to_depth_op, [IMAGES], DEEP, attrs={"block_size": 2}),
    OpCase(
        space_to_depth_op,
        [IMAGES.transpose(0, 3, 1, 2)],
        DEEP.transpose(0, 3, 1, 2),
        attrs={"block_size": 2, "data_format": "NCHW"},
        name="NCHW",
    ),
    OpCase(depth_to_space_op, [DEEP], IMAGES, attrs={"block_size": 2}),
    OpCase(
        depth_to_space_op,
        [DEEP.transpose(0, 3, 1, 2)],
        IMAGES.transpose(0, 3, 1, 2),
        attrs={"block_size": 2, "data_format": "NCHW"},
        name="NCHW",
    ),
    OpCase(space_to_batch_nd_op, [IMAGES, [2, 2], NOTHING], BATCH),
    OpCase(space_to_batch_nd_op, [normal(1, 3, 2), [2], [[0, 1]]], name="padded"),
    OpCase(batch_to_space_nd_op, [BATCH, [2, 2], NOTHING], IMAGES),
    OpCase(batch_to_space_nd_op, [BATCH, [2, 2], [[0, 1], [1, 0]]], IMAGES[:, :1, 1:], name="cropped"),
    OpCase(space_to_batch_op, [IMAGES, NOTHING], BATCH, attrs={"block_size": 2}),
    OpCase(batch_to_space_op, [BATCH, NOTHING], IMAGES, attrs={"block_size": 2}),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_sizes_must_be_divisible() -> None:
    with pytest.raises(InvalidArgumentError, match="divisible"):
        space_to_depth(normal(1, 3, 4, 1), 2)
    with pytest.raises(InvalidArgumentError, match="divisible"):
        depth_to_space(normal(1, 2, 2, 3), 2)
    with pytest.raises(InvalidArgumentError, match="divisible"):
        space_to_batch(normal(1, 3, 2), [2], [[0, 0]])
    with Graph().as_default(), pytest.raises(ValueError, match="divisible"):
        batch_to_space(placeholder(np.float32, [3, 2, 2, 1]), 2, NOTHING)
