"""Discrete Fourier transforms along the last one, two or three axes, or along any."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from penstock.core import array, dtypes
from penstock.core.array import Array
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import name_scope
from penstock.core.op import Op, Type, op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, expect_rank_at_least
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred, sizes
from penstock.ops.math.cast import cast

_REAL = Type(frozenset({dtypes.float32, dtypes.float64}), default=dtypes.float32)
_COMPLEX = Type(dtypes.COMPLEX, default=dtypes.complex64)
_conj_op = deferred("Conj")
_real_op = deferred("Real")


def _check_rank(input: Array, rank: int) -> None:
    if input.ndim < rank:
        raise InvalidArgumentError(None, None, f"Input must have rank of at least {rank} but got: {list(input.shape)}")


def _rank_at_least(rank: int) -> Callable[..., Dims]:
    return lambda input, *rest, **attrs: expect_rank_at_least(input, rank, "input")


# Complex to complex


def _transform(name: str, rank: int, function: Callable[..., Array]) -> Op:
    @op(f"{name}(input: Tcomplex) -> output: Tcomplex", Tcomplex=_COMPLEX, shape=_rank_at_least(rank))
    def transform(input: Array) -> Array:
        _check_rank(input, rank)
        if not input.numel():
            return input.clone()
        return function(input, dim=list(range(-rank, 0)))

    return transform


fft_op = _transform("FFT", 1, torch.fft.fftn)
ifft_op = _transform("IFFT", 1, torch.fft.ifftn)
fft2d_op = _transform("FFT2D", 2, torch.fft.fftn)
ifft2d_op = _transform("IFFT2D", 2, torch.fft.ifftn)
fft3d_op = _transform("FFT3D", 3, torch.fft.fftn)
ifft3d_op = _transform("IFFT3D", 3, torch.fft.ifftn)


def _transform_gradient(forward: Op, backward: Op, rank: int) -> None:
    def points(tensor: Tensor) -> Any:
        known = sizes(tensor)
        if isinstance(known, list):
            return complex(np.prod(known[-rank:]))
        return cast(deferred("Prod")(known[-rank:], [0]), tensor.dtype)

    @forward.gradient
    def forward_gradient(call: Any, grad: Tensor) -> Tensor:
        return backward(grad) * points(grad)

    @backward.gradient
    def backward_gradient(call: Any, grad: Tensor) -> Tensor:
        return forward(grad) / points(grad)


_transform_gradient(fft_op, ifft_op, 1)
_transform_gradient(fft2d_op, ifft2d_op, 2)
_transform_gradient(fft3d_op, ifft3d_op, 3)


# Real to complex and back


def _check_length(fft_length: Any, rank: int) -> list[int]:
    if not isinstance(fft_length, list) or len(fft_length) != rank:
        raise InvalidArgumentError(None, None, f"fft_length must have shape [{rank}], got {fft_length}")
    if min(fft_length, default=0) < 0:
        raise InvalidArgumentError(None, None, f"fft_length[i] must be >= 0, got {fft_length}")
    return fft_length


def _real_shape(rank: int, is_inverse: bool) -> Callable[..., Dims]:
    def rule(input: Dims, fft_length: Any, **attrs: Any) -> Dims:
        expect_rank_at_least(input, rank, "input")
        if fft_length is not None and len(fft_length) != rank:
            raise ShapeError(f"fft_length must have {rank} elements, got {fft_length}")
        if input is None:
            return None
        lengths = [None] * rank if fft_length is None else list(fft_length)
        if not is_inverse and lengths[-1] is not None:
            lengths[-1] = lengths[-1] // 2 + 1 if lengths[-1] else 0
        return (*input[:-rank], *lengths)

    return rule


def _forward(name: str, rank: int) -> Op:
    @op(
        f"{name}(input: Treal, fft_length: host int32) -> output: Tcomplex",
        Treal=_REAL,
        Tcomplex=_COMPLEX,
        shape=_real_shape(rank, False),
    )
    def transform(input: Array, fft_length: Any, *, Tcomplex: DType = dtypes.complex64) -> Array:
        _check_rank(input, rank)
        lengths = _check_length(fft_length, rank)
        _check_enough(input.shape[-rank:], lengths)
        if 0 in lengths:
            ends = [*lengths[:-1], lengths[-1] // 2 + 1 if lengths[-1] else 0]
            return torch.zeros((*input.shape[:-rank], *ends), dtype=array.torch_dtype(Tcomplex))
        return torch.fft.rfftn(input, s=lengths, dim=list(range(-rank, 0))).to(array.torch_dtype(Tcomplex))

    return transform


def _check_enough(dims: Sequence[int], lengths: list[int]) -> None:
    for position, (size, length) in enumerate(zip(dims, lengths, strict=True)):
        if size < length and size > 0:
            raise InvalidArgumentError(
                None,
                None,
                f"Input dimension {position} must have length of at least {length} but got: {size}",
            )


def _inverse(name: str, rank: int) -> Op:
    @op(
        f"{name}(input: Tcomplex, fft_length: host int32) -> output: Treal",
        Treal=_REAL,
        Tcomplex=_COMPLEX,
        shape=_real_shape(rank, True),
    )
    def transform(input: Array, fft_length: Any, *, Treal: DType = dtypes.float32) -> Array:
        _check_rank(input, rank)
        lengths = _check_length(fft_length, rank)
        needed = [*lengths[:-1], lengths[-1] // 2 + 1 if lengths[-1] else 0]
        _check_enough(input.shape[-rank:], needed)
        if 0 in lengths:
            return torch.zeros((*input.shape[:-rank], *lengths), dtype=array.torch_dtype(Treal))
        return torch.fft.irfftn(input, s=lengths, dim=list(range(-rank, 0))).to(array.torch_dtype(Treal))

    return transform


rfft_op = _forward("RFFT", 1)
rfft2d_op = _forward("RFFT2D", 2)
rfft3d_op = _forward("RFFT3D", 3)
irfft_op = _inverse("IRFFT", 1)
irfft2d_op = _inverse("IRFFT2D", 2)
irfft3d_op = _inverse("IRFFT3D", 3)


def _real_gradient(forward: Op, inverse: Op, rank: int) -> None:
    """Register the gradients of a transform of real numbers and of its inverse."""

    def length(fft_length: Tensor, dtype: DType) -> Tensor:
        return cast(deferred("Prod")(fft_length, [0]), dtype)

    @forward.gradient
    def forward_gradient(call: Any, grad: Tensor) -> tuple[Tensor, None]:
        input, fft_length = call.inputs
        # The output's missing half only repeats the other half: the gradient is half of the inverse transform, plus
        # what the first and, for even lengths, the middle column lack, which have no counterpart in the missing half.
        back = inverse(grad, fft_length, Treal=input.dtype.base_dtype) * (0.5 * length(fft_length, input.dtype))
        is_even = 1 - fft_length[-1] % 2
        zeros = deferred("ZerosLike")(grad)
        count = deferred("Shape")(grad)[-1]
        column = deferred("Range")(0, count, 1)
        at_start = deferred("Equal")(column, 0)
        at_middle = deferred("LogicalAnd")(deferred("Equal")(column, count - 1), deferred("Equal")(is_even, 1))
        alone = deferred("SelectV2")(deferred("LogicalOr")(at_start, at_middle), grad, zeros)
        full = _padded_to(alone, fft_length, rank)
        # Conjugated, since the gradient of a transform is its inverse times the number of points.
        extra = _real_op(deferred({1: "IFFT", 2: "IFFT2D", 3: "IFFT3D"}[rank])(full), Tout=input.dtype.base_dtype)
        total = back + 0.5 * extra * length(fft_length, input.dtype)
        return _fitted(total, input, rank), None

    @inverse.gradient
    def inverse_gradient(call: Any, grad: Tensor) -> tuple[Tensor, None]:
        input, fft_length = call.inputs
        complex_dtype = input.dtype.base_dtype
        real_dtype = grad.dtype.base_dtype
        is_odd = fft_length[-1] % 2
        transformed = forward(grad, fft_length, Tcomplex=complex_dtype)
        count = deferred("Shape")(transformed)[-1]
        column = deferred("Range")(0, count, 1)
        is_inner = deferred("LogicalAnd")(deferred("Greater")(column, 0), deferred("Less")(column, count - 1 + is_odd))
        twice = 1 + cast(is_inner, real_dtype)
        weights = cast(twice / length(fft_length, real_dtype), complex_dtype)
        return _fitted(transformed * weights, input, rank), None


def _padded_to(half: Tensor, fft_length: Tensor, rank: int) -> Tensor:
    """Return a half spectrum with zeros for the missing columns."""
    missing = fft_length[-1] - deferred("Shape")(half)[-1]
    total = deferred("Rank")(half)
    above = deferred("Fill")(deferred("Pack")([total - 1, 2]), 0)
    last = deferred("Pack")([deferred("Pack")([0, missing])])
    return deferred("Pad")(half, deferred("ConcatV2")([above, last], 0))


def _fitted(grad: Tensor, input: Tensor, rank: int) -> Tensor:
    """Return a gradient cut or filled with zeros to the shape of the input of a transform."""
    have, want = deferred("Shape")(grad), deferred("Shape")(input)
    common = deferred("Minimum")(have, want)
    cut = deferred("Slice")(grad, deferred("ZerosLike")(have), common)
    margins = deferred("Pack")([deferred("ZerosLike")(have), want - common], axis=1)
    result = deferred("Pad")(cut, margins)
    result.set_shape(input.shape)
    return result


_real_gradient(rfft_op, irfft_op, 1)
_real_gradient(rfft2d_op, irfft2d_op, 2)


# Any axes


def _checked_axes(input: Array, fft_length: Any, axes: Any) -> tuple[list[int], list[int]]:
    if not isinstance(fft_length, list) or not isinstance(axes, list) or len(axes) != len(fft_length):
        raise InvalidArgumentError(
            None, None, f"axes and fft_length must have one number for each axis, got {axes} and {fft_length}"
        )
    places = [axis + input.ndim if axis < 0 else axis for axis in axes]
    if len(set(places)) != len(places) or any(not 0 <= axis < input.ndim for axis in places):
        raise InvalidArgumentError(None, None, f"axes must be different and within rank {input.ndim}, got {axes}")
    return places, fft_length


def _any_axes_shape(kind: str) -> Callable[..., Dims]:
    def rule(input: Dims, fft_length: Any, axes: Any, **attrs: Any) -> Dims:
        if input is None or axes is None or None in axes:
            return None if input is None else (None,) * len(input)
        result = list(input)
        lengths = [None] * len(axes) if fft_length is None else list(fft_length)
        if kind == "forward" and lengths and lengths[-1] is not None:
            lengths[-1] = lengths[-1] // 2 + 1
        for axis, size in zip(axes, lengths, strict=True):
            result[axis] = size
        return tuple(result)

    return rule


@op(
    "FFTND(input: Tcomplex, fft_length: host int32, axes: host int32) -> output: Tcomplex",
    Tcomplex=_COMPLEX,
    shape=_any_axes_shape("complex"),
)
def fftnd_op(input: Array, fft_length: Any, axes: Any) -> Array:
    places, lengths = _checked_axes(input, fft_length, axes)
    return torch.fft.fftn(input, s=lengths, dim=places)


@op(
    "IFFTND(input: Tcomplex, fft_length: host int32, axes: host int32) -> output: Tcomplex",
    Tcomplex=_COMPLEX,
    shape=_any_axes_shape("complex"),
)
def ifftnd_op(input: Array, fft_length: Any, axes: Any) -> Array:
    places, lengths = _checked_axes(input, fft_length, axes)
    return torch.fft.ifftn(input, s=lengths, dim=places)


@op(
    "RFFTND(input: Treal, fft_length: host int32, axes: host int32) -> output: Tcomplex",
    Treal=_REAL,
    Tcomplex=_COMPLEX,
    shape=_any_axes_shape("forward"),
)
def rfftnd_op(input: Array, fft_length: Any, axes: Any, *, Tcomplex: DType = dtypes.complex64) -> Array:
    places, lengths = _checked_axes(input, fft_length, axes)
    return torch.fft.rfftn(input, s=lengths, dim=places).to(array.torch_dtype(Tcomplex))


@op(
    "IRFFTND(input: Tcomplex, fft_length: host int32, axes: host int32) -> output: Treal",
    Treal=_REAL,
    Tcomplex=_COMPLEX,
    shape=_any_axes_shape("inverse"),
)
def irfftnd_op(input: Array, fft_length: Any, axes: Any, *, Treal: DType = dtypes.float32) -> Array:
    places, lengths = _checked_axes(input, fft_length, axes)
    return torch.fft.irfftn(input, s=lengths, dim=places).to(array.torch_dtype(Treal))


# Public functions


def fft(input: Any, name: str | None = None) -> Tensor:
    """Return the discrete Fourier transform along the last axis of complex numbers."""
    return fft_op(input, name=name)


def ifft(input: Any, name: str | None = None) -> Tensor:
    """Return the inverse of `fft`."""
    return ifft_op(input, name=name)


def fft2d(input: Any, name: str | None = None) -> Tensor:
    """Return the discrete Fourier transform along the last two axes of complex numbers."""
    return fft2d_op(input, name=name)


def ifft2d(input: Any, name: str | None = None) -> Tensor:
    """Return the inverse of `fft2d`."""
    return ifft2d_op(input, name=name)


def fft3d(input: Any, name: str | None = None) -> Tensor:
    """Return the discrete Fourier transform along the last three axes of complex numbers."""
    return fft3d_op(input, name=name)


def ifft3d(input: Any, name: str | None = None) -> Tensor:
    """Return the inverse of `fft3d`."""
    return ifft3d_op(input, name=name)


def _fit(input: Tensor, lengths: Tensor | list[int], rank: int) -> Tensor:
    """Return `input` cut, or filled with zeros, so that its last axes are as long as a transform needs."""
    dims = input.dims
    if dims is not None and isinstance(lengths, list) and None not in dims[-rank:]:
        missing = [max(length - int(size or 0), 0) for size, length in zip(dims[-rank:], lengths, strict=True)]
        if not any(missing):
            return input
        return deferred("Pad")(input, [[0, 0]] * (len(dims) - rank) + [[0, part] for part in missing])
    if dims is None:
        return input
    shape = deferred("Shape")(input)[-rank:]
    missing_now = deferred("Maximum")(deferred("Sub")(lengths, shape), 0)
    margins = deferred("Pack")([deferred("ZerosLike")(missing_now), missing_now], axis=1)
    lead = np.zeros((len(dims) - rank, 2), np.int32)
    return deferred("Pad")(input, deferred("ConcatV2")([lead, margins], 0))


def _lengths(given: Any) -> Any:
    if isinstance(given, Tensor):
        return given
    return [int(length) for length in np.asarray(given).reshape(-1)]


def _real_transform(operation: Op, rank: int, input: Any, fft_length: Any, name: str | None) -> Tensor:
    with name_scope(name, operation.name.lower(), [input, fft_length]):
        input = convert_to_tensor(input)
        if input.dtype.base_dtype not in _REAL.allowed:
            raise ValueError(f"{operation.name} requires real inputs, float32 or float64, got {input.dtype.name}")
        input.shape.with_rank_at_least(rank)
        complex_dtype = dtypes.complex128 if input.dtype.base_dtype == dtypes.float64 else dtypes.complex64
        known = sizes(input)
        if fft_length is None:
            return operation(input, known[-rank:], Tcomplex=complex_dtype)
        lengths = _lengths(fft_length)
        return operation(_fit(input, lengths, rank), lengths, Tcomplex=complex_dtype)


def _inverse_transform(operation: Op, rank: int, input: Any, fft_length: Any, name: str | None) -> Tensor:
    with name_scope(name, operation.name.lower(), [input, fft_length]):
        input = convert_to_tensor(input)
        real_dtype = dtypes.float64 if input.dtype.base_dtype == dtypes.complex128 else dtypes.float32
        known = sizes(input)
        if fft_length is None:
            if isinstance(known, list):
                lengths: Any = [*known[-rank:-1], max(2 * (known[-1] - 1), 0)]
            else:
                last = deferred("Maximum")(0, 2 * (known[-1:] - 1))
                lengths = deferred("ConcatV2")([known[-rank:-1], last], 0)
            return operation(input, lengths, Treal=real_dtype)
        lengths = _lengths(fft_length)
        if isinstance(lengths, list):
            needed: Any = [*lengths[:-1], lengths[-1] // 2 + 1 if lengths[-1] else 0]
        else:
            needed = deferred("ConcatV2")([lengths[:-1], lengths[-1:] // 2 + 1], 0)
        return operation(_fit(input, needed, rank), lengths, Treal=real_dtype)


def rfft(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
    """Return the Fourier transform of real numbers along the last axis, without the half that repeats.

    Args:
        input_tensor: float32 or float64 of shape (..., n).
        fft_length: one number: the input is cut, or filled with zeros, to this length. n by default.
        name: the name of the scope.
    Returns:
        Complex numbers of shape (..., fft_length / 2 + 1).
    """
    return _real_transform(rfft_op, 1, input_tensor, fft_length, name)


def irfft(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
    """Return the inverse of `rfft`; `fft_length` is the length of the result, 2 (n - 1) by default."""
    return _inverse_transform(irfft_op, 1, input_tensor, fft_length, name)


def rfft2d(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
    """Return the Fourier transform of real numbers along the last two axes; see `rfft`."""
    return _real_transform(rfft2d_op, 2, input_tensor, fft_length, name)


def irfft2d(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
    """Return the inverse of `rfft2d`; see `irfft`."""
    return _inverse_transform(irfft2d_op, 2, input_tensor, fft_length, name)


def rfft3d(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
    """Return the Fourier transform of real numbers along the last three axes; see `rfft`."""
    return _real_transform(rfft3d_op, 3, input_tensor, fft_length, name)


def irfft3d(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
    """Return the inverse of `rfft3d`; see `irfft`."""
    return _inverse_transform(irfft3d_op, 3, input_tensor, fft_length, name)


def _axes_transform(
    operation: Op, input: Any, fft_length: Any, axes: Any, norm: str | None, name: str | None
) -> Tensor:
    is_inverse, is_real = operation.name.startswith("I"), "R" in operation.name
    with name_scope(name, operation.name.lower(), [input, fft_length, axes]):
        input = convert_to_tensor(input)
        dims = input.shape.as_list()
        places = list(range(len(dims))) if axes is None else [int(axis) for axis in np.asarray(axes).reshape(-1)]
        if fft_length is None:
            lengths = [dims[axis] for axis in places]
            if is_inverse and is_real:
                lengths[-1] = 2 * (lengths[-1] - 1)
        else:
            lengths = _lengths(fft_length)
        attrs: dict[str, Any] = {}
        if is_real:
            wide = input.dtype.base_dtype in (dtypes.float64, dtypes.complex128)
            if is_inverse:
                attrs["Treal"] = dtypes.float64 if wide else dtypes.float32
            else:
                attrs["Tcomplex"] = dtypes.complex128 if wide else dtypes.complex64
        result = operation(input, lengths, places, **attrs)
        points = float(np.prod(lengths))
        factor = {
            None: 1.0,
            "backward": 1.0,
            "ortho": points**0.5 if is_inverse else points**-0.5,
            "forward": points if is_inverse else 1 / points,
        }
        if norm not in factor:
            raise ValueError(f"norm must be None, 'forward', 'backward' or 'ortho', got {norm!r}")
        return result if factor[norm] == 1.0 else result * cast(factor[norm], result.dtype)


def fftnd(
    input_tensor: Any, fft_length: Any = None, axes: Any = None, norm: str | None = None, name: str | None = None
) -> Tensor:
    """Return the Fourier transform of complex numbers along any axes.

    Args:
        input_tensor: complex numbers.
        fft_length: the lengths of the axes; the input's by default.
        axes: the axes, all by default.
        norm: where the factor 1 / points stands: None or "backward" (in the inverse), "forward", or "ortho" (its root
            in both).
        name: the name of the scope.
    Raises:
        ValueError: for another norm.
    """
    return _axes_transform(fftnd_op, input_tensor, fft_length, axes, norm, name)


def ifftnd(
    input_tensor: Any, fft_length: Any = None, axes: Any = None, norm: str | None = None, name: str | None = None
) -> Tensor:
    """Return the inverse of `fftnd`."""
    return _axes_transform(ifftnd_op, input_tensor, fft_length, axes, norm, name)


def rfftnd(
    input_tensor: Any, fft_length: Any = None, axes: Any = None, norm: str | None = None, name: str | None = None
) -> Tensor:
    """Return the Fourier transform of real numbers along any axes, the last of them halved; see `fftnd`."""
    return _axes_transform(rfftnd_op, input_tensor, fft_length, axes, norm, name)


def irfftnd(
    input_tensor: Any, fft_length: Any = None, axes: Any = None, norm: str | None = None, name: str | None = None
) -> Tensor:
    """Return the inverse of `rfftnd`."""
    return _axes_transform(irfftnd_op, input_tensor, fft_length, axes, norm, name)
