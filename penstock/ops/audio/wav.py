"""WAV files with 16-bit samples."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import torch

from penstock.core.array import Value
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError
from penstock.core.tensor import Tensor

_SCALE = 32768


def _invalid(text: str) -> InvalidArgumentError:
    return InvalidArgumentError(None, None, text)


def _chunks(data: bytes) -> dict[bytes, bytes]:
    """Return the content of each chunk of a WAV file by its name; a name's first chunk counts."""
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise _invalid(f"Header mismatch: Expected RIFF and WAVE but found {data[:4]!r} and {data[8:12]!r}")
    found: dict[bytes, bytes] = {}
    start = 12
    while start + 8 <= len(data):
        name, size = data[start : start + 4], struct.unpack_from("<I", data, start + 4)[0]
        found.setdefault(name, data[start + 8 : start + 8 + size])
        start += 8 + size + (size & 1)
    return found


@op("DecodeWav(contents: string) -> (audio: float32, sample_rate: int32)", differentiable=False)
def decode_wav_op(
    contents: np.ndarray, *, desired_channels: int = -1, desired_samples: int = -1
) -> tuple[torch.Tensor, torch.Tensor]:
    chunks = _chunks(bytes(contents[()]))
    header, data = chunks.get(b"fmt ", b""), chunks.get(b"data")
    if len(header) < 16 or data is None:
        raise _invalid("Not a complete WAV file: it lacks a format or a data chunk")
    audio_format, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", header)
    if audio_format not in (1, 0xFFFE) or bits != 16 or not channels:
        raise _invalid(
            f"Can only read 16-bit WAV files in PCM, but received format {audio_format} with {bits} bits and "
            f"{channels} channels. Convert the file first."
        )
    count = len(data) // (2 * channels)
    samples = np.frombuffer(data, "<i2", count * channels).reshape(count, channels).astype(np.float32) / _SCALE
    length = count if desired_samples < 0 else desired_samples
    width = channels if desired_channels < 0 else desired_channels
    result = np.zeros((length, width), np.float32)
    kept = samples[:length]
    for channel in range(width):
        if channel < channels:
            result[: len(kept), channel] = kept[:, channel]
        else:  # channels that the file does not have repeat its last
            result[: len(kept), channel] = kept[:, channels - 1]
    return torch.from_numpy(result), torch.tensor(rate, dtype=torch.int32)


@decode_wav_op.shape
def decode_wav_shape(contents: Dims, *, desired_channels: int, desired_samples: int) -> tuple[Dims, Dims]:
    known = tuple(size if size >= 0 else None for size in (desired_samples, desired_channels))
    return known, ()


@op("EncodeWav(audio: float32, sample_rate: host int32) -> contents: string", differentiable=False)
def encode_wav_op(audio: torch.Tensor, sample_rate: int) -> Value:
    if audio.ndim != 2 or not audio.shape[1]:
        raise _invalid(f"audio must have shape [samples, channels], got {tuple(audio.shape)}")
    if sample_rate <= 0:
        raise _invalid(f"sample_rate must be positive, got {sample_rate}")
    scaled = audio.numpy() * np.float32(_SCALE)
    rounded = np.where(scaled >= 0, np.floor(scaled + 0.5), np.ceil(scaled - 0.5))
    data = np.clip(rounded, -_SCALE, _SCALE - 1).astype("<i2").tobytes()
    channels = audio.shape[1]
    header = struct.pack("<HHIIHH", 1, channels, sample_rate, sample_rate * channels * 2, channels * 2, 16)
    body = b"WAVEfmt " + struct.pack("<I", len(header)) + header + b"data" + struct.pack("<I", len(data)) + data
    result = np.empty((), object)
    result[()] = b"RIFF" + struct.pack("<I", len(body)) + body
    return result


@encode_wav_op.shape
def encode_wav_shape(audio: Dims, sample_rate: Any) -> Dims:
    if audio is not None and len(audio) != 2:
        raise ShapeError(f"audio must have shape [samples, channels], got rank {len(audio)}")
    return ()


def decode_wav(contents: Any, desired_channels: int = -1, desired_samples: int = -1, name: str | None = None) -> Any:
    """Decode a WAV file with 16-bit samples.

    Args:
        contents: the file's bytes, a scalar string.
        desired_channels: how many channels the result has; by default those of the file.
        desired_samples: how many samples, cut off or filled up with zeros; by default those of the file.
        name: the name of the node.
    Returns:
        `audio`, float32 of shape `[samples, channels]` from -1 to 1, and `sample_rate`, int32.
    """
    return decode_wav_op(contents, desired_channels=desired_channels, desired_samples=desired_samples, name=name)


def encode_wav(audio: Any, sample_rate: Any, name: str | None = None) -> Tensor:
    """Encode sound as a WAV file with 16-bit samples.

    Args:
        audio: float32 of shape `[samples, channels]`; values beyond -1 and 1 are cut off.
        sample_rate: samples a second.
        name: the name of the node.
    Returns:
        The file's bytes, a scalar string.
    """
    return encode_wav_op(audio, sample_rate, name=name)
