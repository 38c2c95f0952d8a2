"""Parsing of Example and SequenceExample messages."""

from __future__ import annotations

import numpy as np
import pytest

import penstock.ops  # noqa: F401  declares the operations
from penstock.core import context, dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
from penstock.core.op_def import lookup
from penstock.core.sparse_tensor import SparseTensor
from penstock.formats import protos
from penstock.ops.parsing import features as f
from penstock.ops.parsing.json import decode_json_example_op
from penstock.ops.string.encoding import decode_raw
from penstock.runtime.session import Session

COVERS = (
    "DecodeJSONExample",
    "ParseExample",
    "ParseExampleV2",
    "ParseSequenceExample",
    "ParseSequenceExampleV2",
    "ParseSingleExample",
    "ParseSingleSequenceExample",
)


def feature(values):
    if not values:
        return protos.Feature()
    if isinstance(values[0], bytes):
        return protos.Feature(bytes_list=protos.BytesList(value=values))
    if isinstance(values[0], float):
        return protos.Feature(float_list=protos.FloatList(value=values))
    return protos.Feature(int64_list=protos.Int64List(value=values))


def example(**values):
    features = protos.Features(feature={key: feature(items) for key, items in values.items()})
    return protos.Example(features=features).SerializeToString()


def sequence(context_values, **lists):
    message = protos.SequenceExample()
    for key, items in context_values.items():
        message.context.feature[key].CopyFrom(feature(items))
    for key, steps in lists.items():
        message.feature_lists.feature_list[key].feature.extend(feature(items) for items in steps)
    return message.SerializeToString()


FIRST = example(a=[1.0, 2.0], i=[1, 2, 3], ix=[0, 3], iv=[1.5, 2.5], e=[])
SECOND = example(a=[3.0, 4.0], i=[4], ix=[2], iv=[7.5])
LONG = sequence({"n": [2], "m": [b"q"]}, t=[[1], [2], [3]], v=[[1.0], [2.0, 3.0]])
SHORT = sequence({"n": [5]}, t=[[7]], v=[[1.0, 5.0, 6.0]])


def shown(value):
    if isinstance(value, SparseTensor):
        return tuple(part.numpy().tolist() for part in (value.indices, value.values, value.dense_shape))
    return value.numpy().tolist()


@pytest.fixture(autouse=True)
def eagerly():
    with context.eager_mode():
        yield


def parsed(serialized, **features):
    return {key: shown(value) for key, value in f.parse_example(serialized, features).items()}


def test_dense_sparse_and_padded_features_are_parsed():
    found = parsed(
        [FIRST, SECOND],
        a=f.FixedLenFeature([2], dtypes.float32),
        z=f.FixedLenFeature([1], dtypes.string, default_value=["none"]),
        i=f.VarLenFeature(dtypes.int64),
        e=f.VarLenFeature(dtypes.float32),
    )
    assert found == {
        "a": [[1, 2], [3, 4]],
        "z": [[b"none"], [b"none"]],
        "i": ([[0, 0], [0, 1], [0, 2], [1, 0]], [1, 2, 3, 4], [2, 3]),
        "e": ([], [], [2, 0]),
    }
    padded = parsed([FIRST, SECOND], i=f.FixedLenSequenceFeature([], dtypes.int64, True, default_value=9))
    assert padded == {"i": [[1, 2, 3], [4, 9, 9]]}


def test_single_examples_have_no_batch_axis():
    found = f.parse_single_example(
        FIRST, {"a": f.FixedLenFeature([2], dtypes.float32), "i": f.VarLenFeature(dtypes.int64)}
    )
    assert {key: shown(value) for key, value in found.items()} == {"a": [1, 2], "i": ([[0], [1], [2]], [1, 2, 3], [3])}


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"zz": f.FixedLenFeature([], dtypes.float32)}, r"zz \(data type: float\) is required"),
        ({"a": f.FixedLenFeature([3], dtypes.float32)}, "Number of float values != expected"),
        ({"a": f.FixedLenFeature([2], dtypes.int64)}, "Data types don't match"),
        ({"a": f.FixedLenFeature([2], dtypes.int32)}, "float32, int64, string"),
    ],
)
def test_examples_that_do_not_fit_are_refused(wanted, message):
    with pytest.raises(InvalidArgumentError, match=message):
        f.parse_example([FIRST], wanted)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({}, "features"),
        ({"a": f.FixedLenFeature([None], dtypes.float32)}, "Consider using FixedLenSequenceFeature"),
        ({"a": f.FixedLenFeature(None, dtypes.float32)}, "Missing shape"),
        ({"a": f.FixedLenSequenceFeature([], dtypes.float32)}, "allow_missing"),
    ],
)
def test_features_described_badly_are_refused(wanted, message):
    with pytest.raises(ValueError, match=message):
        f.parse_example([FIRST], wanted)


def test_bytes_that_are_no_example_are_refused():
    with pytest.raises(InvalidArgumentError, match="Could not parse example input"):
        f.parse_example([b"asdf"], {"a": f.VarLenFeature(dtypes.float32)})


CONTEXT = {"n": f.FixedLenFeature([], dtypes.int64), "m": f.VarLenFeature(dtypes.string)}
LISTS = {
    "t": f.FixedLenSequenceFeature([1], dtypes.int64),
    "v": f.VarLenFeature(dtypes.float32),
    "w": f.FixedLenSequenceFeature([2], dtypes.float32, allow_missing=True),
}


def test_batches_of_sequences_are_padded():
    in_context, in_lists, lengths = f.parse_sequence_example([LONG, SHORT], CONTEXT, LISTS)
    assert shown(in_context["n"]) == [2, 5]
    assert shown(in_context["m"]) == ([[0, 0]], [b"q"], [2, 1])
    assert shown(in_lists["t"]) == [[[1], [2], [3]], [[7], [0], [0]]]
    assert shown(in_lists["v"])[1:] == ([1, 2, 3, 1, 5, 6], [2, 2, 3])
    assert in_lists["w"].shape.as_list() == [2, 0, 2]
    assert {key: shown(value) for key, value in lengths.items()} == {"t": [3, 1], "w": [0, 0]}


def test_single_sequences_have_no_batch_axis():
    in_context, in_lists = f.parse_single_sequence_example(LONG, CONTEXT, LISTS)
    assert shown(in_context["n"]) == 2
    assert shown(in_lists["t"]) == [[1], [2], [3]]
    assert shown(in_lists["v"]) == ([[0, 0], [1, 0], [1, 1]], [1, 2, 3], [2, 2])


def test_missing_lists_are_refused():
    with pytest.raises(InvalidArgumentError, match="'w' is required"):
        f.parse_single_sequence_example(LONG, {}, {"w": f.FixedLenSequenceFeature([2], dtypes.float32)})


def test_older_operations_parse_the_same():
    with Graph().as_default() as graph, Session(graph=graph) as session:
        old = lookup("ParseExample")(
            np.array([FIRST, SECOND], object), np.empty(0, object), ["i"], ["a"], [np.empty(0, np.float32)],
            sparse_types=[dtypes.int64], dense_shapes=[[2]], Nsparse=1, Ndense=1,
        )  # fmt: skip
        single = lookup("ParseSingleExample")(
            FIRST, [np.empty(0, np.float32)],
            num_sparse=1, sparse_keys=["i"], dense_keys=["a"], sparse_types=[dtypes.int64], dense_shapes=[[2]],
        )  # fmt: skip
        assert session.run(old.dense_values[0]).tolist() == [[1, 2], [3, 4]]
        assert session.run(single.sparse_values[0]).tolist() == [1, 2, 3]


def test_json_becomes_bytes():
    text = b'{"features": {"feature": {"a": {"floatList": {"value": [1.5]}}}}}'
    found = decode_json_example_op(np.array([text], object)).numpy()[0]
    assert protos.Example.FromString(found).features.feature["a"].float_list.value[:] == [1.5]
    with pytest.raises(InvalidArgumentError, match="JSON"):
        decode_json_example_op(np.array([b"{"], object))


def test_single_strings_feed_operations_in_the_same_program():
    wanted = {"s": f.FixedLenFeature([], dtypes.string)}
    with Graph().as_default(), Session() as session:
        one = f.parse_single_example(example(s=[b"ab"]), wanted)
        context_values, steps = f.parse_single_sequence_example(
            sequence({"s": [b"cd"]}, t=[[b"e"]]), wanted, {"t": f.FixedLenSequenceFeature([], dtypes.string)}
        )
        read = [decode_raw(text, dtypes.uint8) for text in (one["s"], context_values["s"], steps["t"][0])]
        assert [part.tolist() for part in session.run(read)] == [[97, 98], [99, 100], [101]]
