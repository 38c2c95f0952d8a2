"""Images in files: PNG, JPEG, GIF and BMP."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageSequence
import torch

from penstock.core import array, dtypes
from penstock.core.array import Array, Value
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import DType, as_dtype
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import name_scope
from penstock.core.op import Type, op
from penstock.core.shape import Dims
from penstock.core.shape_rules import expect_rank, scalar
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred, strings
from penstock.ops.image.color import convert_image_dtype

_PNG_TYPE = Type(frozenset({dtypes.uint8, dtypes.uint16}), default=dtypes.uint8)
_IMAGE_TYPE = Type(frozenset({dtypes.uint8, dtypes.uint16, dtypes.float32}), default=dtypes.uint8)
_PNG_MARK = b"\x89PNG\r\n\x1a\n"
_JPEG_MARK = b"\xff\xd8\xff"
_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_PNG_COLOR = {1: 0, 2: 4, 3: 2, 4: 6}
_FORMATS = ("PNG", "JPEG", "GIF", "BMP")


def _invalid(text: str) -> InvalidArgumentError:
    return InvalidArgumentError(None, None, text)


def _contents(contents: Value) -> bytes:
    if isinstance(contents, np.ndarray) and contents.ndim:
        raise _invalid(f"`contents` must be scalar but got shape {list(contents.shape)}")
    return contents if isinstance(contents, bytes) else contents.item()


def _open(data: bytes, formats: tuple[str, ...] = _FORMATS) -> PIL.Image.Image:
    try:
        image = PIL.Image.open(io.BytesIO(data), formats=formats)
        image.load()
    except (OSError, ValueError, SyntaxError) as error:
        raise _invalid(f"Invalid {' or '.join(formats)} data, size {len(data)}: {error}") from None
    return image


def _check_channels(channels: int, allowed: tuple[int, ...] = (0, 1, 3, 4)) -> None:
    if channels not in allowed:
        raise _invalid(f"channels must be one of {', '.join(map(str, allowed))}, got {channels}")


def _pixels(image: PIL.Image.Image, channels: int) -> np.ndarray:
    """Return an opened image as uint8 of shape (height, width, channels)."""
    if not channels:
        if image.mode == "P":
            channels = 4 if "transparency" in image.info else 3
        else:
            channels = {"1": 1, "L": 1, "LA": 2, "RGBA": 4, "I;16": 1, "I": 1}.get(image.mode, 3)
    mode = _MODES[channels]
    if image.mode != mode:
        if mode == "RGB" and image.mode == "RGBA":
            return np.asarray(image)[..., :3]
        image = image.convert(mode)
    pixels = np.asarray(image)
    return pixels[..., None] if pixels.ndim == 2 else pixels


# PNG with 16 bits, which the imaging library reduces to 8 for colors, is read here.


def _png_header(data: bytes) -> tuple[int, int, int, int, int]:
    if not data.startswith(_PNG_MARK) or len(data) < 33:
        raise _invalid(f"Invalid PNG. Failed to initialize decoder for {len(data)} bytes")
    width, height, depth, color, _, _, interlace = struct.unpack(">IIBBBBB", data[16:29])
    return width, height, depth, color, interlace


def _distance(a: int, b: int) -> int:
    return abs(a - b)


def _unfiltered(raw: bytes, height: int, row_bytes: int, pixel_bytes: int) -> np.ndarray:
    rows = np.zeros((height, row_bytes), np.uint8)
    above = np.zeros(row_bytes, np.uint8)
    for y in range(height):
        start = y * (row_bytes + 1)
        kind, line = raw[start], np.frombuffer(raw, np.uint8, row_bytes, start + 1).copy()
        if kind == 2:
            line += above
        elif kind:
            for x in range(row_bytes):
                left = int(line[x - pixel_bytes]) if x >= pixel_bytes else 0
                corner = int(above[x - pixel_bytes]) if x >= pixel_bytes else 0
                up = int(above[x])
                nearest = min((left, up, corner), key=partial(_distance, left + up - corner))
                guess = {1: left, 3: (left + up) // 2, 4: nearest}[kind]
                line[x] = (int(line[x]) + guess) & 0xFF
        rows[y] = above = line
    return rows


def _png16(data: bytes) -> np.ndarray:
    """Return the pixels of a PNG file with 16 bits as uint16 of shape (height, width, channels)."""
    width, height, _, color, interlace = _png_header(data)
    if interlace:
        raise _invalid("interlaced PNG files with 16 bits are not supported; save the file without interlacing")
    at, parts = 8, []
    while at + 8 <= len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        if data[at + 4 : at + 8] == b"IDAT":
            parts.append(data[at + 8 : at + 8 + length])
        at += 12 + length
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[color]
    try:
        raw = zlib.decompress(b"".join(parts))
    except zlib.error as error:
        raise _invalid(f"Invalid PNG data: {error}") from None
    if len(raw) < height * (width * channels * 2 + 1):
        raise _invalid(f"Invalid PNG data: {len(raw)} bytes for {width} x {height} pixels")
    rows = _unfiltered(raw, height, width * channels * 2, channels * 2)
    return rows.view(">u2").astype(np.uint16).reshape(height, width, channels)


def _with_channels(pixels: np.ndarray, channels: int, full: int) -> np.ndarray:
    has = pixels.shape[2]
    if channels in (0, has):
        return pixels
    colors = pixels[..., :3] if has >= 3 else pixels[..., :1]
    alpha = pixels[..., -1:] if has in (2, 4) else np.full_like(pixels[..., :1], full)
    if channels == 1:
        if has >= 3:
            luma = colors.astype(np.float64) @ np.array([0.2989, 0.587, 0.114])
            return np.rint(luma).astype(pixels.dtype)[..., None]
        return colors
    if has < 3:
        colors = np.repeat(colors, 3, 2)
    return np.concatenate([colors, alpha], 2) if channels == 4 else colors


def _decode_png(data: bytes, channels: int, dtype: DType) -> Array:
    depth = _png_header(data)[2]
    if depth == 16:
        pixels = _with_channels(_png16(data), channels, 65535)
        pixels = pixels if dtype == dtypes.uint16 else (pixels >> 8).astype(np.uint8)
        return torch.from_numpy(np.ascontiguousarray(pixels))
    pixels = _pixels(_open(data, ("PNG",)), channels)
    if dtype == dtypes.uint16:
        pixels = pixels.astype(np.uint16) * 257
    return torch.from_numpy(np.array(pixels, copy=True))


def _decode_jpeg(data: bytes, channels: int, ratio: int, dct_method: str = "", crop: Any = None) -> Array:
    _check_channels(channels, (0, 1, 3))
    if ratio not in (1, 2, 4, 8):
        raise _invalid(f"ratio must be 1, 2, 4, or 8, got {ratio}")
    if dct_method not in ("", "INTEGER_FAST", "INTEGER_ACCURATE"):
        raise _invalid("dct_method must be one of {'', 'INTEGER_FAST', 'INTEGER_ACCURATE'}, got " + repr(dct_method))
    try:
        image = PIL.Image.open(io.BytesIO(data), formats=("JPEG",))
        image.draft(None if not channels else _MODES[channels], (image.width // ratio, image.height // ratio))
        image.load()
    except (OSError, ValueError, SyntaxError) as error:
        raise _invalid(f"Invalid JPEG data or crop window, data size {len(data)}: {error}") from None
    pixels = _pixels(image, channels)
    if crop is not None:
        top, left, height, width = crop
        inside = top >= 0 and left >= 0 and height > 0 and width > 0
        if not inside or top + height > pixels.shape[0] or left + width > pixels.shape[1]:
            raise _invalid(f"Invalid JPEG data or crop window {crop} for an image of {pixels.shape[:2]}")
        pixels = pixels[top : top + height, left : left + width]
    return torch.from_numpy(np.array(pixels, copy=True))


def _decode_gif(data: bytes, first_only: bool = False) -> Array:
    image = _open(data, ("GIF",))
    frames = []
    for frame in PIL.ImageSequence.Iterator(image):
        frames.append(np.asarray(frame.convert("RGB")))
        if first_only:
            return torch.from_numpy(frames[0].copy())
    return torch.from_numpy(np.stack(frames))


def _decode_bmp(data: bytes, channels: int) -> Array:
    _check_channels(channels)
    image = _open(data, ("BMP",))
    pixels = _pixels(image, 0)
    if channels and pixels.shape[2] != channels:
        raise _invalid(f"channels attribute {channels} does not match bits per pixel from file {pixels.shape[2]}")
    return torch.from_numpy(np.array(pixels, copy=True))


def _image_shape(contents: Dims, *rest: Any, channels: int = 0, **attrs: Any) -> Dims:
    expect_rank(contents, 0, "contents")
    return None, None, channels or None


@op("DecodePng(contents: string) -> image: dtype", dtype=_PNG_TYPE, shape=_image_shape)
def decode_png_op(contents: Value, *, channels: int = 0, dtype: DType = dtypes.uint8) -> Array:
    _check_channels(channels)
    data = _contents(contents)
    if data.startswith(_PNG_MARK):
        return _decode_png(data, channels, dtype)
    return _decode_any(data, channels, dtype, False)


@op("DecodeJpeg(contents: string) -> image: uint8", shape=_image_shape)
def decode_jpeg_op(
    contents: Value,
    *,
    channels: int = 0,
    ratio: int = 1,
    fancy_upscaling: bool = True,
    try_recover_truncated: bool = False,
    acceptable_fraction: float = 1.0,
    dct_method: str = "",
) -> Array:
    data = _contents(contents)
    if data.startswith(_JPEG_MARK) or not data:
        return _decode_jpeg(data, channels, ratio, dct_method)
    return _decode_any(data, channels, dtypes.uint8, False)


@op("DecodeAndCropJpeg(contents: string, crop_window: host int32) -> image: uint8")
def decode_and_crop_jpeg_op(
    contents: Value,
    crop_window: Any,
    *,
    channels: int = 0,
    ratio: int = 1,
    fancy_upscaling: bool = True,
    try_recover_truncated: bool = False,
    acceptable_fraction: float = 1.0,
    dct_method: str = "",
) -> Array:
    if not isinstance(crop_window, list) or len(crop_window) != 4:
        raise _invalid(f"crop_window must have four elements, got {crop_window}")
    return _decode_jpeg(_contents(contents), channels, ratio, dct_method, crop_window)


@decode_and_crop_jpeg_op.shape
def decode_and_crop_jpeg_shape(contents: Dims, crop_window: Any, *, channels: int = 0, **attrs: Any) -> Dims:
    rows, columns = (None, None) if crop_window is None else crop_window[2:4]
    return rows, columns, channels or None


@op(
    "DecodeGif(contents: string) -> image: uint8",
    shape=lambda contents: (None, None, None, 3),
)
def decode_gif_op(contents: Value) -> Array:
    data = _contents(contents)
    if data.startswith(b"GIF"):
        return _decode_gif(data)
    return _decode_any(data, 3, dtypes.uint8, False).unsqueeze(0)


@op("DecodeBmp(contents: string) -> image: uint8", shape=_image_shape)
def decode_bmp_op(contents: Value, *, channels: int = 0) -> Array:
    return _decode_bmp(_contents(contents), channels)


def _decode_any(data: bytes, channels: int, dtype: DType, expand_animations: bool) -> Array:
    if data.startswith(_PNG_MARK):
        wide = dtypes.uint16 if dtype == dtypes.uint16 else dtypes.uint8
        pixels = _decode_png(data, channels, wide)
        return pixels if dtype == wide else pixels.float() / 255
    if data.startswith(_JPEG_MARK):
        pixels = _decode_jpeg(data, channels, 1)
    elif data.startswith(b"GIF"):
        if channels not in (0, 3):
            raise _invalid(f"channels must be 0 or 3 for GIF, got {channels}")
        pixels = _decode_gif(data, not expand_animations)
    elif data.startswith(b"BM"):
        pixels = _decode_bmp(data, channels)
    else:
        raise _invalid("Unknown image file format. One of JPEG, PNG, GIF, BMP required.")
    if dtype == dtypes.uint16:
        return torch.from_numpy(pixels.numpy().astype(np.uint16) * 256)
    return pixels.float() / 255 if dtype == dtypes.float32 else pixels


@op(
    "DecodeImage(contents: string) -> image: dtype",
    dtype=_IMAGE_TYPE,
    shape=lambda contents, *, channels, dtype, expand_animations: (
        None if expand_animations else (None, None, channels or None)
    ),
)
def decode_image_op(
    contents: Value, *, channels: int = 0, dtype: DType = dtypes.uint8, expand_animations: bool = True
) -> Array:
    _check_channels(channels)
    return _decode_any(_contents(contents), channels, dtype, expand_animations)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _encode_png(pixels: np.ndarray, compression: int) -> bytes:
    height, width, channels = pixels.shape
    rows = np.ascontiguousarray(pixels.astype(">u2") if pixels.dtype == np.uint16 else pixels)
    body = rows.view(np.uint8).reshape(height, -1)
    lines = np.concatenate([np.zeros((height, 1), np.uint8), body], 1)
    header = struct.pack(">IIBBBBB", width, height, 8 * pixels.itemsize, _PNG_COLOR[channels], 0, 0, 0)
    data = zlib.compress(lines.tobytes(), compression)
    return _PNG_MARK + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


@op("EncodePng(image: T) -> contents: string", T=_PNG_TYPE)
def encode_png_op(image: Array, *, compression: int = -1) -> Value:
    if not -1 <= compression <= 9:
        raise _invalid(f"compression should be in [-1,9], got {compression}")
    if image.ndim < 3 or not 1 <= image.shape[-1] <= 4 or not image.numel():
        raise _invalid(
            "image must have at least 3 dimensions and 1, 2, 3, or 4 channels, and not be empty, got shape "
            f"{list(image.shape)}"
        )
    pixels = array.to_numpy(image)
    flat = pixels.reshape(-1, *pixels.shape[-3:])
    return strings([_encode_png(each, compression) for each in flat], pixels.shape[:-3])


@encode_png_op.shape
def encode_png_shape(image: Dims, *, compression: int) -> Dims:
    return None if image is None else image[:-3]


def _encode_jpeg(pixels: np.ndarray, **options: Any) -> bytes:
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3):
        raise _invalid(f"image must be 3-dimensional with 1 or 3 channels, got shape {list(pixels.shape)}")
    image = PIL.Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **options)
    return buffer.getvalue()


@op(
    "EncodeJpeg(image: uint8) -> contents: string",
    allowed={"format": ("", "grayscale", "rgb"), "density_unit": ("in", "cm")},
)
def encode_jpeg_op(
    image: Array,
    *,
    format: str = "",
    quality: int = 95,
    progressive: bool = False,
    optimize_size: bool = False,
    chroma_downsampling: bool = True,
    density_unit: str = "in",
    x_density: int = 300,
    y_density: int = 300,
    xmp_metadata: str = "",
) -> Value:
    channels = {"": image.shape[-1] if image.ndim else 0, "grayscale": 1, "rgb": 3}[format]
    if image.ndim != 3 or image.shape[2] != channels:
        raise _invalid(f"image must have {channels} channels for format {format!r}, got shape {list(image.shape)}")
    if not 0 <= quality <= 100:
        raise _invalid(f"quality must be in [0,100], got {quality}")
    factor = 1.0 if density_unit == "in" else 2.54
    options: dict[str, Any] = {"xmp": xmp_metadata.encode()} if xmp_metadata else {}
    data = _encode_jpeg(
        array.to_numpy(image),
        quality=quality,
        progressive=progressive,
        optimize=optimize_size,
        subsampling=2 if chroma_downsampling else 0,
        dpi=(int(x_density * factor), int(y_density * factor)),
        **options,
    )
    return strings([data], ())


encode_jpeg_op.shape(scalar)


@op("EncodeJpegVariableQuality(images: uint8, quality: host int32) -> contents: string", shape=scalar)
def encode_jpeg_variable_quality_op(images: Array, quality: Any) -> Value:
    if not isinstance(quality, int) or not 0 <= quality <= 100:
        raise _invalid(f"quality must be a scalar in [0,100], got {quality}")
    return strings([_encode_jpeg(array.to_numpy(images), quality=quality, subsampling=2)], ())


@op(
    "ExtractJpegShape(contents: string) -> image_shape: output_type",
    output_type=Type(frozenset({dtypes.int32, dtypes.int64}), default=dtypes.int32),
    shape=lambda contents, **attrs: (3,),
)
def extract_jpeg_shape_op(contents: Value, *, output_type: DType = dtypes.int32) -> Array:
    data = _contents(contents)
    try:
        image = PIL.Image.open(io.BytesIO(data), formats=("JPEG",))
    except (OSError, SyntaxError) as error:
        raise _invalid(f"Invalid JPEG data, size {len(data)}: {error}") from None
    dims = [image.height, image.width, len(image.getbands())]
    return torch.tensor(dims, dtype=array.torch_dtype(output_type))


def decode_png(contents: Any, channels: int = 0, dtype: Any = dtypes.uint8, name: str | None = None) -> Tensor:
    """Return the pixels of a PNG file.

    Args:
        contents: the bytes of the file, a scalar string.
        channels: 1 (gray), 3 (RGB), 4 (RGB and alpha), or 0 for what the file has.
        dtype: uint8 or uint16.
        name: the name of the node.
    Returns:
        Numbers of shape (height, width, channels).
    Raises:
        InvalidArgumentError: if the bytes are no image.
    """
    return decode_png_op(contents, channels=channels, dtype=as_dtype(dtype), name=name)


def decode_jpeg(
    contents: Any,
    channels: int = 0,
    ratio: int = 1,
    fancy_upscaling: bool = True,
    try_recover_truncated: bool = False,
    acceptable_fraction: float = 1,
    dct_method: str = "",
    name: str | None = None,
) -> Tensor:
    """Return the pixels of a JPEG file as uint8 of shape (height, width, channels).

    Args:
        contents: the bytes of the file, a scalar string.
        channels: 1 (gray), 3 (RGB), or 0 for what the file has.
        ratio: 1, 2, 4 or 8: how much smaller the result shall be.
        fancy_upscaling, try_recover_truncated, acceptable_fraction, dct_method: hints for the decoder.
        name: the name of the node.
    Raises:
        InvalidArgumentError: if the bytes are no image.
    """
    return decode_jpeg_op(
        contents,
        channels=channels,
        ratio=ratio,
        fancy_upscaling=fancy_upscaling,
        try_recover_truncated=try_recover_truncated,
        acceptable_fraction=acceptable_fraction,
        dct_method=dct_method,
        name=name,
    )


def decode_and_crop_jpeg(
    contents: Any,
    crop_window: Any,
    channels: int = 0,
    ratio: int = 1,
    fancy_upscaling: bool = True,
    try_recover_truncated: bool = False,
    acceptable_fraction: float = 1,
    dct_method: str = "",
    name: str | None = None,
) -> Tensor:
    """Return a part of a JPEG file: `crop_window` is its top row, left column, height and width; see `decode_jpeg`."""
    return decode_and_crop_jpeg_op(
        contents,
        crop_window,
        channels=channels,
        ratio=ratio,
        fancy_upscaling=fancy_upscaling,
        try_recover_truncated=try_recover_truncated,
        acceptable_fraction=acceptable_fraction,
        dct_method=dct_method,
        name=name,
    )


def decode_gif(contents: Any, name: str | None = None) -> Tensor:
    """Return the frames of a GIF file as uint8 of shape (frames, height, width, 3)."""
    return decode_gif_op(contents, name=name)


def decode_bmp(contents: Any, channels: int = 0, name: str | None = None) -> Tensor:
    """Return the pixels of a BMP file as uint8 of shape (height, width, channels)."""
    return decode_bmp_op(contents, channels=channels, name=name)


def decode_image(
    contents: Any,
    channels: int | None = None,
    dtype: Any = dtypes.uint8,
    name: str | None = None,
    expand_animations: bool = True,
) -> Tensor:
    """Return the pixels of a PNG, JPEG, GIF or BMP file.

    Args:
        contents: the bytes of the file, a scalar string.
        channels: 1, 3, 4, or 0 or None for what the file has.
        dtype: uint8 or uint16; of other types, the result is scaled, floats to [0, 1].
        name: the name of the scope.
        expand_animations: whether a GIF gives all its frames, with a fourth axis before.
    """
    dtype = as_dtype(dtype)
    with name_scope(name, "decode_image"):
        direct = dtype if dtype in (dtypes.float32, dtypes.uint8, dtypes.uint16) else dtypes.uint16
        image = decode_image_op(contents, channels=channels or 0, dtype=direct, expand_animations=expand_animations)
        return image if direct == dtype else convert_image_dtype(image, dtype)


def encode_png(image: Any, compression: int = -1, name: str | None = None) -> Tensor:
    """Return images as PNG files.

    Args:
        image: uint8 or uint16 of shape (..., height, width, channels), with 1 to 4 channels.
        compression: 0 (none) to 9 (smallest), or -1 for the usual.
        name: the name of the node.
    Returns:
        Strings of the shape before height.
    """
    image = convert_to_tensor(image, name="image")
    return encode_png_op(image, compression=compression, name=name)


def encode_jpeg(
    image: Any,
    format: str = "",
    quality: int = 95,
    progressive: bool = False,
    optimize_size: bool = False,
    chroma_downsampling: bool = True,
    density_unit: str = "in",
    x_density: int = 300,
    y_density: int = 300,
    xmp_metadata: str = "",
    name: str | None = None,
) -> Tensor:
    """Return an image as a JPEG file.

    Args:
        image: uint8 of shape (height, width, 1 or 3).
        format: "grayscale", "rgb", or "" for what the channels say.
        quality: 0 to 100.
        progressive, optimize_size, chroma_downsampling: how to encode.
        density_unit, x_density, y_density: pixels per inch ("in") or centimeter ("cm").
        xmp_metadata: text to embed.
        name: the name of the node.
    """
    return encode_jpeg_op(
        image,
        format=format,
        quality=quality,
        progressive=progressive,
        optimize_size=optimize_size,
        chroma_downsampling=chroma_downsampling,
        density_unit=density_unit,
        x_density=x_density,
        y_density=y_density,
        xmp_metadata=xmp_metadata,
        name=name,
    )


def extract_jpeg_shape(contents: Any, output_type: Any = dtypes.int32, name: str | None = None) -> Tensor:
    """Return height, width and channels of a JPEG file without decoding its pixels."""
    return extract_jpeg_shape_op(contents, output_type=as_dtype(output_type), name=name)


def is_jpeg(contents: Any, name: str | None = None) -> Tensor:
    """Tell whether a string begins as JPEG files do."""
    with name_scope(name, "is_jpeg"):
        start: Callable[..., Tensor] = deferred("Substr")
        return deferred("Equal")(start(contents, 0, 3), _JPEG_MARK)


def adjust_jpeg_quality(image: Any, jpeg_quality: Any, dct_method: str = "", name: str | None = None) -> Tensor:
    """Return an image after JPEG coding.

    Args:
        image: real numbers of shape (height, width, 1 or 3).
        jpeg_quality: 0 to 100, a number or a scalar tensor.
        dct_method: a hint for the decoder.
        name: the name of the scope.
    """
    with name_scope(name, "adjust_jpeg_quality", [image]):
        image = convert_to_tensor(image, name="image")
        channels = image.shape.as_list()[-1]
        dtype = image.dtype.base_dtype
        pixels = convert_image_dtype(image, dtypes.uint8, saturate=True)
        coded = encode_jpeg_variable_quality_op(pixels, convert_to_tensor(jpeg_quality, dtypes.int32))
        decoded = decode_jpeg_op(coded, channels=channels or 0, dct_method=dct_method)
        return convert_image_dtype(decoded, dtype, saturate=True)
