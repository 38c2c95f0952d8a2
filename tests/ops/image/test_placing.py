"""Boxes at random, boxes drawn, and projections."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
from penstock.core.tape import GradientTape
from penstock.ops.constant import constant
from penstock.ops.image import placing as p
from penstock.runtime.session import Session
from penstock.testing.op_case import OpCase, normal

X = normal(2, 4, 5, 3, dtype=np.float32)
BOX = np.array([[[0.2, 0.2, 0.8, 0.9]]], np.float32)
SIZE = np.array([40, 60, 3], np.int32)
MOVED = np.array([[1, 0, 1, 0, 1, 0, 0, 0]], np.float32)
SHIFTED = np.concatenate([X[:, :, 1:], np.zeros_like(X[:, :, :1])], 2)
BLACK = np.zeros((1, 5, 5, 3), np.float32)
SQUARE = np.array([[[0, 0, 1, 1]]], np.float32)
FRAMED = BLACK.copy()
FRAMED[:, [0, 4]] = FRAMED[:, :, [0, 4]] = [1, 1, 0]

CASES = [
    OpCase(p.sample_distorted_bounding_box_op, [SIZE, BOX], attrs={"seed": 1}, gradient=None),
    OpCase(p.sample_distorted_bounding_box_v2_op, [SIZE, BOX, 0.1], attrs={"seed": 1}, gradient=None),
    OpCase(p.stateless_sample_distorted_bounding_box_op, [SIZE, BOX, 0.1, [1, 2]], gradient=None),
    OpCase(p.draw_bounding_boxes_op, [BLACK, SQUARE], FRAMED, gradient=None),
    OpCase(p.draw_bounding_boxes_v2_op, [BLACK, SQUARE, [[1.0, 1.0, 0.0]]], FRAMED, gradient=None),
    OpCase(
        p.image_projective_transform_v2_op,
        [X, MOVED, [4, 5]],
        SHIFTED,
        {"interpolation": "NEAREST"},
        gradient=None,
    ),
    OpCase(
        p.image_projective_transform_v3_op,
        [X, MOVED, [4, 5], 0.0],
        np.concatenate([X[:, :, 1:], X[:, :, -1:]], 2),
        {"interpolation": "BILINEAR", "fill_mode": "NEAREST"},
        gradient=None,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


@pytest.mark.parametrize("seed", range(5))
def test_a_sampled_part_shows_enough_of_an_object(seed):
    begin, size, box = p.stateless_sample_distorted_bounding_box(SIZE, BOX, [seed, 7], 0.5)
    (top, left, _), (rows, columns, last) = begin.numpy(), size.numpy()
    assert last == -1
    assert 0.05 * 2400 <= rows * columns <= 2400
    np.testing.assert_allclose(box.numpy().ravel(), [top / 40, left / 60, (top + rows) / 40, (left + columns) / 60])
    down, across = min(top + rows, 32) - max(top, 8), min(left + columns, 54) - max(left, 12)
    assert down * across >= 0.5 * 24 * 42 or (rows, columns) == (40, 60)


def test_seeds_of_functions_decide():
    first = p.sample_distorted_bounding_box(SIZE, BOX, seed=3)
    assert first.begin.shape.as_list() == [3]
    assert p.sample_distorted_bounding_box_v1(SIZE, BOX, 3, 4).size.shape.as_list() == [3]
    with pytest.raises(InvalidArgumentError, match="No bounding boxes"):
        p.sample_distorted_bounding_box(SIZE, np.zeros((1, 0, 4), np.float32))


def test_fill_modes():
    row = np.arange(3, dtype=np.float32).reshape(1, 1, 3, 1)
    shift = np.array([[1, 0, -2, 0, 1, 0, 0, 0]], np.float32)

    def moved(mode):
        result = p.image_projective_transform_v2_op(row, shift, [1, 7], interpolation="NEAREST", fill_mode=mode)
        return result.numpy().ravel().tolist()

    assert moved("CONSTANT") == [0, 0, 0, 1, 2, 0, 0]
    assert moved("NEAREST") == [0, 0, 0, 1, 2, 2, 2]
    assert moved("REFLECT") == [1, 0, 0, 1, 2, 2, 1]
    assert moved("WRAP") == [2, 2, 0, 1, 2, 0, 0]


def test_the_gradient_moves_back():
    x = constant(X)
    with GradientTape() as tape:
        tape.watch(x)
        y = p.image_projective_transform_v2_op(x, MOVED, [4, 5], interpolation="NEAREST")
    back = tape.gradient(y, x).numpy()
    assert back[:, :, 0].max() == 0 and back[:, :, 1:].min() == 1


def test_outlines_are_drawn_within_the_image():
    drawn = p.draw_bounding_boxes(BLACK, np.array([[[-1, 0.5, 2, 0.5]]], np.float32), None).numpy()
    assert drawn[0, :, 2].min(0).tolist() == [1, 1, 0]
    assert p.draw_bounding_boxes_v1(BLACK, SQUARE).numpy().sum() == FRAMED.sum()


def test_each_draw_of_a_box_skips_a_block_an_attempt() -> None:
    """The third draw of 5 attempts is the second of 10; the numbers are TensorFlow's."""
    boxes = np.array([[[0.1, 0.2, 0.6, 0.9]]], np.float32)
    with Graph().as_default():
        drawn = {
            attempts: p.sample_distorted_bounding_box_v2_op(
                [40, 50, 3], boxes, np.float32(0.1), seed=4, seed2=0, max_attempts=attempts
            ).begin
            for attempts in (5, 10)
        }
        with Session() as session:
            begins = {n: [session.run(begin).tolist() for _ in range(3)] for n, begin in drawn.items()}
    assert begins[5][2] == begins[10][1] == [8, 36, 0]
