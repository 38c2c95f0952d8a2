"""Python values and NumPy arrays as tensors."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core import dtypes
from penstock.core.convert import as_array, convert_to_tensor
from penstock.core.graph import Graph
from penstock.core.inference import static_value
from penstock.core.op_def import lookup
from penstock.core.shape import TensorShape
from penstock.ops.constant import constant, constant_v1, placeholder


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (1, "int32"),
        (2**40, "int64"),
        (1.5, "float32"),
        (True, "bool"),
        (1j, "complex128"),
        ("a", "string"),
        ([], "float32"),
        ([1, 2.5], "float32"),
        ([[True]], "bool"),
        (np.float64(1), "float64"),
        (np.arange(3), "int64"),
        ([np.float32(1), np.float32(2)], "float32"),
        (TensorShape([2, 3]), "int32"),
        (range(3), "int32"),
    ],
)
def test_values_get_tensorflows_types(value, dtype):
    assert convert_to_tensor(value).dtype.name == dtype
    with Graph().as_default():
        assert convert_to_tensor(value).dtype.name == dtype


@pytest.mark.parametrize(
    ("value", "dtype", "error"),
    [
        (1.5, "int32", TypeError),
        ("a", "float32", TypeError),
        (1, "bool", TypeError),
        (1, "string", TypeError),
        (True, "uint8", TypeError),
        ([True, 2], "int8", ValueError),
        ([2, True], None, ValueError),
        (-1, "uint64", ValueError),
        (2**63, None, ValueError),
        ([1, "a"], None, ValueError),
        ([[1], [1, 2]], None, ValueError),
        (None, None, ValueError),
        ([1, None], None, ValueError),
        (object(), None, ValueError),
        (2**70, None, ValueError),
        (TensorShape([None]), None, ValueError),
    ],
    ids=lambda item: getattr(item, "__name__", None) or ("object" if type(item) is object else repr(item)),
)
def test_values_that_do_not_fit_are_refused(value, dtype, error):
    with pytest.raises(error):
        convert_to_tensor(value, dtype)


@pytest.mark.parametrize(
    ("value", "dtype", "expected"),
    [
        (300, "uint8", 44),
        (-1, "uint8", 255),
        (-129, "int8", 127),
        (2**40, "int32", 0),
        ([300, 1], "uint8", [44, 1]),
        (2**64, "float32", 2.0**64),
    ],
)
def test_integers_wrap_around_in_a_narrower_type(value, dtype, expected):
    assert convert_to_tensor(value, dtype).numpy().tolist() == expected
    with Graph().as_default():
        assert static_value(convert_to_tensor(value, dtype)).tolist() == expected


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint64", "float16", "float32", "float64", "complex128"])
def test_true_is_one_in_the_types_that_python_values_become_directly(dtype):
    assert convert_to_tensor(True, dtype).numpy() == 1
    assert convert_to_tensor([True, False], dtype).numpy().tolist() == [1, 0]


def test_a_graph_takes_true_as_one_in_every_numeric_type():
    with Graph().as_default():
        assert static_value(convert_to_tensor([True, False], "int8")).tolist() == [1, 0]
        assert static_value(convert_to_tensor([True, 2], "uint8")).tolist() == [1, 2]
        with pytest.raises(OverflowError):
            convert_to_tensor(2**64, "int32")
        with pytest.raises(TypeError):
            convert_to_tensor([None])


def test_a_tensor_of_another_type_is_refused_with_the_remedy():
    with pytest.raises(ValueError, match="tf.cast"):
        convert_to_tensor(constant(1.0), "int32")


def test_numpy_arrays_are_cast_to_the_type_asked_for():
    assert convert_to_tensor(np.array([1.7]), "int32").numpy().tolist() == [1]


def test_lists_of_tensors_are_packed():
    packed = convert_to_tensor([constant(1.0), 2.0])
    assert packed.numpy().tolist() == [1.0, 2.0]
    with Graph().as_default():
        a = placeholder("float32", [3])
        assert convert_to_tensor([a, a]).shape.as_list() == [2, 3]


def test_a_symbolic_tensor_outside_its_graph_is_refused():
    with Graph().as_default():
        symbol = placeholder("float32", name="x")
    with pytest.raises(TypeError, match="x:0"):
        convert_to_tensor(symbol)


def test_equal_scalars_are_different_tensors():
    assert convert_to_tensor(3.0) is not convert_to_tensor(3.0)


def test_constants_fill_their_shape():
    assert constant(7, shape=[2, 2]).numpy().tolist() == [[7, 7], [7, 7]]
    assert constant([1, 2, 3, 4], shape=[2, 2]).numpy().tolist() == [[1, 2], [3, 4]]
    with pytest.raises(TypeError, match="3 elements"):
        constant([1, 2, 3], shape=[2, 2])
    assert constant_v1([1, 2], shape=[4]).numpy().tolist() == [1, 2, 2, 2]


def test_string_arrays_hold_bytes():
    tensor = constant(["a", b"b"])
    assert tensor.dtype is dtypes.string and tensor.numpy().tolist() == [b"a", b"b"]


@pytest.mark.parametrize("name", ["bfloat16", "float8_e5m2", "uint16", "uint32", "uint64", "complex64", "float16"])
def test_numeric_types_survive_the_way_to_torch_and_back(name):
    dtype = dtypes.as_dtype(name)
    array = np.array([1, 2, 3]).astype(dtype.as_numpy_dtype)
    tensor = convert_to_tensor(array)
    assert tensor.dtype is dtype and tensor.numpy().dtype == array.dtype
    np.testing.assert_array_equal(tensor.numpy(), array)


def test_odd_memory_layouts_convert():
    array = np.arange(12.0).reshape(3, 4)
    for view in (array[::-1], array.T, array[:, ::2], np.asfortranarray(array), array.astype(">f8")):
        np.testing.assert_array_equal(convert_to_tensor(view).numpy(), view)


@pytest.mark.parametrize(
    ("value", "eager", "graph"),
    [
        ([np.int64(1), np.int64(2)], "int32", "int32"),
        ([np.int8(1), np.int64(2**40)], "int64", "int64"),
        ([np.int8(1)], "int32", "int8"),
        ([np.float64(1), 2.0], "float64", "float32"),
        ([np.float16(1), 2.0], "float16", "float32"),
        ([np.int64(1), 2.5], "float32", "float32"),
        ([np.array([1, 2]), [3, 4]], "int32", "int32"),
    ],
    ids=repr,
)
def test_lists_of_numpy_numbers_get_the_type_of_the_mode(value, eager, graph):
    assert convert_to_tensor(value).dtype.name == eager
    with Graph().as_default():
        assert convert_to_tensor(value).dtype.name == graph


def test_sizes_beyond_32_bits_are_not_wrapped_into_the_default_type():
    with Graph().as_default():
        assert lookup("Fill")([2**32 + 2, 0], 1.0).shape.as_list() == [2**32 + 2, 0]


def test_integers_of_64_bits_are_not_rounded_where_only_some_need_the_last_one():
    value, dtype = as_array([2**64 - 1, 2**63, 5], dtypes.uint64)
    assert dtype is dtypes.uint64
    assert value.tolist() == [2**64 - 1, 2**63, 5]


@pytest.mark.parametrize("dtype", [None, "float32", "float64", "int64"])
@pytest.mark.parametrize(
    "value",
    [3, -(2**31), 2**31, 16777217, [1, 2**31], [1, -5], 0.1, 3.4e38, float("nan"), [0.1, float("inf")], [-0.0, 1e-46]],
)
def test_numbers_are_converted_alike_in_both_modes(value, dtype):
    is_float = isinstance(value, float) or isinstance(value, list) and isinstance(value[0], float)
    if is_float and dtype == "int64":
        return
    eager = convert_to_tensor(value, dtype)
    with Graph().as_default():
        known = static_value(convert_to_tensor(value, dtype))
    assert eager.numpy().dtype == known.dtype
    assert eager.numpy().tobytes() == known.tobytes()


def test_constants_have_memory_of_their_own():
    values = [1.0, 2.0]
    first, second = constant(values), constant(values)
    values[0] = 5.0
    assert first.numpy().tolist() == second.numpy().tolist() == [1.0, 2.0]
    assert first.value.data_ptr() != second.value.data_ptr()
