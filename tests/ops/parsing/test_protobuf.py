"""Fields of messages of any type; what is expected is what TensorFlow gives."""

from __future__ import annotations

import numpy as np
import pytest
from google.protobuf import descriptor_pb2

import penstock as tf
from penstock.ops.parsing.protobuf import decode_proto, encode_proto

COVERS = ("DecodeProtoV2", "EncodeProto")
FIELD = descriptor_pb2.FieldDescriptorProto


def _described() -> bytes:
    files = descriptor_pb2.FileDescriptorSet()
    file = files.file.add(name="test.proto", package="test", syntax="proto2")
    color = file.enum_type.add(name="Color")
    color.value.add(name="RED", number=0)
    color.value.add(name="BLUE", number=2)
    message = file.message_type.add(name="Message")
    kinds = ["INT32", "INT64", "UINT64", "UINT32", "SINT32", "FLOAT", "DOUBLE", "BOOL", "STRING", "BYTES"]
    for number, kind in enumerate(kinds):
        for label, prefix, offset in ((FIELD.LABEL_OPTIONAL, "one", 1), (FIELD.LABEL_REPEATED, "many", 21)):
            name = f"{prefix}_{kind.lower()}"
            message.field.add(name=name, number=number + offset, label=label, type=getattr(FIELD, f"TYPE_{kind}"))
    optional, repeated = FIELD.LABEL_OPTIONAL, FIELD.LABEL_REPEATED
    message.field.add(name="color", number=41, label=optional, type=FIELD.TYPE_ENUM, type_name=".test.Color")
    message.field.add(name="inner", number=42, label=repeated, type=FIELD.TYPE_MESSAGE, type_name=".test.Message")
    message.field.add(name="seven", number=43, label=optional, type=FIELD.TYPE_INT32, default_value="7")
    return b"bytes://" + files.SerializeToString()


SOURCE = _described()
# one_int32: 5, many_int32: [1, 2]; one_int32: 6, many_int32: [3]
MESSAGES = [b"\x08\x05\xa8\x01\x01\xa8\x01\x02", b"\x08\x06\xa8\x01\x03"]


def decode(messages, names, types, **more):
    return decode_proto(messages, "test.Message", names, types, **{"descriptor_source": SOURCE, **more})


def encode(sizes, values, names):
    return encode_proto(sizes, values, names, "test.Message", SOURCE)


def test_repeated_fields_are_filled_up_and_counted():
    sizes, values = decode(MESSAGES, ["many_int32", "one_int32"], [tf.int32, tf.int64])
    assert sizes.numpy().tolist() == [[2, 1], [1, 1]]
    assert values[0].numpy().tolist() == [[1, 2], [3, 0]]
    assert values[1].numpy().tolist() == [[5], [6]]
    assert values[1].dtype is tf.int64


def test_missing_fields_have_their_defaults():
    names = ["seven", "one_string", "one_bool", "one_uint64", "color", "many_string", "inner"]
    types = [tf.int32, tf.string, tf.bool, tf.uint64, tf.int32, tf.string, tf.string]
    sizes, values = decode(b"", names, types)
    assert sizes.numpy().tolist() == [0] * 7
    assert [value.numpy().tolist() for value in values] == [[7], [b""], [False], [0], [0], [], []]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("one_int32", np.array([[-5]], np.int32)),
        ("one_int64", np.array([[2**40]], np.int64)),
        ("one_uint64", np.array([[2**64 - 1]], np.uint64)),
        ("one_uint32", np.array([[2**32 - 1]], np.uint32)),
        ("many_sint32", np.array([[-9, 8]], np.int32)),
        ("many_float", np.array([[1.5, -2.0]], np.float32)),
        ("many_double", np.array([[1.25]], np.float64)),
        ("many_bool", np.array([[True, False]])),
        ("many_string", np.array([["a", "é"]], object)),
        ("many_bytes", np.array([[b"\xff", b""]], object)),
        ("color", np.array([[2]], np.int32)),
        ("inner", np.array([[MESSAGES[0], MESSAGES[1]]], object)),
    ],
)
def test_what_was_encoded_is_decoded(name, value):
    tensor = tf.constant(value)
    message = encode([[value.shape[1]]], [tensor], [name])
    sizes, values = decode(message, [name], [tensor.dtype])
    assert sizes.numpy().tolist() == [[value.shape[1]]]
    np.testing.assert_array_equal(values[0].numpy(), tensor.numpy())


def test_messages_have_tensorflows_bytes():
    values = [[[5], [6]], [[1, 2], [3, 4]]]
    assert encode([[1, 2], [1, 1]], values, ["one_int32", "many_int32"]).numpy().tolist() == MESSAGES
    assert encode([[2, 1]], [[[1, 2]], [[5]]], ["many_int32", "one_int32"]).numpy().tolist() == MESSAGES[:1]
    assert encode([[2]], [[[5, 6]]], ["one_int32"]).numpy().tolist() == [b"\x08\x05\x08\x06"]
    assert encode([[0]], [[[5]]], ["one_int32"]).numpy().tolist() == [b""]
    assert encode([[[1]], [[1]]], [[[[5]], [[6]]]], ["one_int32"]).numpy().tolist() == [[b"\x08\x05"], [b"\x08\x06"]]


def test_text_files_and_messages_that_are_known_here(tmp_path):
    path = tmp_path / "test.desc"
    path.write_bytes(SOURCE.removeprefix(b"bytes://"))
    _, values = decode(["one_int32: 4"], ["one_int32"], [tf.int32], message_format="text", descriptor_source=str(path))
    assert values[0].numpy().tolist() == [[4]]
    example = tf.train.Example().SerializeToString()
    sizes, _ = tf.io.decode_proto([example], "tensorflow.Example", ["features"], [tf.string])
    assert sizes.numpy().tolist() == [[0]]


def test_graphs_carry_the_description():
    with tf.Graph().as_default() as graph:
        messages = tf.compat.v1.placeholder(tf.string, [None])
        sizes, values = decode(messages, ["many_int32"], [tf.int32])
        assert (sizes.shape.as_list(), values[0].shape.as_list()) == ([None, 1], [None, None])
        definition = graph.as_graph_def()
        names = messages.name, values[0].name
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.import_graph_def(definition, name="")
        assert session.run(names[1], {names[0]: MESSAGES}).tolist() == [[1, 2], [3, 0]]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: decode(MESSAGES, ["none"], [tf.int32]), "InvalidArgument", "Unknown field: none"),
        (lambda: decode(MESSAGES, ["one_int32"], [tf.string]), "InvalidArgument", "Unexpected output type.*string"),
        (lambda: decode(MESSAGES, ["one_int32"], [tf.int32] * 2), "InvalidArgument", "same length"),
        (lambda: decode([b"\xff\xff"], ["one_int32"], [tf.int32]), "DataLoss", "Unable to parse binary"),
        (
            lambda: decode(["q: 4"], ["one_int32"], [tf.int32], message_format="text"),
            "DataLoss",
            "Unable to parse text",
        ),
        (lambda: decode(MESSAGES, ["one_int32"], [tf.int32], message_format="x"), "InvalidArgument", "binary or text"),
        (lambda: decode(MESSAGES, ["one_int32"], [tf.int32], descriptor_source="/no"), "InvalidArgument", "bytes://"),
        (lambda: decode(np.zeros(0, object), ["one_int32"], [tf.int32]), "InvalidArgument", "at least one"),
        (lambda: decode_proto(b"", "test.None", ["a"], [tf.int32], SOURCE), "InvalidArgument", "No descriptor found"),
        (lambda: encode([[3]], [[[5]]], ["one_int32"]), "InvalidArgument", "3 > 1 at message 0 field 0"),
        (lambda: encode([1], [[5]], ["one_int32"]), "InvalidArgument", "at least a matrix"),
        (lambda: encode([[1]], [[["a"]]], ["one_int32"]), "InvalidArgument", "Incompatible type.*string.*int32"),
        (lambda: encode([[1, 1]], [[[5]]], ["one_int32"]), "InvalidArgument", "sizes should be"),
        (lambda: encode([[1]], [[[b"\xff"]]], ["one_string"]), "InvalidArgument", "cannot hold"),
    ],
)
def test_what_does_not_fit_is_refused(call, error, message):
    with pytest.raises(getattr(tf.errors, f"{error}Error"), match=message):
        call()
