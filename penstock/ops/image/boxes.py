"""Boxes in images: the suppression of those that overlap better ones."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from penstock.core import array, dtypes
from penstock.core.array import Array
from penstock.core.convert import convert_to_tensor
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import name_scope
from penstock.core.op import Type, op
from penstock.core.shape import Dims
from penstock.core.shape_rules import expect_rank, merge_dim
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred
from penstock.ops.hosted import on_host

_NARROW = Type(frozenset({dtypes.float16, dtypes.float32}), default=dtypes.float32)
Similarity = Callable[[int, list[int]], np.ndarray]


def _overlaps(boxes: Array) -> Similarity:
    """Return a function that gives the intersection over union of a box with others."""
    corners = array.to_numpy(boxes.float())
    low = np.minimum(corners[:, :2], corners[:, 2:])
    high = np.maximum(corners[:, :2], corners[:, 2:])
    areas = np.prod(high - low, axis=1)

    def similarity(box: int, others: list[int]) -> np.ndarray:
        sides = np.maximum(np.minimum(high[box], high[others]) - np.maximum(low[box], low[others]), 0)
        shared = np.prod(sides, axis=1)
        union = areas[box] + areas[others] - shared
        valid = (areas[box] > 0) & (areas[others] > 0)
        return np.where(valid, shared / np.where(union == 0, 1, union), np.float32(0))

    return similarity


def _suppress(
    scores: Array, limit: int, threshold: float, lowest: float, similarity: Similarity, sigma: float = 0.0
) -> tuple[list[int], list[float]]:
    """Choose boxes from the best score down, without those too similar to chosen ones.

    Args:
        scores: one number a box.
        limit: the most boxes to choose.
        threshold: the largest similarity that two chosen boxes may have.
        lowest: boxes whose score is not above are left out.
        similarity: of a box with others.
        sigma: if positive, similar boxes lose part of their score and stay candidates (Bodla et al. 2017).
    Returns:
        The chosen boxes and their scores, best first.
    """
    numbers = array.to_numpy(scores.float())
    waiting = [(-float(score), box, 0) for box, score in enumerate(numbers) if score > lowest]
    heapq.heapify(waiting)
    chosen: list[int] = []
    chosen_scores: list[float] = []
    while waiting and len(chosen) < limit:
        negative, box, first = heapq.heappop(waiting)
        score = -negative
        fresh = chosen[first:]
        if fresh:
            similar = similarity(box, fresh)
            if sigma > 0:
                factors = np.exp(np.float32(-0.5 / sigma) * similar * similar)
                for factor in factors[::-1]:
                    score = float(np.float32(score) * factor)
                    if score <= lowest:
                        break
            elif bool((similar > np.float32(threshold)).any()):
                continue
        if score == -negative:
            chosen.append(box)
            chosen_scores.append(score)
        elif score > lowest:
            heapq.heappush(waiting, (-score, box, len(chosen)))
    return chosen, chosen_scores


def _scalar(value: Any, name: str) -> Any:
    if isinstance(value, list):
        raise InvalidArgumentError(None, None, f"{name} must be 0-D, got {value}")
    return value


def _checked(boxes: Array, scores: Array, limit: Any, threshold: Any, lowest: Any) -> tuple[int, float, float]:
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise InvalidArgumentError(None, None, f"boxes must be 2-D with 4 columns, got shape {list(boxes.shape)}")
    if tuple(scores.shape) != (boxes.shape[0],):
        raise InvalidArgumentError(
            None, None, f"scores has incompatible shape: {list(scores.shape)} for {boxes.shape[0]} boxes"
        )
    limit = _scalar(limit, "max_output_size")
    threshold, lowest = _scalar(threshold, "iou_threshold"), _scalar(lowest, "score_threshold")
    if limit < 0:
        raise InvalidArgumentError(None, None, f"max_output_size must be non-negative, got {limit}")
    if not 0 <= threshold <= 1:
        raise InvalidArgumentError(None, None, f"iou_threshold must be in [0, 1], got {threshold}")
    return int(limit), float(threshold), float(lowest)


def _indices(chosen: list[int]) -> Array:
    return torch.tensor(chosen, dtype=torch.int32)


def _chosen_shape(boxes: Dims, scores: Dims, *rest: Any, **attrs: Any) -> Dims:
    count, columns = expect_rank(boxes, 2, "boxes")
    merge_dim(columns, 4, "columns of boxes")
    merge_dim(count, expect_rank(scores, 1, "scores")[0], "numbers of boxes and scores")
    return (None,)


@op(
    "NonMaxSuppression(boxes: float, scores: float, max_output_size: host int32) -> selected_indices: int32",
    shape=_chosen_shape,
    differentiable=False,
)
@on_host
def non_max_suppression_op(boxes: Array, scores: Array, max_output_size: Any, *, iou_threshold: float = 0.5) -> Array:
    limit, threshold, lowest = _checked(boxes, scores, max_output_size, iou_threshold, -math.inf)
    return _indices(_suppress(scores, limit, threshold, lowest, _overlaps(boxes))[0])


@op(
    "NonMaxSuppressionV2(boxes: T, scores: T, max_output_size: host int32, iou_threshold: host T_threshold) "
    "-> selected_indices: int32",
    T=_NARROW,
    T_threshold=_NARROW,
    shape=_chosen_shape,
    differentiable=False,
)
@on_host
def non_max_suppression_v2_op(boxes: Array, scores: Array, max_output_size: Any, iou_threshold: Any) -> Array:
    limit, threshold, lowest = _checked(boxes, scores, max_output_size, iou_threshold, -math.inf)
    return _indices(_suppress(scores, limit, threshold, lowest, _overlaps(boxes))[0])


@op(
    "NonMaxSuppressionV3(boxes: T, scores: T, max_output_size: host int32, iou_threshold: host T_threshold, "
    "score_threshold: host T_threshold) -> selected_indices: int32",
    T=_NARROW,
    T_threshold=_NARROW,
    shape=_chosen_shape,
)
@on_host
def non_max_suppression_v3_op(
    boxes: Array, scores: Array, max_output_size: Any, iou_threshold: Any, score_threshold: Any
) -> Array:
    limit, threshold, lowest = _checked(boxes, scores, max_output_size, iou_threshold, score_threshold)
    return _indices(_suppress(scores, limit, threshold, lowest, _overlaps(boxes))[0])


def _padded_shape(pad: bool, limit: Any) -> Dims:
    return (limit if pad and isinstance(limit, int) else None,)


@op(
    "NonMaxSuppressionV4(boxes: T, scores: T, max_output_size: host int32, iou_threshold: host T_threshold, "
    "score_threshold: host T_threshold) -> (selected_indices: int32, valid_outputs: int32)",
    T=_NARROW,
    T_threshold=_NARROW,
)
@on_host
def non_max_suppression_v4_op(
    boxes: Array,
    scores: Array,
    max_output_size: Any,
    iou_threshold: Any,
    score_threshold: Any,
    *,
    pad_to_max_output_size: bool = False,
) -> tuple[Array, Array]:
    limit, threshold, lowest = _checked(boxes, scores, max_output_size, iou_threshold, score_threshold)
    chosen, _ = _suppress(scores, limit, threshold, lowest, _overlaps(boxes))
    count = torch.tensor(len(chosen), dtype=torch.int32)
    if pad_to_max_output_size:
        chosen = chosen + [0] * (limit - len(chosen))
    return _indices(chosen), count


@non_max_suppression_v4_op.shape
def non_max_suppression_v4_shape(
    boxes: Dims, scores: Dims, limit: Any, threshold: Any, lowest: Any, *, pad_to_max_output_size: bool
) -> tuple[Dims, Dims]:
    _chosen_shape(boxes, scores)
    return _padded_shape(pad_to_max_output_size, limit), ()


@op(
    "NonMaxSuppressionV5(boxes: T, scores: T, max_output_size: host int32, iou_threshold: host T, "
    "score_threshold: host T, soft_nms_sigma: host T) "
    "-> (selected_indices: int32, selected_scores: T, valid_outputs: int32)",
    T=_NARROW,
)
@on_host
def non_max_suppression_v5_op(
    boxes: Array,
    scores: Array,
    max_output_size: Any,
    iou_threshold: Any,
    score_threshold: Any,
    soft_nms_sigma: Any,
    *,
    pad_to_max_output_size: bool = False,
) -> tuple[Array, Array, Array]:
    limit, threshold, lowest = _checked(boxes, scores, max_output_size, iou_threshold, score_threshold)
    sigma = float(_scalar(soft_nms_sigma, "soft_nms_sigma"))
    if sigma < 0:
        raise InvalidArgumentError(None, None, f"soft_nms_sigma_val must be non-negative, got {sigma}")
    chosen, kept = _suppress(scores, limit, threshold, lowest, _overlaps(boxes), sigma)
    count = torch.tensor(len(chosen), dtype=torch.int32)
    if pad_to_max_output_size:
        missing = limit - len(chosen)
        chosen, kept = chosen + [0] * missing, kept + [0.0] * missing
    return _indices(chosen), torch.tensor(kept, dtype=scores.dtype), count


@non_max_suppression_v5_op.shape
def non_max_suppression_v5_shape(
    boxes: Dims, scores: Dims, limit: Any, threshold: Any, lowest: Any, sigma: Any, *, pad_to_max_output_size: bool
) -> tuple[Dims, Dims, Dims]:
    _chosen_shape(boxes, scores)
    size = _padded_shape(pad_to_max_output_size, limit)
    return size, size, ()


@op(
    "NonMaxSuppressionWithOverlaps(overlaps: float, scores: float, max_output_size: host int32, "
    "overlap_threshold: host float, score_threshold: host float) -> selected_indices: int32",
    shape=lambda overlaps, scores, *rest: (None,),
    differentiable=False,
)
@on_host
def non_max_suppression_with_overlaps_op(
    overlaps: Array, scores: Array, max_output_size: Any, overlap_threshold: Any, score_threshold: Any
) -> Array:
    if overlaps.ndim != 2 or overlaps.shape[0] != overlaps.shape[1] or scores.shape != overlaps.shape[:1]:
        raise InvalidArgumentError(
            None,
            None,
            "overlaps must be a square matrix with a row for each score, got "
            f"{list(overlaps.shape)} and {list(scores.shape)}",
        )
    table = array.to_numpy(overlaps)
    limit = _scalar(max_output_size, "max_output_size")
    return _indices(
        _suppress(scores, limit, overlap_threshold, score_threshold, lambda box, others: table[box, others])[0]
    )


@op(
    "CombinedNonMaxSuppression(boxes: float, scores: float, max_output_size_per_class: host int32, "
    "max_total_size: host int32, iou_threshold: host float, score_threshold: host float) "
    "-> (nmsed_boxes: float, nmsed_scores: float, nmsed_classes: float, valid_detections: int32)",
)
@on_host
def combined_non_max_suppression_op(
    boxes: Array,
    scores: Array,
    max_output_size_per_class: Any,
    max_total_size: Any,
    iou_threshold: Any,
    score_threshold: Any,
    *,
    pad_per_class: bool = False,
    clip_boxes: bool = True,
) -> tuple[Array, Array, Array, Array]:
    if boxes.ndim != 4 or scores.ndim != 3 or boxes.shape[3] != 4 or boxes.shape[:2] != scores.shape[:2]:
        raise InvalidArgumentError(
            None,
            None,
            "boxes must have shape (batch, boxes, classes or 1, 4) and scores (batch, boxes, classes), got "
            f"{list(boxes.shape)} and {list(scores.shape)}",
        )
    batch, _, classes = scores.shape
    if boxes.shape[2] not in (1, classes):
        raise InvalidArgumentError(
            None, None, f"third dimension of boxes must be either 1 or num classes {classes}, got {boxes.shape[2]}"
        )
    if not 0 <= iou_threshold <= 1:
        raise InvalidArgumentError(None, None, f"iou_threshold must be in [0, 1], got {iou_threshold}")
    if max_output_size_per_class <= 0 or max_total_size <= 0:
        raise InvalidArgumentError(
            None,
            None,
            f"max_size_per_class and max_total_size must be positive, got {max_output_size_per_class} "
            f"and {max_total_size}",
        )
    rows = min(max_total_size, max_output_size_per_class * classes) if pad_per_class else max_total_size
    found_boxes = boxes.new_zeros((batch, rows, 4))
    found_scores, found_classes = scores.new_zeros((batch, rows)), scores.new_zeros((batch, rows))
    valid = torch.zeros(batch, dtype=torch.int32)
    for image in range(batch):
        found: list[tuple[float, int, int]] = []
        for kind in range(classes):
            own = boxes[image, :, kind if boxes.shape[2] > 1 else 0]
            chosen, kept = _suppress(
                scores[image, :, kind], max_output_size_per_class, iou_threshold, score_threshold, _overlaps(own)
            )
            found.extend((score, kind, box) for score, box in zip(kept, chosen, strict=True))
        found.sort(key=lambda item: -item[0])
        found = found[:rows]
        valid[image] = len(found)
        for row, (score, kind, box) in enumerate(found):
            found_boxes[image, row] = boxes[image, box, kind if boxes.shape[2] > 1 else 0]
            found_scores[image, row] = score
            found_classes[image, row] = kind
    return (found_boxes.clamp(0, 1) if clip_boxes else found_boxes), found_scores, found_classes, valid


@combined_non_max_suppression_op.shape
def combined_non_max_suppression_shape(
    boxes: Dims, scores: Dims, per_class: Any, total: Any, threshold: Any, lowest: Any, **attrs: Any
) -> tuple[Dims, Dims, Dims, Dims]:
    batch = merge_dim(expect_rank(boxes, 4, "boxes")[0], expect_rank(scores, 3, "scores")[0], "batches")
    classes = None if scores is None else scores[2]
    rows = total if isinstance(total, int) else None
    if attrs["pad_per_class"] and rows is not None:
        rows = min(rows, per_class * classes) if isinstance(per_class, int) and classes is not None else None
    return (batch, rows, 4), (batch, rows), (batch, rows), (batch,)


_ANY_SCORE = float("-inf")


def non_max_suppression(
    boxes: Any,
    scores: Any,
    max_output_size: Any,
    iou_threshold: Any = 0.5,
    score_threshold: Any = _ANY_SCORE,
    name: str | None = None,
) -> Tensor:
    """Choose boxes from the best score down, without those that overlap a chosen one too much.

    Args:
        boxes: floating numbers of shape (boxes, 4): two opposite corners y1, x1, y2, x2.
        scores: floating numbers of shape (boxes,).
        max_output_size: the most boxes to choose, a scalar.
        iou_threshold: the largest allowed intersection over union, in [0, 1].
        score_threshold: boxes whose score is not above are left out.
        name: the name of the scope.
    Returns:
        The chosen rows, int32, best first.
    """
    with name_scope(name, "non_max_suppression", [boxes, scores]):
        boxes, scores = convert_to_tensor(boxes, name="boxes"), convert_to_tensor(scores, name="scores")
        threshold = convert_to_tensor(iou_threshold, boxes.dtype, name="iou_threshold")
        lowest = convert_to_tensor(score_threshold, boxes.dtype, name="score_threshold")
        return non_max_suppression_v3_op(boxes, scores, max_output_size, threshold, lowest)


def non_max_suppression_with_scores(
    boxes: Any,
    scores: Any,
    max_output_size: Any,
    iou_threshold: Any = 0.5,
    score_threshold: Any = _ANY_SCORE,
    soft_nms_sigma: Any = 0.0,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Choose boxes, and return their scores too, which a positive `soft_nms_sigma` lowers; see `non_max_suppression`.

    Args:
        boxes, scores, max_output_size, iou_threshold, score_threshold, name: see `non_max_suppression`.
        soft_nms_sigma: if positive, overlap lowers scores by exp(-overlap**2 / (2 sigma)) and excludes no box.
    Returns:
        The chosen rows and their scores.
    Source: Bodla et al. 2017.
    """
    with name_scope(name, "non_max_suppression_with_scores", [boxes, scores]):
        boxes, scores = convert_to_tensor(boxes, name="boxes"), convert_to_tensor(scores, name="scores")
        parameters = [
            convert_to_tensor(value, boxes.dtype) for value in (iou_threshold, score_threshold, soft_nms_sigma)
        ]
        result = non_max_suppression_v5_op(boxes, scores, max_output_size, *parameters)
        return result[0], result[1]


def non_max_suppression_padded(
    boxes: Any,
    scores: Any,
    max_output_size: Any,
    iou_threshold: Any = 0.5,
    score_threshold: Any = _ANY_SCORE,
    pad_to_max_output_size: bool = False,
    name: str | None = None,
    sorted_input: bool = False,
    canonicalized_coordinates: bool = False,
    tile_size: int = 512,
) -> tuple[Tensor, Tensor]:
    """Choose boxes, with zeros after them so that all results have one size; see `non_max_suppression`.

    Args:
        boxes, scores: of shapes (..., boxes, 4) and (..., boxes).
        max_output_size, iou_threshold, score_threshold, name: see `non_max_suppression`.
        pad_to_max_output_size: whether the result has `max_output_size` rows; needed for batches.
        sorted_input, canonicalized_coordinates, tile_size: hints on how to compute, which change no result.
    Returns:
        The chosen rows, and how many of them are valid.
    Raises:
        ValueError: for a batch without padding.
    """
    with name_scope(name, "non_max_suppression_padded", [boxes, scores]):
        boxes, scores = convert_to_tensor(boxes, name="boxes"), convert_to_tensor(scores, name="scores")
        threshold = convert_to_tensor(iou_threshold, boxes.dtype)
        lowest = convert_to_tensor(score_threshold, boxes.dtype)

        def one(boxes: Tensor, scores: Tensor) -> Any:
            return non_max_suppression_v4_op(
                boxes, scores, max_output_size, threshold, lowest, pad_to_max_output_size=pad_to_max_output_size
            )

        batch = boxes.shape.as_list()[:-2]
        if not batch:
            chosen, count = one(boxes, scores)
            return chosen, count
        if not pad_to_max_output_size:
            raise ValueError(
                "'pad_to_max_output_size' (=False) must be True for batched input: the images keep different numbers "
                "of boxes"
            )
        images = math.prod(batch)
        rows, columns = boxes.shape.as_list()[-2:]
        flat_boxes = deferred("Reshape")(boxes, [images, rows, columns])
        flat_scores = deferred("Reshape")(scores, [images, rows])
        results = [one(flat_boxes[image], flat_scores[image]) for image in range(images)]
        chosen = deferred("Pack")([result[0] for result in results])
        counts = deferred("Pack")([result[1] for result in results])
        return deferred("Reshape")(chosen, [*batch, -1]), deferred("Reshape")(counts, batch)


def non_max_suppression_overlaps(
    overlaps: Any,
    scores: Any,
    max_output_size: Any,
    overlap_threshold: Any = 0.5,
    score_threshold: Any = _ANY_SCORE,
    name: str | None = None,
) -> Tensor:
    """Choose items from the best score down, without those too similar to a chosen one.

    Args:
        overlaps: float32 of shape (items, items): the similarity of each pair.
        scores: float32 of shape (items,).
        max_output_size: the most items to choose.
        overlap_threshold: the largest allowed similarity.
        score_threshold: items whose score is not above are left out.
        name: the name of the scope.
    """
    with name_scope(name, "non_max_suppression_overlaps", [overlaps]):
        return non_max_suppression_with_overlaps_op(
            overlaps, scores, max_output_size, overlap_threshold, score_threshold
        )


def combined_non_max_suppression(
    boxes: Any,
    scores: Any,
    max_output_size_per_class: Any,
    max_total_size: Any,
    iou_threshold: Any = 0.5,
    score_threshold: Any = _ANY_SCORE,
    pad_per_class: bool = False,
    clip_boxes: bool = True,
    name: str | None = None,
) -> Any:
    """Choose boxes class by class in each image, then the best of all classes.

    Args:
        boxes: float32 of shape (batch, boxes, 1 or classes, 4).
        scores: float32 of shape (batch, boxes, classes).
        max_output_size_per_class: the most boxes of a class.
        max_total_size: the most boxes of an image.
        iou_threshold, score_threshold: see `non_max_suppression`.
        pad_per_class: whether the result has at most `max_output_size_per_class * classes` rows.
        clip_boxes: whether coordinates are clipped to [0, 1].
        name: the name of the scope.
    Returns:
        A named tuple of boxes, scores, classes (padded with zeros) and the number of valid rows of each image.
    """
    with name_scope(name, "combined_non_max_suppression", [boxes, scores]):
        return combined_non_max_suppression_op(
            boxes,
            scores,
            max_output_size_per_class,
            max_total_size,
            iou_threshold,
            score_threshold,
            pad_per_class=pad_per_class,
            clip_boxes=clip_boxes,
        )
