"""Images in files."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.ops.image import codecs as c
from penstock.testing.op_case import OpCase, integers

RGB = integers(0, 255, 5, 7, 3, dtype=np.uint8)
SMOOTH = np.tile(np.linspace(0, 255, 16, dtype=np.uint8)[:, None, None], [1, 16, 3])
COVERS = ("DecodeBmp", "DecodeAndCropJpeg", "EncodeJpegVariableQuality", "DecodeImage", "DecodeGif", "ExtractJpegShape")


def _saved(pixels, kind, **options):
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels).save(buffer, kind, **options)
    return np.array(buffer.getvalue(), dtype=object)


CASES = [
    OpCase(c.decode_png_op, [_saved(RGB, "PNG")], RGB),
    OpCase(c.decode_jpeg_op, [_saved(SMOOTH, "JPEG", quality=95)]),
    OpCase(c.encode_png_op, [RGB]),
    OpCase(c.encode_jpeg_op, [RGB]),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_png_keeps_every_bit(channels, dtype):
    pixels = integers(0, np.iinfo(dtype).max, 6, 5, channels, dtype=dtype)
    data = c.encode_png(pixels)
    np.testing.assert_array_equal(c.decode_png(data, dtype=dtype).numpy(), pixels)
    np.testing.assert_array_equal(c.decode_image(data, dtype=dtype, expand_animations=False).numpy(), pixels)


def test_filtered_png_with_16_bits_is_read():
    pixels = integers(0, 65535, 6, 5, dtype=np.uint16)
    data = _saved(pixels, "PNG")
    np.testing.assert_array_equal(c.decode_png(data, dtype=np.uint16).numpy()[..., 0], pixels)
    np.testing.assert_array_equal(c.decode_png(data).numpy()[..., 0], pixels >> 8)


def test_batches_of_images_are_encoded():
    assert c.encode_png(np.stack([RGB, RGB])).shape.as_list() == [2]


def test_jpeg_comes_back_nearly_the_same():
    data = c.encode_jpeg(SMOOTH)
    assert np.abs(c.decode_jpeg(data).numpy().astype(int) - SMOOTH).max() <= 4
    np.testing.assert_array_equal(
        c.decode_and_crop_jpeg(data, [2, 3, 4, 5]).numpy(), c.decode_jpeg(data).numpy()[2:6, 3:8]
    )
    assert c.decode_jpeg(data, ratio=2).shape.as_list() == [8, 8, 3]
    assert c.extract_jpeg_shape(data).numpy().tolist() == [16, 16, 3]
    assert c.is_jpeg(data).numpy() and not c.is_jpeg(c.encode_png(RGB)).numpy()
    assert c.adjust_jpeg_quality(SMOOTH, 90).shape.as_list() == [16, 16, 3]


def test_other_formats():
    np.testing.assert_array_equal(c.decode_bmp(_saved(RGB, "BMP")).numpy(), RGB)
    gif = _saved(RGB[..., 0], "GIF")
    assert c.decode_gif(gif).shape.as_list() == [1, 5, 7, 3]
    assert c.decode_image(gif, expand_animations=False).shape.as_list() == [5, 7, 3]
    floating = c.decode_image(_saved(RGB, "BMP"), dtype=np.float32)
    np.testing.assert_allclose(floating.numpy(), RGB / np.float32(255), rtol=1e-6)


def test_what_is_no_image_is_refused():
    for decode in (c.decode_png, c.decode_jpeg, c.decode_gif, c.decode_bmp, c.decode_image):
        with pytest.raises(InvalidArgumentError):
            decode(b"no image")
    with pytest.raises(InvalidArgumentError, match="channels"):
        c.encode_png(np.zeros((2, 2, 5), np.uint8))
    with pytest.raises(InvalidArgumentError, match="crop window"):
        c.decode_and_crop_jpeg(c.encode_jpeg(SMOOTH), [10, 0, 10, 3])
