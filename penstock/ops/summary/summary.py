"""Serialized `Summary` messages of tensors: scalars, histograms, images, sounds, whole tensors, and merges of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from penstock.core import array
from penstock.core.array import Value
from penstock.core.dtypes import REAL_NUMBER, float16, float32, float64, uint8
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import Type, op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, format_dims, scalar
from penstock.formats import protos, summary_values

Constant = np.ndarray

_BAD_COLOR = np.array([255, 0, 0, 255], dtype=np.uint8)


def _serialized(values: Any) -> Value:
    """Return a string scalar that holds a summary of the given values."""
    return array.from_numpy(np.array(protos.Summary(value=values).SerializeToString(), dtype=object))


def _parse(message: Any, serialized: bytes) -> None:
    """Read a message from its bytes, raising TensorFlow's error where they are none."""
    try:
        message.ParseFromString(serialized)
    except DecodeError as error:
        raise InvalidArgumentError(None, None, f"Could not parse the serialized message: {error}") from error


def _single_tag(tag: Value) -> str:
    if tag.size != 1:
        raise InvalidArgumentError(None, None, f"tag must be a scalar, got shape {format_dims(tag.shape)}")
    return tag.reshape(-1)[0].decode()


def _made(make: Any, *args: Any) -> Any:
    """Call a function that makes values, raising TensorFlow's error in place of a ValueError."""
    try:
        return make(*args)
    except ValueError as error:
        raise InvalidArgumentError(None, None, str(error)) from error


def _expect_single_tag(tag: Dims, rank: tuple[int, ...], tensor: Dims) -> None:
    if tag not in (None, (), (1,), (None,)):
        raise ShapeError(f"tag must be a scalar, got shape {format_dims(tag)}")
    if tensor is not None and rank and len(tensor) not in rank:
        wanted = " or ".join(str(each) for each in rank)
        raise ShapeError(f"tensor must have rank {wanted}, got shape {format_dims(tensor)}")


@op("ScalarSummary(tags: string, values: T) -> summary: string", T=REAL_NUMBER, differentiable=False, shape=scalar)
def scalar_summary_op(tags: Value, values: Value) -> Value:
    numbers = np.asarray(array.to_numpy(values))
    # One tag for one number is accepted whatever the axes of size 1 around them.
    if tags.shape != numbers.shape and not (tags.size == numbers.size == 1):
        first = f" (tag '{tags.reshape(-1)[0].decode()}')" if tags.size == 1 else ""
        raise InvalidArgumentError(
            None,
            None,
            f"tags and values are not the same shape: {list(tags.shape)} != {list(numbers.shape)}{first}; "
            "a scalar summary takes one number for each tag, such as tf.reduce_mean(tensor)",
        )
    pairs = zip(tags.reshape(-1), numbers.reshape(-1).astype(np.float64).tolist(), strict=True)
    return _serialized([summary_values.scalar(tag.decode(), number) for tag, number in pairs])


@op(
    "HistogramSummary(tag: string, values: T) -> summary: string",
    T=Type(REAL_NUMBER, default=float32),
    differentiable=False,
)
def histogram_summary_op(tag: Value, values: Value) -> Value:
    name = _single_tag(tag)
    numbers = np.asarray(array.to_numpy(values)).astype(np.float64)
    if not np.isfinite(numbers).all():
        kind = "Nan" if np.isnan(numbers).any() else "Infinity"
        raise InvalidArgumentError(None, None, f"{kind} in summary histogram for: {name}")
    return _serialized([summary_values.histogram(name, numbers)])


@histogram_summary_op.shape
def histogram_summary_shape(tag: Dims, values: Dims) -> Dims:
    _expect_single_tag(tag, (), values)
    return ()


@op(
    "ImageSummary(tag: string, tensor: T) -> summary: string",
    minimum={"max_images": 1},
    T=Type(frozenset({uint8, float16, float32, float64}), default=float32),
    differentiable=False,
)
def image_summary_op(tag: Value, tensor: Value, *, max_images: int = 3, bad_color: Constant = _BAD_COLOR) -> Value:
    images = np.asarray(array.to_numpy(tensor))
    color = np.asarray(bad_color).reshape(-1).tolist()
    return _serialized(_made(summary_values.image, _single_tag(tag), images, max_images, color))


@image_summary_op.shape
def image_summary_shape(tag: Dims, tensor: Dims, *, max_images: int, bad_color: Constant) -> Dims:
    _expect_single_tag(tag, (4,), tensor)
    if max_images < 1:
        raise ShapeError(f"max_images must be at least 1, got {max_images}")
    if tensor is not None and tensor[3] not in (None, 1, 3, 4):
        raise ShapeError(f"images must have 1, 3 or 4 channels in their last axis, got shape {format_dims(tensor)}")
    return ()


def _audio(tag: Value, tensor: Value, sample_rate: float, max_outputs: int) -> Value:
    sounds = np.asarray(array.to_numpy(tensor))
    return _serialized(_made(summary_values.audio, _single_tag(tag), sounds, sample_rate, max_outputs))


@op("AudioSummary(tag: string, tensor: float32) -> summary: string", minimum={"max_outputs": 1}, differentiable=False)
def audio_summary_op(tag: Value, tensor: Value, *, sample_rate: float, max_outputs: int = 3) -> Value:
    return _audio(tag, tensor, sample_rate, max_outputs)


@audio_summary_op.shape
def audio_summary_shape(tag: Dims, tensor: Dims, *, sample_rate: float, max_outputs: int) -> Dims:
    _expect_single_tag(tag, (2, 3), tensor)
    return ()


@op(
    "AudioSummaryV2(tag: string, tensor: float32, sample_rate: host float32) -> summary: string",
    minimum={"max_outputs": 1},
    differentiable=False,
)
def audio_summary_v2_op(tag: Value, tensor: Value, sample_rate: float, *, max_outputs: int = 3) -> Value:
    return _audio(tag, tensor, sample_rate, max_outputs)


@audio_summary_v2_op.shape
def audio_summary_v2_shape(tag: Dims, tensor: Dims, sample_rate: Any, *, max_outputs: int) -> Dims:
    _expect_single_tag(tag, (2, 3), tensor)
    if max_outputs < 1:
        raise ShapeError(f"max_outputs must be at least 1, got {max_outputs}")
    return ()


@op("TensorSummary(tensor: T) -> summary: string", differentiable=False, shape=scalar)
def tensor_summary_op(
    tensor: Value,
    *,
    description: str = "",
    labels: list[str] = [],
    display_name: str = "",
    node_name: str,
) -> Value:
    return _serialized([summary_values.tensor(node_name, array.to_numpy(tensor))])


@op(
    "TensorSummaryV2(tag: string, tensor: T, serialized_summary_metadata: string) -> summary: string",
    differentiable=False,
    shape=scalar,
)
def tensor_summary_v2_op(tag: Value, tensor: Value, serialized_summary_metadata: Value) -> Value:
    metadata = protos.SummaryMetadata()
    _parse(metadata, serialized_summary_metadata.reshape(-1)[0])
    return _serialized([summary_values.tensor(_single_tag(tag), array.to_numpy(tensor), metadata)])


@op("MergeSummary(inputs: N * string) -> summary: string", differentiable=False, shape=scalar)
def merge_summary_op(inputs: list[Value]) -> Value:
    merged = protos.Summary()
    tags: set[str] = set()
    for serialized in (each for value in inputs for each in value.reshape(-1)):
        summary = protos.Summary()
        _parse(summary, serialized)
        for value in summary.value:
            if value.tag in tags:
                raise InvalidArgumentError(None, None, f"Duplicate tag {value.tag} found in summary inputs")
            tags.add(value.tag)
        merged.value.extend(summary.value)
    return array.from_numpy(np.array(merged.SerializeToString(), dtype=object))
