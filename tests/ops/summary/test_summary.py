"""The operations that make summaries, by what their serialized messages hold."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from penstock.core import context, errors
from penstock.core.graph import Graph
from penstock.formats import protos, summary_values
from penstock.ops.summary.summary import (
    audio_summary_op,
    audio_summary_v2_op,
    histogram_summary_op,
    image_summary_op,
    merge_summary_op,
    scalar_summary_op,
    tensor_summary_op,
    tensor_summary_v2_op,
)
from penstock.testing.op_case import OpCase


def text(value: str | bytes) -> np.ndarray:
    return np.array(value, dtype=object)


def serialized(*values: Any) -> np.ndarray:
    return text(protos.Summary(value=values).SerializeToString())


def parsed(tensor: Any) -> Any:
    return protos.Summary.FromString(tensor.numpy())


IMAGES = np.linspace(-1, 1, 24, dtype=np.float32).reshape(2, 2, 2, 3)
SOUNDS = np.linspace(-1, 1, 16, dtype=np.float32).reshape(2, 8)
METADATA = protos.SummaryMetadata(display_name="d")

CASES = [
    OpCase(scalar_summary_op, [text("a"), np.float32(1.5)], serialized(summary_values.scalar("a", 1.5)), gradient=None),
    OpCase(
        scalar_summary_op,
        [np.array(["a", "b"], dtype=object), np.array([1, 2])],
        serialized(summary_values.scalar("a", 1), summary_values.scalar("b", 2)),
        name="vector",
        gradient=None,
    ),
    OpCase(
        histogram_summary_op,
        [text("h"), np.arange(5.0)],
        serialized(summary_values.histogram("h", np.arange(5.0))),
        gradient=None,
    ),
    OpCase(image_summary_op, [text("i"), IMAGES], serialized(*summary_values.image("i", IMAGES)), gradient=None),
    OpCase(
        image_summary_op,
        [text("i"), IMAGES],
        serialized(*summary_values.image("i", IMAGES, 1)),
        {"max_images": 1},
        name="one",
        gradient=None,
    ),
    OpCase(
        audio_summary_v2_op,
        [text("s"), SOUNDS, 8000.0],
        serialized(*summary_values.audio("s", SOUNDS, 8000.0)),
        gradient=None,
    ),
    OpCase(
        audio_summary_op,
        [text("s"), SOUNDS],
        serialized(*summary_values.audio("s", SOUNDS, 8000.0)),
        {"sample_rate": 8000.0},
        gradient=None,
    ),
    OpCase(
        tensor_summary_v2_op,
        [text("t"), np.arange(3), text(METADATA.SerializeToString())],
        serialized(summary_values.tensor("t", np.arange(3), METADATA)),
        gradient=None,
    ),
    OpCase(tensor_summary_op, [np.arange(3)], gradient=None),
    OpCase(
        merge_summary_op,
        [[serialized(summary_values.scalar("a", 1)), serialized(summary_values.scalar("b", 2))]],
        serialized(summary_values.scalar("a", 1), summary_values.scalar("b", 2)),
        gradient=None,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_tags_and_values_of_different_shapes_are_refused_at_run_time() -> None:
    with context.eager_mode(), pytest.raises(errors.InvalidArgumentError, match=r"\[\] != \[2\] \(tag 'v'\)"):
        scalar_summary_op("v", [1.0, 2.0])


@pytest.mark.parametrize(("value", "kind"), [(np.nan, "Nan"), (np.inf, "Infinity")])
def test_histogram_of_what_is_not_finite_is_refused(value: float, kind: str) -> None:
    with context.eager_mode(), pytest.raises(errors.InvalidArgumentError, match=f"{kind} in summary histogram for: h"):
        histogram_summary_op("h", [1.0, value])


def test_merge_of_equal_tags_is_refused() -> None:
    with context.eager_mode():
        scalar = scalar_summary_op("a", 1.0)
        with pytest.raises(errors.InvalidArgumentError, match="Duplicate tag a found in summary inputs"):
            merge_summary_op([scalar, scalar])


def test_merge_keeps_the_order_of_its_inputs() -> None:
    with context.eager_mode():
        merged = merge_summary_op([scalar_summary_op(tag, 1.0) for tag in ("b", "a", "c")])
        assert [value.tag for value in parsed(merged).value] == ["b", "a", "c"]


@pytest.mark.parametrize("shape", [(2, 2, 3), (1, 2, 2, 2)], ids=["rank", "channels"])
def test_images_of_wrong_shape_are_refused_when_the_graph_is_built(shape: tuple[int, ...]) -> None:
    with Graph().as_default(), pytest.raises(ValueError, match="tensor must have rank 4|1, 3 or 4 channels"):
        image_summary_op("i", np.zeros(shape, np.float32))


def test_sample_rate_of_zero_is_refused() -> None:
    with context.eager_mode(), pytest.raises(errors.InvalidArgumentError, match="sample_rate"):
        audio_summary_v2_op("s", SOUNDS, 0.0)


def test_bytes_are_not_scaled() -> None:
    with context.eager_mode():
        images = np.arange(12, dtype=np.uint8).reshape(1, 2, 2, 3)
        summary = parsed(image_summary_op("i", images))
        picture = Image.open(io.BytesIO(summary.value[0].image.encoded_image_string))
        np.testing.assert_array_equal(np.asarray(picture), images[0])


def test_an_array_keeps_its_type_where_the_operation_has_a_default() -> None:
    with Graph().as_default():
        assert image_summary_op("i", np.zeros((1, 2, 2, 3), np.uint8)).op.get_attr("T").name == "uint8"


def test_pixels_that_are_not_finite_get_the_bad_color() -> None:
    with context.eager_mode():
        images = np.full((1, 1, 1, 3), np.nan, np.float32)
        bad = np.array([1, 2, 3], np.uint8)
        summary = parsed(image_summary_op("i", images, bad_color=bad))
        expected = summary_values.image("i", images, bad_color=(1, 2, 3))
        assert summary.value[0] == expected[0]
