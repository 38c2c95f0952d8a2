"""TensorShape and Dimension, in both behaviours."""

from __future__ import annotations

import copy
import pickle
from types import SimpleNamespace

import numpy as np
import pytest

from penstock.core import shape as shapes
from penstock.core.shape import Dimension, TensorShape, as_dims, as_shape


@pytest.fixture
def v1_behavior():
    """TensorFlow 1's Dimension elements for the length of a test."""
    shapes.disable_v2_tensorshape()
    yield
    shapes.enable_v2_tensorshape()


@pytest.mark.parametrize(
    ("given", "dims"),
    [
        (None, None),
        ([], ()),
        (3, (3,)),
        (Dimension(3), (3,)),
        ((Dimension(3), Dimension(None)), (3, None)),
        ([None, np.int32(3)], (None, 3)),
        (np.array([1, 2]), (1, 2)),
        (np.int64(4), (4,)),
        (range(3), (0, 1, 2)),
        (iter([1, None]), (1, None)),
        (TensorShape([1, None]), (1, None)),
        ([2**70], (2**70,)),
        (SimpleNamespace(unknown_rank=True, dim=[]), None),
        (SimpleNamespace(unknown_rank=False, dim=[SimpleNamespace(size=-1), SimpleNamespace(size=2)]), (None, 2)),
    ],
    ids=lambda item: type(item).__name__,
)
def test_anything_that_describes_a_shape_converts(given, dims):
    assert as_dims(given) == dims


def test_sizes_become_plain_integers():
    assert type(as_dims([np.int64(3)])[0]) is int


@pytest.mark.parametrize("given", [[-1], [None, -2], -1, (Dimension(1), -3)], ids=repr)
def test_negative_sizes_are_value_errors(given):
    with pytest.raises(ValueError, match="must be >= 0"):
        TensorShape(given)


@pytest.mark.parametrize(
    "given", [[1.5], "ab", ["3"], 1.0, object(), [[1]], b"1"], ids=lambda item: type(item).__name__
)
def test_what_is_no_size_is_a_type_error(given):
    with pytest.raises(TypeError):
        TensorShape(given)


def test_as_shape_returns_a_shape_itself():
    shape = TensorShape([1])
    assert as_shape(shape) is shape
    assert as_shape([1]) == shape


def test_rank_dims_and_lists():
    known, unknown = TensorShape([1, None]), TensorShape(None)
    assert (known.rank, known.ndims, len(known), known.as_list(), known.as_tuple()) == (2, 2, 2, [1, None], (1, None))
    assert [dimension.value for dimension in known.dims] == [1, None]
    assert (unknown.rank, unknown.ndims, unknown.dims, unknown.as_tuple()) == (None, None, None, None)
    with pytest.raises(ValueError, match="as_list"):
        unknown.as_list()
    with pytest.raises(ValueError, match="unknown rank"):
        len(unknown)
    with pytest.raises(ValueError, match="unknown rank"):
        iter(unknown)


def test_num_elements_is_none_where_anything_is_unknown():
    assert TensorShape([2, 3]).num_elements() == 6
    assert TensorShape([]).num_elements() == 1
    assert TensorShape([2, None]).num_elements() is None
    assert TensorShape(None).num_elements() is None


def test_fully_defined():
    assert TensorShape([]).is_fully_defined()
    TensorShape([1]).assert_is_fully_defined()
    for shape in (TensorShape([None]), TensorShape(None)):
        assert not shape.is_fully_defined()
        with pytest.raises(ValueError, match="not fully defined"):
            shape.assert_is_fully_defined()


def test_compatibility():
    assert TensorShape([1, None]).is_compatible_with([None, 5])
    assert TensorShape(None).is_compatible_with([1])
    assert not TensorShape([1]).is_compatible_with([2])
    assert not TensorShape([1]).is_compatible_with([1, 1])
    with pytest.raises(ValueError, match=r"Shapes \(1,\) and \[2\] are incompatible"):
        TensorShape([1]).assert_is_compatible_with([2])


def test_subtypes_know_more():
    assert TensorShape([1, 2]).is_subtype_of(TensorShape([1, None]))
    assert TensorShape([1]).is_subtype_of(TensorShape(None))
    assert not TensorShape([1, None]).is_subtype_of(TensorShape([1, 2]))
    assert not TensorShape(None).is_subtype_of(TensorShape([1]))
    assert not TensorShape([1]).is_subtype_of(TensorShape([1, 1]))
    assert not TensorShape([1]).is_subtype_of([1])


def test_common_shapes():
    assert TensorShape([1, 2]).most_specific_compatible_shape([1, 3]).as_tuple() == (1, None)
    assert TensorShape([1, 2]).most_specific_compatible_shape([1]).as_tuple() is None
    assert TensorShape([1, 2]).most_specific_common_supertype([TensorShape([1, 3])]).as_tuple() == (1, None)
    assert TensorShape([1]).most_specific_common_supertype([3]) is None


def test_merge_keeps_what_either_knows():
    assert TensorShape([None, 3]).merge_with([4, None]).as_tuple() == (4, 3)
    assert TensorShape(None).merge_with([4]).as_tuple() == (4,)
    assert TensorShape([4]).merge_with(None).as_tuple() == (4,)
    for other in ([2], [1, 2]):
        with pytest.raises(ValueError, match="not compatible"):
            TensorShape([1]).merge_with(other)


def test_concatenation():
    assert (TensorShape([1]) + [2]).as_tuple() == (1, 2)
    assert ([1] + TensorShape([2])).as_tuple() == (1, 2)
    assert TensorShape([1]).concatenate(None).as_tuple() is None
    assert (TensorShape(None) + [1]).as_tuple() is None


def test_rank_requirements():
    shape, unknown = TensorShape([1, 2]), TensorShape(None)
    assert shape.with_rank(2) is shape
    assert unknown.with_rank(2).as_tuple() == (None, None)
    assert unknown.with_rank_at_least(3).as_tuple() is None
    assert shape.with_rank_at_least(2) is shape.with_rank_at_most(2) is shape
    unknown.assert_has_rank(3)
    unknown.assert_same_rank([1])
    for call, text in [
        (lambda: shape.with_rank(3), r"Shape \(1, 2\) must have rank 3"),
        (lambda: shape.assert_has_rank(1), "must have rank 1"),
        (lambda: shape.with_rank_at_least(3), "at least 3"),
        (lambda: shape.with_rank_at_most(1), "at most 1"),
        (lambda: shape.assert_same_rank([1]), "same rank"),
    ]:
        with pytest.raises(ValueError, match=text):
            call()


def test_indexing_and_slicing():
    shape, unknown = TensorShape([1, None, 3]), TensorShape(None)
    assert (shape[0], shape[1], shape[-1]) == (1, None, 3)
    assert shape[1:].as_tuple() == (None, 3)
    assert shape[::2].as_tuple() == (1, 3)
    with pytest.raises(IndexError):
        shape[5]
    assert unknown[7] is None
    assert unknown[1:].as_tuple() is unknown[:-1].as_tuple() is unknown[-2:].as_tuple() is None
    assert unknown[:3].as_tuple() == (None, None, None)
    assert unknown[1:3].as_tuple() == (None, None)
    assert unknown[3:1].as_tuple() == ()
    with pytest.raises(ValueError, match="Steps"):
        unknown[::2]


def test_equality_and_hash():
    assert TensorShape([1, None]) == [1, None]
    assert TensorShape([1, None]) == (1, None)
    assert TensorShape([1, None]) != (1, 2)
    assert TensorShape(None) == TensorShape(None)
    assert TensorShape(None) == None  # noqa: E711
    assert TensorShape([1]) != 5
    assert TensorShape([1]) != "a"
    assert hash(TensorShape([1, None])) == hash(TensorShape((1, None)))


def test_truth_is_whether_the_rank_is_known():
    assert TensorShape([])
    assert not TensorShape(None)


def test_printing():
    assert repr(TensorShape([None, 3])) == "TensorShape([None, 3])"
    assert repr(TensorShape(None)) == "TensorShape(None)"
    assert [str(TensorShape(dims)) for dims in ([None, 3], [1], [], None)] == ["(None, 3)", "(1,)", "()", "<unknown>"]


def test_pickle_and_copy():
    for shape in (TensorShape([1, None]), TensorShape(None)):
        assert pickle.loads(pickle.dumps(shape)) == copy.deepcopy(shape) == shape
    assert pickle.loads(pickle.dumps(Dimension(3))).value == 3


@pytest.mark.usefixtures("v1_behavior")
def test_in_version_1_elements_are_dimensions():
    shape = TensorShape([1, None])
    assert isinstance(shape[0], Dimension)
    assert shape[1].value is None
    assert [type(each) for each in shape] == [Dimension, Dimension]
    assert TensorShape(None)[0].value is None
    assert repr(shape) == "TensorShape([Dimension(1), Dimension(None)])"
    assert [str(TensorShape(dims)) for dims in ([1, None], [1])] == ["(1, ?)", "(1,)"]
    assert shape.as_list() == [1, None]
    assert tuple(TensorShape([1, 2])) == (1, 2)
    assert not shapes.v2_tensorshape_enabled()


def test_dimension_comparison_with_unknown_is_none():
    three, unknown = Dimension(3), Dimension(None)
    assert three == 3
    assert three != 4
    assert three < 4 and three <= 3 and three > 2 and three >= 3
    assert (three == unknown) is (three == None) is (three < unknown) is (unknown != unknown) is None  # noqa: E711
    assert (three == "a") is False
    assert (three == -1) is False
    with pytest.raises(TypeError):
        hash(three)


def test_dimension_arithmetic():
    seven = Dimension(7)
    results = [seven + 1, 1 + seven, seven - 2, 9 - seven, seven * 2, 2 * seven, seven // 2, 15 // seven]
    results += [seven % 4, 10 % seven]
    assert [result.value for result in results] == [8, 8, 5, 2, 14, 14, 3, 2, 3, 3]
    for unknown in (seven + None, seven * Dimension(None), 1 - Dimension(None), Dimension(None) // 2):
        assert unknown.value is None
    for call in (lambda: seven + 1.5, lambda: seven + "a", lambda: seven / 2, lambda: 2 / seven):
        with pytest.raises(TypeError):
            call()
    with pytest.raises(TypeError, match="//"):
        seven / 2
    with pytest.raises(ValueError, match=">= 0"):
        seven - 8
    with pytest.raises(ZeroDivisionError):
        seven // 0


def test_dimension_as_integer():
    assert int(Dimension(3)) == 3
    assert "abcd"[Dimension(2)] == "c"
    assert not Dimension(0)
    assert not Dimension(None)
    assert (str(Dimension(3)), str(Dimension(None)), repr(Dimension(None))) == ("3", "?", "Dimension(None)")
    with pytest.raises(TypeError, match="unknown"):
        int(Dimension(None))


def test_dimension_merge():
    assert Dimension(3).merge_with(None).value == Dimension(None).merge_with(3).value == 3
    assert Dimension(3).is_compatible_with(None)
    with pytest.raises(ValueError, match="Dimensions 3 and 4 are not compatible"):
        Dimension(3).merge_with(4)


def test_dimension_functions_of_compat():
    assert shapes.dimension_value(Dimension(3)) == shapes.dimension_value(3) == 3
    assert shapes.dimension_at_index(TensorShape([1, 2]), 1).value == 2
    assert shapes.dimension_at_index(TensorShape(None), 1).value is None
    assert shapes.as_dimension(4).value == 4
    assert shapes.unknown_shape(2).as_tuple() == (None, None)
    assert shapes.unknown_shape().as_tuple() is None
