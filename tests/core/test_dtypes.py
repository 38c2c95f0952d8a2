"""Data types: numbers, names, properties and conversions."""

from __future__ import annotations

import copy
import pickle

import ml_dtypes
import numpy as np
import pytest

from penstock.core import dtypes
from penstock.core.dtypes import DType, as_dtype

# number, name, bytes per element, the properties that are true
TABLE = [
    (1, "float32", 4, {"floating", "numeric"}),
    (2, "float64", 8, {"floating", "numeric"}),
    (3, "int32", 4, {"integer", "numeric"}),
    (4, "uint8", 1, {"integer", "unsigned", "numeric"}),
    (5, "int16", 2, {"integer", "numeric"}),
    (6, "int8", 1, {"integer", "numeric"}),
    (7, "string", 0, set()),
    (8, "complex64", 8, {"complex", "numeric"}),
    (9, "int64", 8, {"integer", "numeric"}),
    (10, "bool", 1, {"bool"}),
    (11, "qint8", 1, {"quantized", "numeric"}),
    (12, "quint8", 1, {"quantized", "numeric"}),
    (13, "qint32", 4, {"quantized", "numeric"}),
    (14, "bfloat16", 2, {"floating", "numeric"}),
    (15, "qint16", 2, {"quantized", "numeric"}),
    (16, "quint16", 2, {"quantized", "numeric"}),
    (17, "uint16", 2, {"integer", "unsigned", "numeric"}),
    (18, "complex128", 16, {"complex", "numeric"}),
    (19, "float16", 2, {"floating", "numeric"}),
    (20, "resource", 0, set()),
    (21, "variant", 0, set()),
    (22, "uint32", 4, {"integer", "unsigned", "numeric"}),
    (23, "uint64", 8, {"integer", "unsigned", "numeric"}),
    (24, "float8_e5m2", 1, {"floating"}),
    (25, "float8_e4m3fn", 1, {"floating"}),
    (26, "float8_e4m3fnuz", 1, {"floating"}),
    (27, "float8_e4m3b11fnuz", 1, {"floating"}),
    (28, "float8_e5m2fnuz", 1, {"floating"}),
    (29, "int4", 1, {"integer"}),
    (30, "uint4", 1, {"integer", "unsigned"}),
    (31, "int2", 1, {"integer"}),
    (32, "uint2", 1, {"integer", "unsigned"}),
    (33, "float4_e2m1fn", 1, {"floating"}),
]
PROPERTIES = ["floating", "complex", "integer", "bool", "unsigned", "quantized", "numeric"]


@pytest.mark.parametrize(("number", "name", "size", "true"), TABLE, ids=[row[1] for row in TABLE])
def test_every_type_and_its_ref_have_tensorflows_number_name_size_and_properties(number, name, size, true):
    for dtype, offset, suffix in ((as_dtype(name), 0, ""), (as_dtype(name + "_ref"), 100, "_ref")):
        assert dtype.as_datatype_enum == int(dtype) == number + offset
        assert as_dtype(number + offset) is DType(number + offset) is dtype
        assert dtype.name == name + suffix
        assert dtype.size == size
        assert {each for each in PROPERTIES if getattr(dtype, f"is_{each}")} == true
        assert dtype.is_numpy_compatible == (name not in ("resource", "variant"))
        assert dtype.base_dtype is as_dtype(name)
        assert dtype._as_ref is as_dtype(name + "_ref")
        assert dtype._is_ref_dtype == bool(suffix)
        assert repr(dtype) == f"tf.{name}{suffix}"
        assert str(dtype) == f"<dtype: '{name}{suffix}'>"


def test_all_holds_every_base_type_once():
    assert {dtype.name for dtype in dtypes.ALL} == {row[1] for row in TABLE}


@pytest.mark.parametrize("dtype", sorted(dtypes.ALL, key=int), ids=repr)
def test_pickle_and_copy_give_the_one_instance(dtype):
    for each in (dtype, dtype._as_ref):
        assert pickle.loads(pickle.dumps(each)) is each
        assert copy.deepcopy(each) is copy.copy(each) is each


@pytest.mark.parametrize("dtype", sorted(dtypes.ALL - {dtypes.resource, dtypes.variant}, key=int), ids=repr)
def test_numpy_types_convert_there_and_back(dtype):
    assert as_dtype(dtype.as_numpy_dtype) is dtype
    assert as_dtype(np.dtype(dtype.as_numpy_dtype)) is dtype
    assert dtype._as_ref.as_numpy_dtype == dtype.as_numpy_dtype


@pytest.mark.parametrize("dtype", [dtypes.resource, dtypes.variant], ids=repr)
def test_handles_have_no_numpy_type(dtype):
    with pytest.raises(TypeError, match="no NumPy equivalent"):
        _ = dtype.as_numpy_dtype


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float, dtypes.float32),
        (bool, dtypes.bool_),
        (object, dtypes.string),
        ("half", dtypes.float16),
        ("half_ref", dtypes.float16._as_ref),
        ("float", dtypes.float32),
        ("double", dtypes.float64),
        (np.dtype("U5"), dtypes.string),
        (np.dtype("S5"), dtypes.string),
        (np.str_, dtypes.string),
        (np.bytes_, dtypes.string),
        (np.object_, dtypes.string),
        (np.dtype(">f4"), dtypes.float32),
        (np.longlong, dtypes.int64),
        (np.intc, dtypes.int32),
        (ml_dtypes.bfloat16, dtypes.bfloat16),
        (ml_dtypes.int4, dtypes.int4),
        (np.arange(3), dtypes.int64),
    ],
    ids=repr,
)
def test_as_dtype_accepts_what_tensorflow_accepts(value, expected):
    assert as_dtype(value) is expected


@pytest.mark.parametrize(
    "value",
    [int, str, bytes, complex, None, "foo", "int", "f4", 0, -1, 1000, 3.5, [1], {}, np.void, np.longdouble, slice]
    + [np.dtype("M8[s]"), np.dtype([("a", "f4")])],
    ids=repr,
)
def test_as_dtype_refuses_what_names_no_type_and_shows_it(value):
    with pytest.raises(TypeError) as raised:
        as_dtype(value)
    assert repr(value) in str(raised.value)
    assert dtypes.float32 != value


def test_the_constructor_refuses_unknown_numbers():
    for number in (0, 34, "float32", None):
        with pytest.raises(TypeError, match="not the number"):
            DType(number)


def test_equality_accepts_whatever_names_the_type():
    assert dtypes.float32 == "float32"
    assert dtypes.float32 == np.float32
    assert dtypes.float32 == float  # noqa: E721
    assert dtypes.float32 == 1
    assert dtypes.float32 != "float64"
    assert dtypes.float32 != dtypes.float32._as_ref
    assert dtypes.float32 != None  # noqa: E711
    assert hash(dtypes.float32) == 1


def test_a_type_accepts_its_ref_but_not_the_other_way_round():
    ref = dtypes.float32._as_ref
    assert dtypes.float32.is_compatible_with(ref)
    assert dtypes.float32.is_compatible_with("float32")
    assert ref.is_compatible_with(ref)
    assert not ref.is_compatible_with(dtypes.float32)
    assert not dtypes.float32.is_compatible_with(dtypes.float64)


def test_real_dtype_is_the_type_of_the_parts():
    assert dtypes.complex64.real_dtype is dtypes.float32
    assert dtypes.complex128._as_ref.real_dtype is dtypes.float64
    assert dtypes.int32._as_ref.real_dtype is dtypes.int32._as_ref


def test_min_and_max():
    assert (dtypes.int8.min, dtypes.int8.max) == (-128, 127)
    assert (dtypes.uint64.min, dtypes.uint64.max) == (0, 2**64 - 1)
    assert (dtypes.int4.min, dtypes.int4.max) == (-8, 7)
    assert (dtypes.uint2.min, dtypes.uint2.max) == (0, 3)
    assert dtypes.float32.max == np.finfo(np.float32).max
    assert dtypes.float32._as_ref.min == np.finfo(np.float32).min
    assert float(dtypes.float8_e4m3fn.max) == 448.0
    assert float(dtypes.bfloat16.max) == pytest.approx(3.38953e38, rel=1e-5)


@pytest.mark.parametrize("name", ["bool", "complex64", "string", "qint8", "resource"])
def test_types_without_order_have_no_min_or_max(name):
    with pytest.raises(TypeError, match="minimum"):
        _ = as_dtype(name).min
    with pytest.raises(TypeError, match="maximum"):
        _ = as_dtype(name).max


def test_limits_are_those_of_images():
    assert dtypes.float32.limits == (0, 1)
    assert dtypes.int8.limits == (0, 127)
    assert dtypes.bool_.limits == (0, True)
    for dtype in (dtypes.float16, dtypes.string, dtypes.int4, dtypes.complex64):
        with pytest.raises(ValueError, match="does not have defined limits"):
            _ = dtype.limits


def test_types_are_immutable():
    with pytest.raises(AttributeError, match="immutable"):
        dtypes.float32.size = 8
    with pytest.raises(AttributeError, match="immutable"):
        del dtypes.float32.name


def test_groups():
    assert dtypes.INTEGER == {as_dtype(f"{sign}int{bits}") for sign in ("", "u") for bits in (8, 16, 32, 64)}
    assert dtypes.FLOATING == {as_dtype(name) for name in ("float16", "bfloat16", "float32", "float64")}
    assert dtypes.NUMBER == dtypes.INTEGER | dtypes.FLOATING | dtypes.COMPLEX
    assert dtypes.REAL_NUMBER == dtypes.NUMBER - dtypes.COMPLEX
    assert {dtype.is_quantized for dtype in dtypes.QUANTIZED} == {True}
    assert len(dtypes.QUANTIZED) == 5


def test_traced_type_protocol():
    assert dtypes.float32.is_subtype_of(dtypes.float32)
    assert not dtypes.float32.is_subtype_of(dtypes.float64)
    assert dtypes.float32.most_specific_common_supertype([dtypes.float32]) is dtypes.float32
    assert dtypes.float32.most_specific_common_supertype([dtypes.float64]) is None
