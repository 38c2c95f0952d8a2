"""Features that are parsed to RaggedTensors."""

from __future__ import annotations

import pytest

import penstock.ops  # noqa: F401  declares the operations
from penstock.core import context, dtypes
from penstock.formats import protos
from penstock.ops.parsing.features import parse_example, parse_sequence_example, parse_single_example
from penstock.ops.parsing.ragged_features import RaggedFeature


def feature(values):
    if values and isinstance(values[0], bytes):
        return protos.Feature(bytes_list=protos.BytesList(value=values))
    return protos.Feature(int64_list=protos.Int64List(value=values))


def example(**values):
    features = protos.Features(feature={key: feature(items) for key, items in values.items()})
    return protos.Example(features=features).SerializeToString()


def sequence(**lists):
    message = protos.SequenceExample()
    for key, steps in lists.items():
        message.feature_lists.feature_list[key].feature.extend(feature(items) for items in steps)
    return message.SerializeToString()


SERIALIZED = [
    example(v=[1, 2, 3, 4], lengths=[3, 1], splits=[0, 1, 4], starts=[0, 1], limits=[1, 4], rows=[0, 0, 2, 2]),
    example(v=[5, 6], lengths=[2], splits=[0, 2], starts=[0], limits=[2], rows=[0, 1]),
    example(v=[]),
]


@pytest.fixture(autouse=True)
def eagerly():
    with context.eager_mode():
        yield


def parsed(*partitions, **options):
    feature = RaggedFeature(dtypes.int64, "v", partitions, **options)
    return parse_example(SERIALIZED[:2], {"r": feature})["r"].to_list()


def test_an_example_is_a_row():
    found = parse_example(SERIALIZED, {"v": RaggedFeature(dtypes.int64)})["v"]
    assert found.to_list() == [[1, 2, 3, 4], [5, 6], []]
    assert found.row_splits.dtype == dtypes.int32


@pytest.mark.parametrize(
    ("partition", "expected"),
    [
        (RaggedFeature.RowLengths("lengths"), [[[1, 2, 3], [4]], [[5, 6]]]),
        (RaggedFeature.RowSplits("splits"), [[[1], [2, 3, 4]], [[5, 6]]]),
        (RaggedFeature.RowStarts("starts"), [[[1], [2, 3, 4]], [[5, 6]]]),
        (RaggedFeature.RowLimits("limits"), [[[1], [2, 3, 4]], [[5, 6]]]),
        (RaggedFeature.ValueRowIds("rows"), [[[1, 2], [], [3, 4]], [[5], [6]]]),
        (RaggedFeature.UniformRowLength(2), [[[1, 2], [3, 4]], [[5, 6]]]),
    ],
)
def test_partitions_divide_the_values_of_each_example(partition, expected):
    assert parsed(partition) == parsed(partition, validate=True, row_splits_dtype=dtypes.int64) == expected


def test_partitions_nest_from_the_outermost_in():
    rows = (RaggedFeature.UniformRowLength(1), RaggedFeature.RowLengths("lengths"))
    assert parsed(*rows) == [[[[1, 2, 3]], [[4]]], [[[5, 6]]]]


def test_one_example_has_no_row_for_itself():
    found = parse_single_example(SERIALIZED[0], {"v": RaggedFeature(dtypes.int64)})["v"]
    assert found.numpy().tolist() == [1, 2, 3, 4]
    rows = RaggedFeature(dtypes.int64, "v", [RaggedFeature.RowLengths("lengths")])
    assert parse_single_example(SERIALIZED[0], {"r": rows})["r"].to_list() == [[1, 2, 3], [4]]


def test_an_empty_batch_has_no_rows():
    rows = RaggedFeature(dtypes.int64, "v", [RaggedFeature.RowStarts("starts")])
    assert parse_example([], {"r": rows})["r"].to_list() == []


def test_lists_of_features_have_rows_for_examples_and_steps():
    messages = [sequence(x=[[1, 2], [3]], p=[[1, 1], [1]]), sequence(x=[[9]], p=[[1]])]
    rows = RaggedFeature(dtypes.int64, "x", [RaggedFeature.RowLengths("p")])
    _, lists, _ = parse_sequence_example(messages, None, {"x": RaggedFeature(dtypes.int64), "r": rows})
    assert lists["x"].to_list() == [[[1, 2], [3]], [[9]]]
    assert lists["r"].to_list() == [[[[1], [2]], [[3]]], [[[9]]]]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"partitions": [3]}, TypeError),
        ({"partitions": 3}, TypeError),
        ({"validate": 1}, TypeError),
        ({"row_splits_dtype": dtypes.float32}, ValueError),
    ],
)
def test_malformed_features_are_refused(options, error):
    with pytest.raises(error):
        RaggedFeature(dtypes.int64, **options)


def test_two_features_may_not_read_one_column_as_two_types():
    with pytest.raises(ValueError, match="Conflicting type"):
        parse_example(SERIALIZED, {"v": RaggedFeature(dtypes.int64), "w": RaggedFeature(dtypes.string, "v")})
