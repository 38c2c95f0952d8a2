"""Single values of summaries: functions from a tag and data to a `Summary.Value`."""

from __future__ import annotations

import functools
import io
import math
import sys
import wave
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from penstock.formats import protos
from penstock.formats.tensor_proto import to_tensor_proto

_IMAGE_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_DEFAULT_BAD_COLOR = (255, 0, 0, 255)
# An image whose values are all below this in magnitude is drawn as zeros.
_ZERO_THRESHOLD = 1e-6


def scalar(tag: str, value: float) -> Any:
    """Make a value that holds one number, in float32."""
    return protos.Summary.Value(tag=tag, simple_value=float(value))


def tensor(tag: str, array: Any, metadata: Any = None) -> Any:
    """Make a value that holds a tensor.

    Args:
        tag: the value's name.
        array: any NumPy array, or what becomes one.
        metadata: a `SummaryMetadata`, which names the plugin that shows it.
    """
    value = protos.Summary.Value(tag=tag, tensor=to_tensor_proto(array))
    value.metadata.SetInParent()
    if metadata is not None:
        value.metadata.CopyFrom(metadata)
    return value


def text(tag: str, strings: Any) -> Any:
    """Make a value that TensorBoard shows as text in Markdown; an array of strings becomes a table."""
    metadata = protos.SummaryMetadata()
    metadata.plugin_data.plugin_name = "text"
    return tensor(tag, np.asarray(strings, dtype=object), metadata)


@functools.cache
def _bucket_limits() -> np.ndarray:
    """Return the upper limits of a histogram's buckets: 0, and numbers that grow by a tenth from 1e-12 to 1e20."""
    positive = []
    limit = 1e-12
    while limit < 1e20:
        positive.append(limit)
        limit *= 1.1
    positive.append(sys.float_info.max)
    return np.array([-limit for limit in reversed(positive)] + [0.0] + positive)


def histogram_proto(values: Any) -> Any:
    """Make a `HistogramProto` of numbers.

    Args:
        values: real numbers of any shape.
    Raises:
        ValueError: if a value is not finite.
    """
    flat = np.asarray(values).reshape(-1).astype(np.float64)
    if not np.isfinite(flat).all():
        kind = "NaN" if np.isnan(flat).any() else "Infinity"
        raise ValueError(f"{kind} in the values of a histogram; only finite numbers can be counted")
    limits = _bucket_limits()
    if not flat.size:
        proto = protos.HistogramProto(min=limits[-1], max=-limits[-1], num=0, sum=0, sum_squares=0)
        proto.bucket_limit.append(limits[-1])
        proto.bucket.append(0)
        return proto
    # A value equal to a limit belongs to the bucket above it; added up in order, as TensorFlow does.
    indices = np.minimum(np.searchsorted(limits, flat, side="right"), len(limits) - 1)
    counts = np.bincount(indices, minlength=len(limits))
    proto = protos.HistogramProto(
        min=flat.min(), max=flat.max(), num=flat.size, sum=np.cumsum(flat)[-1], sum_squares=np.cumsum(flat * flat)[-1]
    )
    # Of a run of empty buckets only the last is stored.
    empty = counts == 0
    stored = ~(empty & np.append(empty[1:], False))
    proto.bucket_limit.extend(limits[stored].tolist())
    proto.bucket.extend(counts[stored].tolist())
    return proto


def histogram(tag: str, values: Any) -> Any:
    """Make a value that holds how numbers are distributed.

    Args:
        tag: the value's name.
        values: real numbers of any shape.
    Raises:
        ValueError: if a value is not finite, naming the tag.
    """
    try:
        return protos.Summary.Value(tag=tag, histo=histogram_proto(values))
    except ValueError as error:
        raise ValueError(f"histogram {tag!r}: {error}") from error


def _numbered(tag: str, kind: str, index: int, max_outputs: int) -> str:
    """Name one of a batch of images or sounds."""
    return f"{tag}/{kind}/{index}" if max_outputs > 1 else f"{tag}/{kind}"


def _normalized(image: np.ndarray, bad_color: np.ndarray) -> np.ndarray:
    """Scale one image of floats to bytes.

    If there are negative values, zero becomes 128 and the largest magnitude is 127 away from it; else zero stays and
    the largest becomes 255. Pixels with a channel that is not finite count for nothing and get the bad color.
    """
    finite = np.isfinite(image).all(axis=-1)
    counted = image[finite]
    smallest = float(counted.min()) if counted.size else 0.0
    largest = float(counted.max()) if counted.size else 0.0
    extent = max(abs(smallest), abs(largest)) if smallest < 0 else largest
    highest, offset = (127.0, 128.0) if smallest < 0 else (255.0, 0.0)
    # In float32 as TensorFlow computes it, then in the image's own type.
    scale = np.float32(0.0 if extent < _ZERO_THRESHOLD else np.float32(highest) / np.float32(extent))
    pixels = np.empty(image.shape, np.uint8)
    pixels[finite] = (counted * image.dtype.type(scale) + image.dtype.type(offset)).astype(np.uint8)
    pixels[~finite] = bad_color
    return pixels


def image(tag: str, images: Any, max_outputs: int = 3, bad_color: Sequence[int] = _DEFAULT_BAD_COLOR) -> list[Any]:
    """Make values that hold images, in PNG.

    Args:
        tag: the images are `<tag>/image/<number>`, or `<tag>/image` if `max_outputs` is 1.
        images: uint8 or floating, of shape (batch, height, width, channels), with 1, 3 or 4 channels. Floats are scaled
            image by image to the range of bytes.
        max_outputs: the number of images to take from the batch.
        bad_color: one byte per channel, for pixels of floats that are not finite; more bytes than channels are unused.
    Returns:
        One value per image.
    Raises:
        ValueError: if the shape or type is another.
    """
    batch = np.asarray(images)
    if batch.ndim != 4 or batch.shape[-1] not in _IMAGE_MODES:
        raise ValueError(
            f"image {tag!r}: expected shape (batch, height, width, channels) with 1, 3 or 4 channels, got {batch.shape}"
        )
    if 0 in batch.shape[1:]:
        raise ValueError(f"image {tag!r}: images of shape {batch.shape[1:]} have no pixels")
    if batch.dtype != np.uint8 and batch.dtype.kind != "f":
        raise ValueError(f"image {tag!r}: expected uint8 or a floating type, got {batch.dtype}; cast it")
    channels = batch.shape[-1]
    if len(bad_color) < channels:
        raise ValueError(f"image {tag!r}: bad_color needs {channels} bytes, got {len(bad_color)}")
    values = []
    for index, pixels in enumerate(batch[:max_outputs]):
        if pixels.dtype != np.uint8:
            pixels = _normalized(pixels, np.array(bad_color[:channels], np.uint8))
        value = protos.Summary.Value(tag=_numbered(tag, "image", index, max_outputs))
        value.image.height, value.image.width, value.image.colorspace = pixels.shape
        value.image.encoded_image_string = encode_png(pixels)
        values.append(value)
    return values


def encode_png(pixels: np.ndarray) -> bytes:
    """Encode an image of bytes, of shape (height, width, channels) with 1, 3 or 4 channels, in PNG."""
    mode = _IMAGE_MODES[pixels.shape[-1]]
    squeezed = np.ascontiguousarray(pixels[..., 0] if mode == "L" else pixels)
    file = io.BytesIO()
    Image.frombytes(mode, (pixels.shape[1], pixels.shape[0]), squeezed.tobytes()).save(file, format="PNG")
    return file.getvalue()


def encode_wav(samples: np.ndarray, sample_rate: int) -> bytes:
    """Encode sound in 16-bit WAV.

    Args:
        samples: floating, of shape (frames, channels), from -1 to 1; what lies outside is clipped.
        sample_rate: frames per second.
    Raises:
        ValueError: if the header of the file cannot hold the sample rate.
    """
    byte_rate = sample_rate * 2 * samples.shape[-1]
    if not 0 < byte_rate < 1 << 32:
        raise ValueError(f"a sample rate of {sample_rate} does not fit the header of a WAV file")
    scaled = samples.astype(np.float32) * np.float32(1 << 15)
    # Halves are rounded away from zero, as C does.
    rounded = np.copysign(np.floor(np.abs(scaled) + np.float32(0.5)), scaled)
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(samples.shape[1])
        writer.setsampwidth(2)
        writer.setframerate(sample_rate)
        writer.writeframes(np.clip(np.nan_to_num(rounded), -(1 << 15), (1 << 15) - 1).astype("<i2").tobytes())
    return file.getvalue()


def audio(tag: str, sounds: Any, sample_rate: float, max_outputs: int = 3) -> list[Any]:
    """Make values that hold sounds, in WAV.

    Args:
        tag: the sounds are `<tag>/audio/<number>`, or `<tag>/audio` if `max_outputs` is 1.
        sounds: floating, from -1 to 1, of shape (batch, frames, channels) or (batch, frames).
        sample_rate: frames per second.
        max_outputs: the number of sounds to take from the batch.
    Returns:
        One value per sound.
    Raises:
        ValueError: if the shape is another or the sample rate is not positive.
    """
    batch = np.asarray(sounds)
    if batch.ndim == 2:
        batch = batch[..., np.newaxis]
    if batch.ndim != 3 or batch.shape[-1] == 0:
        raise ValueError(
            f"audio {tag!r}: expected shape (batch, frames, channels) or (batch, frames), got {batch.shape}"
        )
    if not (math.isfinite(sample_rate) and sample_rate >= 1):
        raise ValueError(f"audio {tag!r}: sample_rate must be at least 1 frame per second, got {sample_rate}")
    values = []
    for index, samples in enumerate(batch[:max_outputs]):
        value = protos.Summary.Value(tag=_numbered(tag, "audio", index, max_outputs))
        value.audio.sample_rate = sample_rate
        value.audio.length_frames, value.audio.num_channels = samples.shape
        value.audio.encoded_audio_string = encode_wav(samples, int(sample_rate))
        value.audio.content_type = "audio/wav"
        values.append(value)
    return values
