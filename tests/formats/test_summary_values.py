"""Values of summaries. Expected pixels, samples and buckets are those of TensorFlow 2.21."""

from __future__ import annotations

import io
import sys
import wave

import numpy as np
import pytest
from PIL import Image

from penstock.formats import protos, summary_values
from penstock.formats.tensor_proto import from_tensor_proto

_NAN = float("nan")
_MAX = sys.float_info.max


def _pixels(value):
    return np.asarray(Image.open(io.BytesIO(value.image.encoded_image_string))).tolist()


def test_scalars_and_texts_are_tensorflows_bytes():
    assert summary_values.scalar("sc", 2).SerializeToString().hex() == "0a0273631500000040"
    assert summary_values.text("foo", "bar").SerializeToString().hex() == (
        "0a03666f6f42090807120042036261724a080a060a0474657874"
    )


def test_tensors_say_what_tensorflows_say():
    theirs = protos.Summary.Value.FromString(bytes.fromhex("0a027473420e080112041202080122040000803f4a00"))
    ours = summary_values.tensor("ts", np.float32([1]))
    assert from_tensor_proto(ours.tensor).tolist() == from_tensor_proto(theirs.tensor).tolist() == [1.0]
    ours.tensor.CopyFrom(theirs.tensor)
    assert ours.SerializeToString() == theirs.SerializeToString()


@pytest.mark.parametrize(
    ("values", "limits", "counts"),
    [
        (
            [1.0, 2.0, 2.0, -3.0, 0.0],
            [-3.1665833053880363, -2.8787120958073054, 0, 1e-12, 0.917246389039776, 1.0089710279437536,
             1.9661990955585713, 2.1628190051144287, _MAX],
            [0, 1, 0, 1, 0, 1, 0, 2, 0],
        ),
        ([], [_MAX], [0]),
        ([0.0], [0, 1e-12, _MAX], [0, 1, 0]),
        ([1e30, -1e30], [-_MAX, -9.9207756218597835e19, 9.9207756218597835e19, _MAX], [0, 1, 0, 1]),
    ],
)  # fmt: skip
def test_histograms_have_tensorflows_buckets(values, limits, counts):
    histogram = summary_values.histogram("h", np.array(values)).histo
    assert list(histogram.bucket_limit) == limits
    assert list(histogram.bucket) == counts
    assert histogram.num == len(values)
    assert histogram.sum == sum(values)
    assert histogram.sum_squares == sum(value * value for value in values)


def test_the_extremes_of_histograms():
    histogram = summary_values.histogram("h", np.array([[1, 2], [2, -3]], np.int32)).histo
    assert (histogram.min, histogram.max) == (-3, 2)
    empty = summary_values.histogram("h", []).histo
    assert (empty.min, empty.max) == (_MAX, -_MAX)


@pytest.mark.parametrize("value", [_NAN, float("inf")])
def test_a_histogram_of_what_is_not_finite_is_an_error_that_names_it(value):
    with pytest.raises(ValueError, match="histogram 'h'"):
        summary_values.histogram("h", [1.0, value])


@pytest.mark.parametrize(
    ("dtype", "image", "pixels"),
    [
        ("float32", [[[0], [0.5], [1], [2]]], [[0, 63, 127, 255]]),
        ("float32", [[[-1], [0.5], [1], [2]]], [[64, 159, 191, 255]]),
        ("float32", [[[0], [1e-7]]], [[0, 0]]),
        ("float32", [[[-1e-7], [0]]], [[128, 128]]),
        ("float32", [[[_NAN], [1], [0.3]]], [[255, 255, 76]]),
        ("float32", [[[_NAN], [_NAN]]], [[255, 255]]),
        (
            "float32",
            [[[_NAN, 1, 1], [1, 0.2, 0.3], [0.3, 0.5, 0.7]]],
            [[[255, 0, 0], [255, 51, 76], [76, 127, 178]]],
        ),
        (
            "float32",
            [[[-0.1, 0.2, -0.7], [np.inf, 0.2, 0.3], [0.3, 0.5, 0.7]]],
            [[[109, 164, 1], [255, 0, 0], [182, 218, 255]]],
        ),
        ("float32", [[[_NAN, 1, 1, 1], [1, 0.5, 0.2, 0]]], [[[255, 0, 0, 255], [255, 127, 51, 0]]]),
        ("float32", [[[3], [10], [255], [300]]], [[2, 8, 216, 255]]),
        ("float16", [[[0.1], [0.3], [0.7]]], [[36, 109, 255]]),
        ("float64", [[[0.1], [0.3], [0.7]]], [[36, 109, 254]]),
        ("uint8", [[[1], [2], [3]]], [[1, 2, 3]]),
    ],
)
def test_images_have_tensorflows_pixels(dtype, image, pixels):
    (value,) = summary_values.image("t", np.array([image], dtype), max_outputs=1)
    assert value.tag == "t/image"
    assert _pixels(value) == pixels
    assert [value.image.height, value.image.width, value.image.colorspace] == list(np.shape(image))


def test_images_of_a_batch_are_numbered():
    batch = np.zeros((3, 2, 4, 3), np.uint8)
    assert [value.tag for value in summary_values.image("t", batch, 2)] == ["t/image/0", "t/image/1"]
    assert [value.tag for value in summary_values.image("t", batch[:1])] == ["t/image/0"]
    assert summary_values.image("t", batch[:0]) == []


def test_bad_pixels_have_the_color_asked_for():
    (value,) = summary_values.image("t", np.full((1, 1, 1, 3), _NAN), 1, bad_color=[1, 2, 3])
    assert _pixels(value) == [[[1, 2, 3]]]


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((1, 2, 2, 2), np.uint8), "1, 3 or 4 channels, got \\(1, 2, 2, 2\\)"),
        (np.zeros((2, 2), np.uint8), "got \\(2, 2\\)"),
        (np.zeros((1, 2, 2, 1), np.int32), "int32"),
        (np.zeros((1, 0, 2, 1), np.uint8), "no pixels"),
    ],
)
def test_what_is_no_image_is_an_error_that_names_the_tag(images, message):
    with pytest.raises(ValueError, match=f"image 't': .*{message}"):
        summary_values.image("t", images)


def test_sounds_are_tensorflows_bytes():
    samples = np.array([[0.0, 0.5, 1.0, -1.0, -2.0, 2.0, 1e-5, 1.6e-5, 0.3]], np.float32)
    (value,) = summary_values.audio("t", samples, 44100)
    assert value.tag == "t/audio/0"
    assert (value.audio.sample_rate, value.audio.num_channels, value.audio.length_frames) == (44100, 1, 9)
    assert value.audio.content_type == "audio/wav"
    assert value.audio.encoded_audio_string.hex() == (
        "524946463600000057415645666d7420100000000100010044ac00008858010002001000646174611200000000000040ff7f00800080ff7f"
        "000001006626"
    )


def test_sounds_of_two_channels_are_interleaved():
    (value,) = summary_values.audio("t", np.float32([[[0, 0.5], [-0.5, 0]]]), 8000, max_outputs=1)
    assert value.tag == "t/audio"
    with wave.open(io.BytesIO(value.audio.encoded_audio_string)) as reader:
        assert (reader.getnchannels(), reader.getframerate()) == (2, 8000)
        assert np.frombuffer(reader.readframes(2), "<i2").tolist() == [0, 16384, -16384, 0]


def test_what_is_no_sound_is_an_error_that_names_the_tag():
    with pytest.raises(ValueError, match="audio 't'.*got \\(3,\\)"):
        summary_values.audio("t", np.zeros(3), 8000)
    with pytest.raises(ValueError, match="sample_rate"):
        summary_values.audio("t", np.zeros((1, 3)), 0)
