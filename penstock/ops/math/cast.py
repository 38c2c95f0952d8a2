"""Changes of the type of elements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from penstock.core import dtypes
from penstock.core.array import Array, Value, torch_dtype
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import NUMBER, QUANTIZED, DType, as_dtype, bool_, float32, float64, int32, int64
from penstock.core.errors import InvalidArgumentError, UnimplementedError
from penstock.core.graph import current_graph, op_scope
from penstock.core.indexed_slices import IndexedSlices
from penstock.core.inference import partial_value
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, unchanged
from penstock.core.tensor import EagerTensor, Tensor
from penstock.ops.math.kernels import operation

# Between these, ATen's conversion is all that there is to do.
_PLAIN = frozenset({bool_, float32, float64, int32, int64})
_NARROW = {torch.uint8, torch.uint16, torch.int8, torch.int16}


@op("Cast(x: SrcT) -> y: DstT", view=True, shape=unchanged)
def cast_op(x: Value, *, SrcT: DType, DstT: DType, Truncate: bool = False) -> Value:
    if SrcT is DstT:
        return x
    if not isinstance(x, torch.Tensor):
        raise UnimplementedError(
            None, None, f"Cast {SrcT.name} to {DstT.name} is not supported; use tf.strings.to_number for strings"
        )
    try:
        wanted = torch_dtype(DstT)
    except TypeError:
        raise UnimplementedError(None, None, f"Cast {SrcT.name} to {DstT.name} is not supported") from None
    if x.dtype == wanted:
        return x
    if x.is_complex() and not wanted.is_complex:
        x = x.abs() != 0 if wanted == torch.bool else x.real
    if x.is_floating_point() and wanted in _NARROW:
        # Through a wider integer, so that what does not fit wraps around on every processor.
        x = x.to(torch.int64)
    return x.to(wanted)


@cast_op.view
def cast_view(attrs: dict[str, Any]) -> bool:
    source, target = attrs["SrcT"].base_dtype, attrs["DstT"].base_dtype
    return source == target or source.is_complex or source.is_quantized or target.is_quantized


@cast_op.specialize
def cast_specialized(attrs: dict[str, Any]) -> Callable[[Array], Array] | None:
    source, target = attrs["SrcT"].base_dtype, attrs["DstT"].base_dtype
    if source is target or not {source, target} <= _PLAIN:
        return None
    wanted = torch_dtype(target)
    return lambda x: x.to(wanted)


@cast_op.partial
def cast_partial(call: Any) -> Any:
    wanted: DType = call.attrs["DstT"]
    if not (wanted.is_integer and call.inputs[0].dtype.is_integer):
        return None
    return partial_value(call.inputs[0])


@cast_op.gradient
def cast_gradient(call: Any, grad: Tensor) -> Any:
    source, target = call.inputs[0].dtype.base_dtype, grad.dtype.base_dtype
    flows = source.is_floating or source.is_complex
    return cast_op(grad, DstT=source) if flows and (target.is_floating or target.is_complex) else None


def cast(x: Any, dtype: Any, name: str | None = None) -> Any:
    """Return `x` with elements of another type.

    Floating numbers become integers by cutting off the fraction, complex ones real by dropping the imaginary part.

    Args:
        x: a tensor, or sparse slices or a sparse tensor, whose values are cast.
        dtype: the type.
        name: the name of the node.
    Returns:
        `x` itself if it has the type already.
    Raises:
        TypeError: if `x` has no tensor form.
        UnimplementedError: at run time, for strings.
    """
    wanted = as_dtype(dtype).base_dtype
    if isinstance(x, Tensor) and x.dtype is wanted:
        return x
    if type(x) is EagerTensor and name is None and not x.dtype.is_complex and current_graph() is None:
        return cast_op(x, DstT=wanted)
    with op_scope(name, "Cast") as scope:
        if isinstance(x, IndexedSlices):
            return IndexedSlices(cast(x.values, wanted, scope or None), x.indices, x.dense_shape)
        if hasattr(x, "with_values"):
            return x.with_values(cast(x.values, wanted, scope or None))
        if hasattr(x, "with_flat_values"):
            return x.with_flat_values(cast(x.flat_values, wanted, scope or None))
        x = convert_to_tensor(x, name="x")
        if x.dtype.is_complex and wanted.is_floating:
            x = operation("Real")(x, Tout=x.dtype.real_dtype.base_dtype)
        if x.dtype.base_dtype is wanted:
            return x
        return cast_op(x, DstT=wanted, name=scope or name)


def saturate_cast(value: Any, dtype: Any, name: str | None = None) -> Tensor:
    """Return `value` with elements of another type, the nearest one that the type has.

    Args:
        value: a numeric tensor.
        dtype: the type.
        name: the scope of the nodes.
    """
    with op_scope(name, "saturate_cast") as scope:
        value = convert_to_tensor(value, name="value")
        wanted = as_dtype(dtype).base_dtype
        source = value.dtype.base_dtype
        if source.is_complex:
            if wanted.is_complex:
                real_type = wanted.real_dtype.base_dtype
                real_part = saturate_cast(operation("Real")(value, Tout=source.real_dtype.base_dtype), real_type)
                imaginary_part = saturate_cast(operation("Imag")(value, Tout=source.real_dtype.base_dtype), real_type)
                return operation("Complex")(real_part, imaginary_part, Tout=wanted)
            value = operation("Real")(value, Tout=source.real_dtype.base_dtype)
            source = value.dtype.base_dtype
        elif wanted.is_complex:
            value = saturate_cast(value, wanted.real_dtype)
            return cast(value, wanted, scope or name)
        smallest, largest = _common_range(source, wanted)
        if source.is_floating or source.min < smallest or source.max > largest:
            value = operation("Minimum")(operation("Maximum")(value, _bound(smallest, source)), _bound(largest, source))
        return cast(value, wanted, scope or name)


def _common_range(source: DType, wanted: DType) -> tuple[Any, Any]:
    """Return the range of `wanted` in numbers that `source` has, too."""
    if wanted.is_bool or not (wanted.is_integer or wanted.is_floating):
        raise TypeError(f"saturate_cast needs a numeric type, got {wanted!r}")
    low, high = float(wanted.min), float(wanted.max)
    if source.is_integer and wanted.is_integer:
        return max(int(source.min), int(wanted.min)), min(int(source.max), int(wanted.max))
    if source.is_integer:
        return max(int(source.min), int(low)), min(int(source.max), int(high))
    kind = source.as_numpy_dtype
    with np.errstate(over="ignore"):
        low, high = kind(max(low, float(source.min))), kind(min(high, float(source.max)))
    if wanted.is_integer and float(high) > float(int(wanted.max)) or int(float(high)) > int(wanted.max):
        high = (
            np.nextafter(high, kind(0))
            if kind in (np.float16, np.float32, np.float64)
            else kind(float(high) * (1 - 2**-8))
        )
    return low, high


def _bound(limit: Any, dtype: DType) -> Tensor:
    return convert_to_tensor(np.asarray(limit, dtype=dtype.as_numpy_dtype))


_BITS = NUMBER | QUANTIZED


@op("Bitcast(input: T) -> output: type", view=True, T=_BITS, type=_BITS)
def bitcast_op(input: Array, *, T: DType, type: DType) -> Array:
    wanted = torch_dtype(type)
    size, wanted_size = T.size, type.size
    if wanted_size > size:
        count = wanted_size // size
        if not input.ndim or input.shape[-1] != count:
            raise InvalidArgumentError(
                None,
                None,
                f"Cannot bitcast shape {list(input.shape)} to {type.name}: the last axis must have {count} elements, "
                f"as {count} of {size} bytes make one of {wanted_size}",
            )
        return input.reshape(-1).contiguous().view(wanted).reshape(input.shape[:-1])
    if wanted_size < size:
        return input.contiguous().unsqueeze(-1).view(wanted)
    return input.view(wanted)


@bitcast_op.shape
def bitcast_shape(input: Dims, *, T: DType, type: DType) -> Dims:
    if input is None or T.size == type.size:
        return input
    if type.size < T.size:
        return (*input, T.size // type.size)
    count = type.size // T.size
    if not input or input[-1] not in (None, count):
        raise ShapeError(f"the last axis must have {count} elements, as {count} {T.name} make one {type.name}")
    return input[:-1]


def bitcast(input: Any, type: Any, name: str | None = None) -> Tensor:
    """Return the same bytes, read as elements of another type.

    Args:
        input: a tensor. If the new type is k times as wide, its last axis must have k elements and
            vanishes; if it is k times as narrow, a last axis of k elements is added.
        type: the type.
        name: the name of the node.
    """
    return bitcast_op(input, type=as_dtype(type), name=name)


def to_float(x: Any, name: str = "ToFloat") -> Any:
    """Return `x` as float32."""
    return cast(x, dtypes.float32, name=name)


def to_double(x: Any, name: str = "ToDouble") -> Any:
    """Return `x` as float64."""
    return cast(x, dtypes.float64, name=name)


def to_int32(x: Any, name: str = "ToInt32") -> Any:
    """Return `x` as int32."""
    return cast(x, dtypes.int32, name=name)


def to_int64(x: Any, name: str = "ToInt64") -> Any:
    """Return `x` as int64."""
    return cast(x, dtypes.int64, name=name)


def to_bfloat16(x: Any, name: str = "ToBFloat16") -> Any:
    """Return `x` as bfloat16."""
    return cast(x, dtypes.bfloat16, name=name)


def to_complex64(x: Any, name: str = "ToComplex64") -> Any:
    """Return `x` as complex64."""
    return cast(x, dtypes.complex64, name=name)


def to_complex128(x: Any, name: str = "ToComplex128") -> Any:
    """Return `x` as complex128."""
    return cast(x, dtypes.complex128, name=name)
