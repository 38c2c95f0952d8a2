"""Data types: one immutable `DType` per TensorFlow type, and the conversion of everything that names a type."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import ml_dtypes
import numpy as np

_REF_OFFSET = 100

# ml_dtypes has no annotations for these two.
_finfo: Any = ml_dtypes.finfo
_iinfo: Any = ml_dtypes.iinfo

_BY_ENUM: dict[int, DType] = {}
# Every hashable thing that names a type: the types themselves, enum numbers, names, Python and NumPy types.
_BY_ANYTHING: dict[Any, DType] = {}


class DType:
    """The type of the elements of a tensor.

    There is exactly one instance per type, so `is` compares types. Ref types (`tf.float32_ref`) are the types of
    TensorFlow 1's mutable variables; `base_dtype` removes the ref.

    Attributes:
        name: the type's name, such as `'float32'`.
        as_datatype_enum: the type's number in the DataType enumeration of GraphDefs.
        base_dtype: the type itself, or what a ref type refers to.
        real_dtype: the type of the real part of a complex type, else the type itself.
        is_floating: whether it is a real floating point type.
        is_complex: whether it is a complex type.
        is_integer: whether it is an integer type that is not quantized.
        is_bool: whether it is the boolean type.
        is_unsigned: whether it is an unsigned integer type.
        is_quantized: whether it is a quantized type.
        is_numeric: whether kernels compute with it: true of all numbers but the 8-bit and narrower storage formats.
        is_numpy_compatible: whether NumPy can hold it: false of resources and variants.
        size: bytes per element; 0 for strings, resources and variants.
    """

    __slots__ = (
        "_as_ref",
        "_is_ref_dtype",
        "_numpy_type",
        "as_datatype_enum",
        "base_dtype",
        "is_bool",
        "is_complex",
        "is_floating",
        "is_integer",
        "is_numeric",
        "is_numpy_compatible",
        "is_quantized",
        "is_unsigned",
        "name",
        "real_dtype",
        "size",
    )

    name: str
    as_datatype_enum: int
    base_dtype: DType
    real_dtype: DType
    is_floating: bool
    is_complex: bool
    is_integer: bool
    is_bool: bool
    is_unsigned: bool
    is_quantized: bool
    is_numeric: bool
    is_numpy_compatible: bool
    size: int
    _as_ref: DType
    _is_ref_dtype: bool
    _numpy_type: Any

    def __new__(cls, type_enum: int) -> DType:
        """Return the type with this DataType number.

        Raises:
            TypeError: if no type has this number.
        """
        found = _BY_ENUM.get(type_enum) if isinstance(type_enum, int) else None
        if found is None:
            raise TypeError(f"{type_enum!r} is not the number of a data type; numbers run from 1 (float32) to 33.")
        return found

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuse: a type never changes."""
        raise AttributeError(f"DType is immutable: cannot set '{name}' of {self!r}.")

    def __delattr__(self, name: str) -> None:
        """Refuse: a type never changes."""
        raise AttributeError(f"DType is immutable: cannot delete '{name}' of {self!r}.")

    @property
    def as_numpy_dtype(self) -> Any:
        """The NumPy scalar type (a structured `np.dtype` for quantized types, `object` for strings).

        Raises:
            TypeError: for resources and variants.
        """
        if self._numpy_type is None:
            raise TypeError(f"{self!r} has no NumPy equivalent: its elements are handles, not numbers.")
        return self._numpy_type

    @property
    def min(self) -> Any:
        """The smallest finite value.

        Raises:
            TypeError: if the type has no order, as complex, bool, string and quantized types.
        """
        if self.is_integer:
            return _iinfo(self._numpy_type).min
        if self.is_floating:
            return _finfo(self._numpy_type).min
        raise TypeError(f"Cannot find minimum value of {self}: only integer and floating types have one.")

    @property
    def max(self) -> Any:
        """The largest finite value.

        Raises:
            TypeError: if the type has no order, as complex, bool, string and quantized types.
        """
        if self.is_integer:
            return _iinfo(self._numpy_type).max
        if self.is_floating:
            return _finfo(self._numpy_type).max
        raise TypeError(f"Cannot find maximum value of {self}: only integer and floating types have one.")

    @property
    def limits(self) -> tuple[Any, Any]:
        """The range of intensities that images of this type use: (0, 1) for floats, (0, max) for integers.

        Raises:
            ValueError: if images of this type have no such range.
        """
        base = self.base_dtype
        if base is float32 or base is float64:
            return (0, 1)
        if base is bool_:
            return (0, True)
        if self.is_integer and self.is_numeric:
            return (0, self.max)
        raise ValueError(f"{self} does not have defined limits.")

    def is_compatible_with(self, other: Any) -> bool:
        """Whether a value of type `other` may be used where this type is expected.

        A type accepts itself and its ref type; a ref type accepts itself only.
        """
        other_type = as_dtype(other)
        return other_type is self or other_type.base_dtype is self

    def is_subtype_of(self, other: Any) -> bool:
        """Whether `other` is this very type; part of the protocol of traced argument types."""
        return self is other

    def most_specific_common_supertype(self, types: Iterable[Any]) -> DType | None:
        """This type if all `types` equal it, else None; part of the protocol of traced argument types."""
        return self if all(other is self for other in types) else None

    def __eq__(self, other: Any) -> bool:
        """Whether `other` is this type or anything `as_dtype` converts to it."""
        if self is other:
            return True
        if other is None or isinstance(other, DType):
            return False
        try:
            return as_dtype(other) is self
        except TypeError:
            return False

    def __hash__(self) -> int:
        """The DataType number."""
        return self.as_datatype_enum

    def __int__(self) -> int:
        """The DataType number."""
        return self.as_datatype_enum

    def __repr__(self) -> str:
        """The way users write it: `tf.float32`."""
        return f"tf.{self.name}"

    def __str__(self) -> str:
        """The way TensorFlow prints it: `<dtype: 'float32'>`."""
        return f"<dtype: '{self.name}'>"

    def __reduce__(self) -> tuple[Callable[[Any], DType], tuple[str]]:
        """Pickle by name, so that unpickling finds the one instance."""
        return as_dtype, (self.name,)


def _create(fields: dict[str, Any]) -> DType:
    dtype = object.__new__(DType)
    for field, value in fields.items():
        object.__setattr__(dtype, field, value)
    return dtype


def _declare(enum: int, name: str, numpy_type: Any, size: int, kind: str, *, numeric: bool = True) -> DType:
    """Create a type and its ref type, and register both under their numbers and names.

    Args:
        enum: the DataType number; the ref type's is 100 higher.
        name: the type's name; the ref type's ends in `_ref`.
        numpy_type: the NumPy type, or None.
        size: bytes per element.
        kind: 'floating', 'complex', 'integer', 'unsigned', 'bool', 'quantized' or 'other'.
        numeric: the value of `is_numeric` for kinds that are numbers.
    """
    fields: dict[str, Any] = {
        "_numpy_type": numpy_type,
        "size": size,
        "is_floating": kind == "floating",
        "is_complex": kind == "complex",
        "is_integer": kind in ("integer", "unsigned"),
        "is_unsigned": kind == "unsigned",
        "is_bool": kind == "bool",
        "is_quantized": kind == "quantized",
        "is_numeric": numeric and kind not in ("bool", "other"),
        "is_numpy_compatible": numpy_type is not None,
    }
    dtype = _create({**fields, "name": name, "as_datatype_enum": enum, "_is_ref_dtype": False})
    ref = _create({**fields, "name": f"{name}_ref", "as_datatype_enum": enum + _REF_OFFSET, "_is_ref_dtype": True})
    real = {"complex64": "float32", "complex128": "float64"}.get(name)
    for each in (dtype, ref):
        object.__setattr__(each, "base_dtype", dtype)
        object.__setattr__(each, "real_dtype", _BY_ANYTHING[real] if real else each)
        object.__setattr__(each, "_as_ref", ref)
        _BY_ENUM[each.as_datatype_enum] = each
        _BY_ANYTHING[each.as_datatype_enum] = each
        _BY_ANYTHING[each.name] = each
    if numpy_type is not None:
        _BY_ANYTHING[numpy_type] = dtype
        _BY_ANYTHING[np.dtype(numpy_type)] = dtype
    return dtype


float32 = _declare(1, "float32", np.float32, 4, "floating")
float64 = _declare(2, "float64", np.float64, 8, "floating")
int32 = _declare(3, "int32", np.int32, 4, "integer")
uint8 = _declare(4, "uint8", np.uint8, 1, "unsigned")
int16 = _declare(5, "int16", np.int16, 2, "integer")
int8 = _declare(6, "int8", np.int8, 1, "integer")
string = _declare(7, "string", object, 0, "other")
complex64 = _declare(8, "complex64", np.complex64, 8, "complex")
int64 = _declare(9, "int64", np.int64, 8, "integer")
bool_ = _declare(10, "bool", np.bool_, 1, "bool")
qint8 = _declare(11, "qint8", np.dtype([("qint8", np.int8)]), 1, "quantized")
quint8 = _declare(12, "quint8", np.dtype([("quint8", np.uint8)]), 1, "quantized")
qint32 = _declare(13, "qint32", np.dtype([("qint32", np.int32)]), 4, "quantized")
bfloat16 = _declare(14, "bfloat16", ml_dtypes.bfloat16, 2, "floating")
qint16 = _declare(15, "qint16", np.dtype([("qint16", np.int16)]), 2, "quantized")
quint16 = _declare(16, "quint16", np.dtype([("quint16", np.uint16)]), 2, "quantized")
uint16 = _declare(17, "uint16", np.uint16, 2, "unsigned")
complex128 = _declare(18, "complex128", np.complex128, 16, "complex")
float16 = _declare(19, "float16", np.float16, 2, "floating")
resource = _declare(20, "resource", None, 0, "other")
variant = _declare(21, "variant", None, 0, "other")
uint32 = _declare(22, "uint32", np.uint32, 4, "unsigned")
uint64 = _declare(23, "uint64", np.uint64, 8, "unsigned")
float8_e5m2 = _declare(24, "float8_e5m2", ml_dtypes.float8_e5m2, 1, "floating", numeric=False)
float8_e4m3fn = _declare(25, "float8_e4m3fn", ml_dtypes.float8_e4m3fn, 1, "floating", numeric=False)
float8_e4m3fnuz = _declare(26, "float8_e4m3fnuz", ml_dtypes.float8_e4m3fnuz, 1, "floating", numeric=False)
float8_e4m3b11fnuz = _declare(27, "float8_e4m3b11fnuz", ml_dtypes.float8_e4m3b11fnuz, 1, "floating", numeric=False)
float8_e5m2fnuz = _declare(28, "float8_e5m2fnuz", ml_dtypes.float8_e5m2fnuz, 1, "floating", numeric=False)
int4 = _declare(29, "int4", ml_dtypes.int4, 1, "integer", numeric=False)
uint4 = _declare(30, "uint4", ml_dtypes.uint4, 1, "unsigned", numeric=False)
int2 = _declare(31, "int2", ml_dtypes.int2, 1, "integer", numeric=False)
uint2 = _declare(32, "uint2", ml_dtypes.uint2, 1, "unsigned", numeric=False)
float4_e2m1fn = _declare(33, "float4_e2m1fn", ml_dtypes.float4_e2m1fn, 1, "floating", numeric=False)

half = float16
double = float64

_BY_ANYTHING.update({"half": half, "half_ref": half._as_ref, "float": float32, "float_ref": float32._as_ref})
_BY_ANYTHING.update({"double": double, "double_ref": double._as_ref, float: float32, bool: bool_})
_BY_ANYTHING.update({np.object_: string, np.str_: string, np.bytes_: string})
_BY_ANYTHING.update({np.longlong: int64, np.ulonglong: uint64})

NAMES = frozenset(key for key in _BY_ANYTHING if isinstance(key, str) and not key.endswith("_ref"))


def as_dtype(type_value: Any) -> DType:
    """Convert anything that names a type to its `DType`.

    Args:
        type_value: a `DType`, a DataType number, a TensorFlow name (`'float32'`, `'half'`, `'int32_ref'`), a NumPy
            dtype or scalar type, an object with a `dtype` that is one of these, or Python's `float`, `bool` or
            `object` (strings). Python's `int` names no single type and is refused, as in TensorFlow.
    Returns:
        The one instance of that type.
    Raises:
        TypeError: if `type_value` names no type.
    """
    if type_value.__class__ is DType:
        return type_value
    try:
        return _BY_ANYTHING[type_value]
    except (KeyError, TypeError):
        pass
    numpy_dtype = getattr(type_value, "dtype", None) if not isinstance(type_value, np.dtype) else type_value
    if isinstance(numpy_dtype, DType):
        return numpy_dtype
    if isinstance(numpy_dtype, np.dtype):
        if numpy_dtype.kind in "SU":
            return string
        found = _BY_ANYTHING.get(numpy_dtype) or _BY_ANYTHING.get(numpy_dtype.type)
        if found is not None:
            return found
    raise TypeError(
        f"Cannot convert {type_value!r} to a DType; expected a tf.DType, its number, its name (such as 'float32'), "
        "a NumPy dtype, or Python's float or bool."
    )


# The groups that op schemas allow. float8, int4 and the like are storage formats and belong to none but ALL.
FLOATING = frozenset({float16, bfloat16, float32, float64})
COMPLEX = frozenset({complex64, complex128})
SIGNED = frozenset({int8, int16, int32, int64})
UNSIGNED = frozenset({uint8, uint16, uint32, uint64})
INTEGER = SIGNED | UNSIGNED
REAL_NUMBER = FLOATING | INTEGER
NUMBER = REAL_NUMBER | COMPLEX
QUANTIZED = frozenset({qint8, quint8, qint16, quint16, qint32})
ALL = frozenset(dtype for dtype in _BY_ENUM.values() if not dtype._is_ref_dtype)

QUANTIZED_DTYPES = QUANTIZED | frozenset(dtype._as_ref for dtype in QUANTIZED)
