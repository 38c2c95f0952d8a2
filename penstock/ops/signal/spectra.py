"""Short-time Fourier transforms, cosine transforms, and what speech recognition makes of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import as_dtype
from penstock.core.graph import name_scope
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred
from penstock.ops.constant import constant
from penstock.ops.math.cast import cast
from penstock.ops.math.reduce import reduce_sum
from penstock.ops.math.unary import square
from penstock.ops.signal.fourier import irfft, rfft
from penstock.ops.signal.framing import frame, overlap_and_add
from penstock.ops.signal.windows import hann_window, kaiser_bessel_derived_window

Window = Callable[..., Tensor]
_DERIVED_WINDOW = partial(kaiser_bessel_derived_window, beta=12.0)
_matmul_op = deferred("BatchMatMulV2")


def _enclosing_power(length: int) -> int:
    return 1 << max(length - 1, 0).bit_length()


def stft(
    signals: Any,
    frame_length: int,
    frame_step: int,
    fft_length: int | None = None,
    window_fn: Window | None = hann_window,
    pad_end: bool = False,
    name: str | None = None,
) -> Tensor:
    """Return the short-time Fourier transform of real signals.

    Args:
        signals: floating numbers of shape (..., samples).
        frame_length, frame_step: samples in a frame, and from frame to frame.
        fft_length: the length of the transforms; by default the power of 2 that encloses a frame.
        window_fn: called with a length and `dtype`, returns the weights of a frame; None for no window.
        pad_end: whether to fill the last frames with zeros.
        name: the name of the scope.
    Returns:
        Complex numbers of shape (..., frames, fft_length / 2 + 1).
    """
    with name_scope(name, "stft", [signals]):
        signals = convert_to_tensor(signals, name="signals")
        length = _enclosing_power(frame_length) if fft_length is None else fft_length
        frames = frame(signals, frame_length, frame_step, pad_end)
        if window_fn is not None:
            frames = frames * window_fn(frame_length, dtype=frames.dtype)
        return rfft(frames, [length])


def inverse_stft_window_fn(frame_step: int, forward_window_fn: Window = hann_window, name: str | None = None) -> Window:
    """Return a window function with which `inverse_stft` undoes an `stft` made with another.

    Args:
        frame_step: samples from frame to frame.
        forward_window_fn: the window function of the `stft`.
        name: the name of the scope.
    """

    def inverse_window(frame_length: int, dtype: Any) -> Tensor:
        with name_scope(name, "inverse_stft_window_fn", [forward_window_fn]):
            window = forward_window_fn(frame_length, dtype=dtype)
            overlaps = -(-frame_length // frame_step)
            missing = overlaps * frame_step - frame_length
            squares = deferred("Pad")(square(window), [[0, missing]])
            rows = deferred("Reshape")(squares, [overlaps, frame_step])
            total = deferred("Tile")(reduce_sum(rows, 0, keepdims=True), [overlaps, 1])
            return window / deferred("Reshape")(total, [overlaps * frame_step])[:frame_length]

    return inverse_window


def inverse_stft(
    stfts: Any,
    frame_length: int,
    frame_step: int,
    fft_length: int | None = None,
    window_fn: Window | None = hann_window,
    name: str | None = None,
) -> Tensor:
    """Return the signals of short-time Fourier transforms: frames, weighted and added.

    Args:
        stfts: complex numbers of shape (..., frames, fft_length / 2 + 1).
        frame_length, frame_step, fft_length: as for `stft`.
        window_fn: see `inverse_stft_window_fn`.
        name: the name of the scope.
    Returns:
        Real numbers of shape (..., samples).
    """
    with name_scope(name, "inverse_stft", [stfts]):
        stfts = convert_to_tensor(stfts, name="stfts")
        length = _enclosing_power(frame_length) if fft_length is None else fft_length
        frames = irfft(stfts, [length])
        if frame_length <= length:
            frames = frames[..., :frame_length]
        else:
            rank = len(frames.shape.as_list())
            frames = deferred("Pad")(frames, [[0, 0]] * (rank - 1) + [[0, frame_length - length]])
        if window_fn is not None:
            frames = frames * window_fn(frame_length, dtype=frames.dtype)
        return overlap_and_add(frames, frame_step)


# Cosine transforms: products with matrices, which are exact, differentiable to any order and short.


def _cosine_matrix(points: int, type: int, norm: str | None) -> np.ndarray:
    """Return the matrix (points, points) of a cosine transform, for inputs as columns' weights."""
    n = np.arange(points)[:, None]
    k = np.arange(points)[None, :]
    if type == 1:
        matrix = 2.0 * np.cos(math.pi * n * k / (points - 1))
        matrix[0] /= 2
        matrix[-1] /= 2
    elif type == 2:
        matrix = 2.0 * np.cos(math.pi * (2 * n + 1) * k / (2 * points))
        if norm == "ortho":
            matrix *= math.sqrt(0.5 / points)
            matrix[:, 0] *= math.sqrt(0.5)
    elif type == 3:
        matrix = 2.0 * np.cos(math.pi * n * (2 * k + 1) / (2 * points))
        if norm == "ortho":
            matrix *= math.sqrt(0.5 / points)
            matrix[0] *= math.sqrt(0.5)
        else:
            matrix[0] /= 2
    else:
        matrix = 2.0 * np.cos(math.pi * (2 * n + 1) * (2 * k + 1) / (4 * points))
        if norm == "ortho":
            matrix *= math.sqrt(0.5 / points)
    return matrix


def _check_cosine(type: int, axis: int, norm: str | None) -> None:
    if axis != -1:
        raise NotImplementedError(f"axis must be -1. Got: {axis}")
    if type not in (1, 2, 3, 4):
        raise ValueError(f"Types I, II, III and IV (I)DCT are supported, got type {type}")
    if norm not in (None, "ortho"):
        raise ValueError(f"Unknown normalization. Expected None or 'ortho', got: {norm}")
    if type == 1 and norm == "ortho":
        raise ValueError("Normalization is not supported for the Type-I DCT.")


def dct(
    input: Any, type: int = 2, n: int | None = None, axis: int = -1, norm: str | None = None, name: str | None = None
) -> Tensor:
    """Return the discrete cosine transform along the last axis.

    Args:
        input: float32 or float64 of shape (..., samples).
        type: 1, 2, 3 or 4.
        n: the length to which the input is cut or filled with zeros; its own by default.
        axis: -1.
        norm: None, or 'ortho' for a transform that keeps lengths.
        name: the name of the scope.
    Raises:
        ValueError: for another type or norm.
        NotImplementedError: for another axis.
    """
    _check_cosine(type, axis, norm)
    with name_scope(name, "dct", [input]):
        input = convert_to_tensor(input, name="input")
        size = input.shape.as_list()[-1]
        if size is None:
            raise ValueError("dct needs a known length of the last axis; call set_shape on its input")
        if n is not None and n < 1:
            raise ValueError(f"n should be an integer greater than 1 or None, got {n}")
        points = size if n is None else n
        if type == 1 and points < 2:
            raise ValueError(f"Type-I DCT requires the dimension to be greater than one, got {points}")
        matrix = _cosine_matrix(points, type, norm)
        used = input[..., : min(size, points)]
        weights = constant(matrix[: min(size, points)], dtype=input.dtype.base_dtype)
        rank = len(input.shape.as_list())
        if rank == 1:
            return deferred("Squeeze")(_matmul_op(deferred("ExpandDims")(used, 0), weights), squeeze_dims=[0])
        return _matmul_op(used, weights)


def idct(
    input: Any, type: int = 2, n: int | None = None, axis: int = -1, norm: str | None = None, name: str | None = None
) -> Tensor:
    """Return the inverse cosine transform along the last axis, up to a factor without 'ortho'; see `dct`.

    Args:
        input, type, n, axis, norm, name: see `dct`.
    """
    return dct(input, {1: 1, 2: 3, 3: 2, 4: 4}.get(type, type), n, axis, norm, name)


def mdct(
    signals: Any,
    frame_length: int,
    window_fn: Window | None = _DERIVED_WINDOW,
    pad_end: bool = False,
    norm: str | None = None,
    name: str | None = None,
) -> Tensor:
    """Return the modified cosine transform of signals.

    Args:
        signals: floating numbers of shape (..., samples).
        frame_length: samples in a frame, a multiple of 4; frames overlap by half.
        window_fn: the weights of a frame; None for 1 / sqrt(2).
        pad_end: whether to fill the last frames with zeros.
        norm: None or 'ortho'.
        name: the name of the scope.
    Returns:
        Numbers of shape (..., frames, frame_length / 2).
    Raises:
        ValueError: if the length is no multiple of 4.
    """
    with name_scope(name, "mdct", [signals]):
        signals = convert_to_tensor(signals, name="signals")
        if frame_length % 4:
            raise ValueError(f"The frame length must be a multiple of 4, got {frame_length}.")
        half = frame_length // 2
        frames = frame(signals, frame_length, half, pad_end)
        if window_fn is not None:
            frames = frames * window_fn(frame_length, dtype=frames.dtype)
        else:
            frames = frames * constant(1.0 / math.sqrt(2), dtype=frames.dtype.base_dtype)
        a, b, c, d = deferred("Split")(-1, frames, num_split=4)
        last = [len(frames.shape.as_list()) - 1]
        folded = deferred("ConcatV2")([-deferred("ReverseV2")(c, last) - d, a - deferred("ReverseV2")(b, last)], -1)
        return dct(folded, type=4, norm=norm)


def inverse_mdct(
    mdcts: Any,
    window_fn: Window | None = _DERIVED_WINDOW,
    norm: str | None = None,
    name: str | None = None,
) -> Tensor:
    """Return the signals of modified cosine transforms.

    Args:
        mdcts: numbers of shape (..., frames, half a frame).
        window_fn, norm, name: as for `mdct`.
    Returns:
        Numbers of shape (..., samples).
    """
    with name_scope(name, "inverse_mdct", [mdcts]):
        mdcts = convert_to_tensor(mdcts, name="mdcts")
        half = mdcts.shape.as_list()[-1]
        if norm is None:
            unfolded = constant(0.5 / half, dtype=mdcts.dtype.base_dtype) * dct(mdcts, type=4)
        else:
            unfolded = dct(mdcts, type=4, norm=norm)
        first, second = deferred("Split")(-1, unfolded, num_split=2)
        last = [len(mdcts.shape.as_list()) - 1]

        def turned(part: Tensor) -> Tensor:
            return deferred("ReverseV2")(part, last)

        frames = deferred("ConcatV2")([second, -turned(second), -turned(first), -first], -1)
        if window_fn is not None:
            frames = frames * window_fn(2 * half, dtype=frames.dtype)
        else:
            frames = frames * constant(1.0 / math.sqrt(2), dtype=frames.dtype.base_dtype)
        return overlap_and_add(frames, half)


# Mel scale


def _mel(hertz: Any) -> Any:
    return 1127.0 * np.log1p(np.asarray(hertz, np.float64) / 700.0)


def linear_to_mel_weight_matrix(
    num_mel_bins: int = 20,
    num_spectrogram_bins: int = 129,
    sample_rate: Any = 8000,
    lower_edge_hertz: float = 125.0,
    upper_edge_hertz: float = 3800.0,
    dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Tensor:
    """Return the matrix that turns spectrograms into mel spectrograms, of overlapping triangles on the mel scale.

    Args:
        num_mel_bins: the number of triangles.
        num_spectrogram_bins: the number of frequencies, from 0 to half the sample rate.
        sample_rate: samples per second.
        lower_edge_hertz, upper_edge_hertz: the band that the triangles cover.
        dtype: a floating type.
        name: the name of the scope.
    Returns:
        Weights of shape (num_spectrogram_bins, num_mel_bins).
    Raises:
        ValueError: if a number is out of range.
    """
    dtype = as_dtype(dtype)
    if num_mel_bins <= 0:
        raise ValueError(f"num_mel_bins must be positive. Got: {num_mel_bins}")
    if lower_edge_hertz < 0:
        raise ValueError(f"lower_edge_hertz must be non-negative. Got: {lower_edge_hertz}")
    if lower_edge_hertz >= upper_edge_hertz:
        raise ValueError(f"lower_edge_hertz {lower_edge_hertz} >= upper_edge_hertz {upper_edge_hertz}")
    if not isinstance(sample_rate, Tensor):
        if sample_rate <= 0.0:
            raise ValueError(f"sample_rate must be positive. Got: {sample_rate}")
        if upper_edge_hertz > sample_rate / 2:
            raise ValueError(
                f"upper_edge_hertz must not be larger than the Nyquist frequency (sample_rate / 2). "
                f"Got {upper_edge_hertz} for sample_rate: {sample_rate}"
            )
    if not dtype.is_floating:
        raise ValueError(f"dtype must be a floating point type. Got: {dtype.name}")
    with name_scope(name, "linear_to_mel_weight_matrix"):
        edges = np.linspace(_mel(lower_edge_hertz), _mel(upper_edge_hertz), num_mel_bins + 2)
        lower, center, upper = (constant(edges[i : num_mel_bins + i][None], dtype=dtype) for i in range(3))
        nyquist = cast(sample_rate, dtype) / 2
        steps = constant(np.linspace(0.0, 1.0, num_spectrogram_bins)[1:, None], dtype=dtype)
        mels = 1127.0 * deferred("Log1p")(steps * nyquist / 700.0)
        rising = (mels - lower) / (center - lower)
        falling = (upper - mels) / (upper - center)
        weights = deferred("Maximum")(constant(0.0, dtype=dtype), deferred("Minimum")(rising, falling))
        return deferred("Pad")(weights, [[1, 0], [0, 0]])


def mfccs_from_log_mel_spectrograms(log_mel_spectrograms: Any, name: str | None = None) -> Tensor:
    """Return mel-frequency cepstral coefficients: the orthonormal cosine transform of log mel spectrograms.

    Args:
        log_mel_spectrograms: float32 or float64 of shape (..., mel bins).
        name: the name of the scope.
    Raises:
        ValueError: if there are no bins.
    """
    with name_scope(name, "mfccs_from_log_mel_spectrograms", [log_mel_spectrograms]):
        spectrograms = convert_to_tensor(log_mel_spectrograms)
        bins = spectrograms.shape.as_list()[-1]
        if not bins:
            raise ValueError(f"num_mel_bins must be positive. Got: {bins}")
        return dct(spectrograms) * constant(1 / math.sqrt(bins * 2.0), dtype=spectrograms.dtype.base_dtype)
