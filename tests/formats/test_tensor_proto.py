"""Arrays as messages."""

from __future__ import annotations

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats import dtypes, protos
from penstock.formats.errors import CorruptDataError
from penstock.formats.tensor_proto import from_tensor_proto, to_tensor_proto

_NUMBERS = sorted(set(dtypes.NUMPY_TYPES) - {dtypes.DT_STRING})

# What TensorFlow makes of [1, 0], [1] and 1.
_TENSORFLOW = {
    dtypes.DT_HALF: ("08131204120208022204003c0000", "08131204120208016a028078", "081312006a028078"),
    dtypes.DT_BFLOAT16: ("080e1204120208022204803f0000", "080e1204120208016a02807f", "080e12006a02807f"),
    dtypes.DT_FLOAT: ("080112041202080222080000803f00000000", "08011204120208012a040000803f", "080112002a040000803f"),
    dtypes.DT_INT8: ("080612041202080222020100", "08061204120208013a0101", "080612003a0101"),
    dtypes.DT_UINT16: ("08111204120208023a020100", "08111204120208013a0101", "081112003a0101"),
    dtypes.DT_INT16: ("0805120412020802220401000000", "08051204120208013a0101", "080512003a0101"),
    dtypes.DT_UINT8: ("080412041202080222020100", "08041204120208013a0101", "080412003a0101"),
    dtypes.DT_BOOL: ("080a1204120208025a020100", "080a1204120208015a0101", "080a12005a0101"),
    dtypes.DT_COMPLEX64: (
        "08081204120208024a100000803f000000000000000000000000",
        "08081204120208014a080000803f00000000",
        "080812004a080000803f00000000",
    ),
    dtypes.DT_UINT32: ("081612041202080222080100000000000000", "081612041202080182010101", "0816120082010101"),
    dtypes.DT_UINT64: (
        "0817120412020802221001000000000000000000000000000000",
        "08171204120208018a010101",
        "081712008a010101",
    ),
    dtypes.DT_INT64: (
        "0809120412020802221001000000000000000000000000000000",
        "0809120412020801520101",
        "08091200520101",
    ),
    dtypes.DT_INT32: ("080312041202080222080100000000000000", "08031204120208013a0101", "080312003a0101"),
    dtypes.DT_FLOAT8_E5M2: ("081812041202080222023c00", "08181204120208019201013c", "081812009201013c"),
    dtypes.DT_INT4: ("081d1204120208023a020100", "081d1204120208013a0101", "081d12003a0101"),
}


@pytest.mark.parametrize("enum", _TENSORFLOW)
def test_the_bytes_are_tensorflows(enum):
    numpy_type = dtypes.numpy_type(enum)
    made = [to_tensor_proto(np.array(x).astype(numpy_type)).SerializeToString().hex() for x in ([1, 0], [1], 1)]
    assert tuple(made) == _TENSORFLOW[enum]


def test_the_bytes_of_empty_repeated_and_string_tensors_are_tensorflows():
    assert to_tensor_proto(np.zeros(0, np.float32)).SerializeToString().hex() == "080112021200"
    assert to_tensor_proto(np.float32([1]), shape=[3]).SerializeToString().hex() == "08011204120208032a040000803f"
    repeated = to_tensor_proto(np.float32([1, 2]), shape=[3])
    assert repeated.SerializeToString().hex() == "08011204120208032a080000803f00000040"
    strings = to_tensor_proto(np.array([b"a", "bc"], dtype=object))
    assert strings.SerializeToString().hex() == "080712041202080242016142026263"


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 3), (0, 4)], ids=str)
@pytest.mark.parametrize("enum", _NUMBERS)
def test_every_type_comes_back(enum, shape):
    array = (np.arange(np.prod(shape, dtype=int)) % 2).reshape(shape).astype(dtypes.numpy_type(enum))
    back = from_tensor_proto(protos.TensorProto.FromString(to_tensor_proto(array, enum).SerializeToString()))
    assert back.dtype == array.dtype
    assert back.shape == shape
    assert back.tobytes() == array.tobytes()
    assert back.flags.writeable


def test_strings_come_back_with_their_zero_bytes():
    array = np.array([[b"", b"\0a\0"], [b"x" * 300, "grü".encode()]], dtype=object)
    back = from_tensor_proto(to_tensor_proto(array))
    assert back.dtype == object
    assert back.tolist() == array.tolist()


def test_strings_are_read_from_content():
    proto = protos.TensorProto(dtype=dtypes.DT_STRING, tensor_content=b"\x01\x02abc")
    proto.tensor_shape.dim.add(size=2)
    assert from_tensor_proto(proto).tolist() == [b"a", b"bc"]
    proto.tensor_content = b"\x01\x03abc"
    with pytest.raises(CorruptDataError, match="2 strings"):
        from_tensor_proto(proto)


def _proto(enum, *shape, **fields):
    proto = protos.TensorProto(dtype=enum, **fields)
    for dimension in shape:
        proto.tensor_shape.dim.add(size=dimension)
    return proto


def test_the_last_value_is_repeated_and_none_are_zeros():
    assert from_tensor_proto(_proto(dtypes.DT_INT32, 2, 2, int_val=[5, -6])).tolist() == [[5, -6], [-6, -6]]
    assert from_tensor_proto(_proto(dtypes.DT_COMPLEX64, 2, scomplex_val=[1, 2])).tolist() == [1 + 2j, 1 + 2j]
    assert from_tensor_proto(_proto(dtypes.DT_STRING, 2, string_val=[b"a"])).tolist() == [b"a", b"a"]
    assert from_tensor_proto(_proto(dtypes.DT_FLOAT, 2)).tolist() == [0.0, 0.0]
    assert from_tensor_proto(_proto(dtypes.DT_STRING, 1)).tolist() == [b""]


@pytest.mark.parametrize(
    "proto",
    [
        _proto(dtypes.DT_FLOAT, 3, tensor_content=b"\0" * 8),
        _proto(dtypes.DT_FLOAT, -1),
        _proto(dtypes.DT_FLOAT, 1 << 40, float_val=[1]),
        _proto(dtypes.DT_FLOAT, 1 << 40, 1 << 40),
        _proto(dtypes.DT_STRING, 1 << 40),
        _proto(dtypes.DT_STRING, 1 << 40, tensor_content=b"\x01a"),
        _proto(dtypes.DT_FLOAT, 2, float_val=[1, 2, 3]),
        _proto(dtypes.DT_COMPLEX64, 1, scomplex_val=[1, 2, 3]),
        _proto(dtypes.DT_FLOAT, *[1] * 65),
        _proto(dtypes.DT_RESOURCE),
        _proto(0),
        protos.TensorProto(dtype=dtypes.DT_FLOAT, tensor_shape={"unknown_rank": True}),
    ],
    ids=["content", "negative", "huge", "overflow", "huge strings", "short strings", "excess", "half a complex number",
         "rank", "resource", "no type", "unknown rank"],
)  # fmt: skip
def test_messages_that_contradict_themselves_are_corrupt(proto):
    with pytest.raises(CorruptDataError):
        from_tensor_proto(proto)


@given(st.binary(max_size=40))
def test_no_bytes_crash_the_reader(data):
    try:
        proto = protos.TensorProto.FromString(data)
    except DecodeError:
        return
    if 0 < sum(dim.size for dim in proto.tensor_shape.dim) < 1 << 16:
        try:
            from_tensor_proto(proto)
        except CorruptDataError:
            pass


def test_too_many_elements_for_a_shape_and_too_many_bytes_are_refused():
    with pytest.raises(ValueError, match="shape \\(2,\\)"):
        to_tensor_proto(np.zeros(3), shape=[2])
    with pytest.raises(ValueError, match="2 GiB"):
        to_tensor_proto(np.broadcast_to(np.float32(0), (1 << 29,)))
