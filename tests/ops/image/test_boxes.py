"""The suppression of overlapping boxes."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.ops.image import boxes as b
from penstock.testing.op_case import OpCase

BOXES = np.array([[0, 0, 1, 1], [0, 0.1, 1, 1.1], [1, 0.9, 0, -0.1], [0, 10, 1, 11], [0, 10.1, 1, 11.1]], np.float32)
SCORES = np.array([0.9, 0.75, 0.6, 0.95, 0.5], np.float32)
OVERLAPS = np.array([[1, 0.8, 0], [0.8, 1, 0], [0, 0, 1]], np.float32)
KEPT = np.array([3, 0], np.int32)

CASES = [
    OpCase(b.non_max_suppression_op, [BOXES, SCORES, 4], KEPT, gradient=None),
    OpCase(b.non_max_suppression_v2_op, [BOXES, SCORES, 4, 0.5], KEPT, gradient=None),
    OpCase(b.non_max_suppression_v3_op, [BOXES, SCORES, 4, 0.5, 0.92], KEPT[:1], gradient=None),
    OpCase(
        b.non_max_suppression_v4_op,
        [BOXES, SCORES, 4, 0.5, 0.0],
        [np.array([3, 0, 0, 0], np.int32), np.int32(2)],
        {"pad_to_max_output_size": True},
        gradient=None,
    ),
    OpCase(
        b.non_max_suppression_v5_op,
        [BOXES, SCORES, 4, 0.5, 0.0, 0.0],
        [KEPT, SCORES[KEPT], np.int32(2)],
        gradient=None,
    ),
    OpCase(
        b.non_max_suppression_with_overlaps_op,
        [OVERLAPS, SCORES[:3], 3, 0.5, 0.0],
        np.array([0, 2], np.int32),
        gradient=None,
    ),
    OpCase(
        b.combined_non_max_suppression_op,
        [BOXES.reshape(1, 5, 1, 4), SCORES.reshape(1, 5, 1), 4, 3, 0.5, 0.0],
        [
            np.array([[[0, 10, 1, 11], [0, 0, 1, 1], [0, 0, 0, 0]]], np.float32),
            np.array([[0.95, 0.9, 0]], np.float32),
            np.zeros((1, 3), np.float32),
            np.array([2], np.int32),
        ],
        {"clip_boxes": False},
        gradient=None,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


def test_soft_suppression_lowers_scores():
    chosen, scores = b.non_max_suppression_with_scores(BOXES, SCORES, 5, 1.0, 0.0, 0.5)
    assert sorted(chosen.numpy().tolist()) == [0, 1, 2, 3, 4]
    assert chosen.numpy()[:2].tolist() == [3, 0]
    assert (np.diff(scores.numpy()) <= 0).all()
    overlap = 0.9 / 1.1
    position = chosen.numpy().tolist().index(4)
    assert scores.numpy()[position] == pytest.approx(0.5 * np.exp(-(overlap**2)), rel=1e-4)


def test_batches_are_padded():
    chosen, count = b.non_max_suppression_padded(
        np.stack([BOXES, BOXES]), np.stack([SCORES, SCORES]), 3, 0.5, 0.0, pad_to_max_output_size=True
    )
    assert chosen.numpy().tolist() == [[3, 0, 0]] * 2
    assert count.numpy().tolist() == [2, 2]
    with pytest.raises(ValueError, match="pad_to_max_output_size"):
        b.non_max_suppression_padded(BOXES[None], SCORES[None], 3)


def test_functions_are_the_operations():
    assert b.non_max_suppression(BOXES, SCORES, 1).numpy().tolist() == [3]
    assert b.non_max_suppression_overlaps(OVERLAPS, SCORES[:3], 1).numpy().tolist() == [0]
    combined = b.combined_non_max_suppression(BOXES.reshape(1, 5, 1, 4), SCORES.reshape(1, 5, 1), 4, 3)
    assert combined.valid_detections.numpy().tolist() == [2]


def test_thresholds_outside_of_their_range_are_refused():
    with pytest.raises(InvalidArgumentError, match="iou_threshold"):
        b.non_max_suppression(BOXES, SCORES, 2, 1.5)
    with pytest.raises(InvalidArgumentError, match="scores"):
        b.non_max_suppression(BOXES, SCORES[:2], 2)


def test_lowered_scores_exclude_no_box():
    # What TensorFlow gives: overlaps beyond the threshold lower scores, too.
    boxes = [[0, 0, 1, 1], [0, 0.1, 1, 1.1], [0, 10, 1, 11], [0, 100, 1, 101.0]]
    chosen, scores = b.non_max_suppression_with_scores(boxes, [0.9, 0.75, 0.95, 0.3], 4, 0.5, soft_nms_sigma=0.5)
    assert chosen.numpy().tolist() == [2, 0, 1, 3]
    assert scores.numpy() == pytest.approx(np.float32([0.95, 0.9, 0.38400355, 0.3]))
