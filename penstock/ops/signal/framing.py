"""Signals cut into overlapping frames, put together again, and turned by half."""

from __future__ import annotations

from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import name_scope
from penstock.core.inference import partial_value
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred
from penstock.ops.array.gather import gather
from penstock.ops.array.shaping import transpose
from penstock.ops.math.sequence import range as range_of

_reshape_op = deferred("Reshape")


def frame(
    signal: Any,
    frame_length: Any,
    frame_step: Any,
    pad_end: bool = False,
    pad_value: Any = 0,
    axis: int = -1,
    name: str | None = None,
) -> Tensor:
    """Return the frames of a signal along an axis.

    Args:
        signal: numbers of shape (..., samples, ...).
        frame_length: samples in a frame.
        frame_step: samples from frame to frame.
        pad_end: whether frames that reach beyond the end are filled with `pad_value`, or left out.
        pad_value: a scalar.
        axis: the axis of the samples.
        name: the name of the scope.
    Returns:
        Numbers of shape (..., frames, frame_length, ...).
    """
    with name_scope(name, "frame", [signal, frame_length, frame_step]):
        signal = convert_to_tensor(signal, name="signal")
        rank = len(signal.shape.with_rank_at_least(1).as_list())
        for what, number in (("frame_length", frame_length), ("frame_step", frame_step)):
            if isinstance(number, int) and number < 1:
                raise InvalidArgumentError(None, None, f"{what} must be positive, got {number}")
        axis = axis + rank if axis < 0 else axis
        size: Any = signal.shape.as_list()[axis]
        if size is None:
            size = deferred("Shape")(signal)[axis]
        if pad_end:
            frames = -(-size // frame_step)
            missing = frame_length + frame_step * (frames - 1) - size
            missing = max(missing, 0) if isinstance(missing, int) else deferred("Maximum")(missing, 0)
            margins = [[0, 0]] * axis + [[0, missing]] + [[0, 0]] * (rank - axis - 1)
            signal = deferred("PadV2")(
                signal,
                margins if isinstance(missing, int) else deferred("Pack")([deferred("Pack")(pair) for pair in margins]),
                convert_to_tensor(pad_value, signal.dtype),
            )
        else:
            frames = 1 + (size - frame_length) // frame_step
        if isinstance(frames, int):
            frames = max(frames, 0)
        else:
            frames = deferred("Maximum")(frames, 0)
        starts = _reshape_op(range_of(frames) * frame_step, [-1, 1])
        places = starts + _reshape_op(range_of(frame_length), [1, -1])
        return gather(signal, places, axis=axis)


def overlap_and_add(signal: Any, frame_step: Any, name: str | None = None) -> Tensor:
    """Return the signal whose frames are added where they overlap.

    Args:
        signal: numbers of shape (..., frames, frame_length).
        frame_step: samples from frame to frame, at most frame_length.
        name: the name of the scope.
    Returns:
        Numbers of shape (..., (frames - 1) * frame_step + frame_length).
    Raises:
        ValueError: if the rank is less than 2 or the step no integer.
    """
    with name_scope(name, "overlap_and_add", [signal, frame_step]):
        signal = convert_to_tensor(signal, name="signal")
        if signal.dims is not None and len(signal.dims) < 2:
            raise ValueError(f"signal must have rank at least 2, got shape {signal.shape.as_list()}")
        frame_step = convert_to_tensor(frame_step, name="frame_step")
        if not frame_step.dtype.is_integer:
            raise ValueError(f"frame_step must be an integer. Got {frame_step.dtype.name}")
        frame_step = deferred("Cast")(frame_step, DstT=frame_step.dtype.base_dtype)
        static = signal.shape.as_list()
        shape = deferred("Shape")(signal)
        rank = len(static)
        frames, length = (static[axis] if static[axis] is not None else shape[axis] for axis in (rank - 2, rank - 1))
        starts = _reshape_op(range_of(frames) * frame_step, [-1, 1])
        places = starts + _reshape_op(range_of(length), [1, -1])
        total = (frames - 1) * frame_step + length
        # Samples come first for the sums, and last again after them.
        order = [rank - 2, rank - 1, *range(rank - 2)]
        summed = deferred("UnsortedSegmentSum")(transpose(signal, order), places, total)
        result = transpose(summed, [*range(1, rank - 1), 0])
        known = None if None in static[-2:] else partial_value(frame_step)
        if known is not None:
            result.set_shape([*static[:-2], (static[-2] - 1) * known + static[-1]])  # type: ignore[attr-defined]
        return result


def _shifted(x: Any, axes: Any, name: str | None, default: str, sign: int) -> Tensor:
    with name_scope(name, default):
        x = convert_to_tensor(x)
        dims = x.shape.as_list()
        if axes is None:
            axes = list(range(len(dims)))
        elif isinstance(axes, int):
            axes = [axes]
        shape = deferred("Shape")(x) if any(dims[axis] is None for axis in axes) else None
        sizes = [shape[axis] if shape is not None else dims[axis] for axis in axes]
        # Halves are rounded down, so the two directions undo each other for odd sizes too.
        shift = [size // 2 if sign > 0 else -(size // 2) for size in sizes]
        if shape is not None:
            shift = deferred("Pack")(shift)
        return deferred("Roll")(x, shift, list(axes))


def fftshift(x: Any, axes: Any = None, name: str | None = None) -> Tensor:
    """Return spectra with frequency 0 in the middle of their axes, all axes by default."""
    return _shifted(x, axes, name, "fftshift", 1)


def ifftshift(x: Any, axes: Any = None, name: str | None = None) -> Tensor:
    """Return the inverse of `fftshift`."""
    return _shifted(x, axes, name, "ifftshift", -1)
