"""Flattening, packing and mapping of nested structures."""

from __future__ import annotations

import collections
import dataclasses
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from penstock.core import nest

Point = collections.namedtuple("Point", "x y")


class Sample:
    """What the attrs package makes of a class with a private and a public field."""

    __attrs_attrs__ = (SimpleNamespace(name="_image"), SimpleNamespace(name="label"))

    def __init__(self, image, label):
        self._image = image
        self.label = label


@dataclasses.dataclass
class Masked:
    """A dataclass with the protocol of nested values."""

    mask: bool
    value: Any

    def __tf_flatten__(self):
        return (self.mask,), (self.value,)

    @classmethod
    def __tf_unflatten__(cls, metadata, components):
        return cls(*metadata, *components)


@dataclasses.dataclass
class Pair:
    """A composite value: a leaf unless composites are expanded."""

    name: str
    parts: list


nest.register_composite(Pair, lambda pair: pair.parts, lambda pair, parts: Pair(pair.name, parts))

STRUCTURES = [
    ([1, 2, 3], [1, 2, 3]),
    ([1, (2, [3])], [1, 2, 3]),
    ({"b": 3, "a": [1, (2,)]}, [1, 2, 3]),
    (collections.OrderedDict([("z", 2), ("y", 1)]), [1, 2]),
    (collections.defaultdict(list, {"z": 2, "y": 1}), [1, 2]),
    (collections.Counter({"z": 2, "y": 1}), [1, 2]),
    (collections.UserDict({"z": 2, "y": 1}), [1, 2]),
    (Point(1, {"b": 3, "a": 2}), [1, 2, 3]),
    (collections.deque([1, 2]), [1, 2]),
    (collections.UserList([1, [2]]), [1, 2]),
    (Masked(True, [1, 2]), [1, 2]),
    ([Masked(False, 1), 2], [1, 2]),
    ([], []),
    ([[], {}], []),
    (5, [5]),
    (None, [None]),
    ("abc", ["abc"]),
    ([b"ab", None, {1}], [b"ab", None, {1}]),
]
IDS = [repr(structure) for structure, _ in STRUCTURES]


@pytest.mark.parametrize(("structure", "leaves"), STRUCTURES, ids=IDS)
def test_flatten_lists_leaves_with_dicts_in_key_order(structure, leaves):
    assert nest.flatten(structure) == leaves


@pytest.mark.parametrize(("structure", "leaves"), STRUCTURES, ids=IDS)
def test_packing_the_leaves_restores_the_structure_and_its_types(structure, leaves):
    packed = nest.pack_sequence_as(structure, leaves)
    assert packed == structure
    assert type(packed) is type(structure)
    nest.assert_same_structure(packed, structure)


def test_packing_keeps_the_order_and_the_factory_of_dicts():
    ordered = nest.pack_sequence_as(collections.OrderedDict([("z", 0), ("y", 0)]), [1, 2])
    assert list(ordered.items()) == [("z", 2), ("y", 1)]
    assert list(nest.pack_sequence_as({"z": 0, "y": 0}, [1, 2])) == ["z", "y"]
    packed = nest.pack_sequence_as(collections.defaultdict(list, {"z": 0}), [1])
    assert packed["new"] == []


def test_packing_leaves_the_original_as_it_was():
    original = collections.OrderedDict(a=1)
    nest.pack_sequence_as(original, [2])
    assert original == {"a": 1}


def test_ranges_and_views_pack_to_lists():
    assert nest.flatten(range(2)) == [0, 1]
    assert nest.pack_sequence_as(range(2), [4, 5]) == [4, 5]
    assert nest.flatten({"a": 1}.values()) == [1]
    assert nest.pack_sequence_as({"a": 1}.values(), [4]) == [4]


def test_arrays_sets_strings_and_iterators_are_leaves():
    for leaf in (np.arange(3), {1, 2}, "ab", b"ab", iter([1]), 3, None):
        assert not nest.is_nested(leaf)
        assert nest.flatten(leaf)[0] is leaf
    for nested in ([], (), {}, Point(1, 2), range(2), {}.keys(), collections.deque(), Masked(True, 1)):
        assert nest.is_nested(nested)


def test_attrs_classes_are_nested():
    packed = nest.map_structure(lambda x: x + 1, Sample([1, 2], 3))
    assert nest.flatten(Sample([1, 2], 3)) == [1, 2, 3]
    assert type(packed) is Sample
    assert (packed._image, packed.label) == ([2, 3], 4)
    assert nest.flatten_with_joined_string_paths(packed)[-1] == ("label", 4)
    assert nest.is_attrs(packed) and nest.is_nested(packed) and not nest.is_attrs([])


def test_keys_that_cannot_be_sorted_are_a_type_error():
    with pytest.raises(TypeError, match="keys can be sorted"):
        nest.flatten({1: 2, "a": 3})


@pytest.mark.parametrize("items", [[4, 5], [4, 5, 6, 7], []], ids=repr)
def test_packing_the_wrong_number_of_items_is_a_value_error(items):
    with pytest.raises(ValueError, match=f"Structure had 3 atoms, but flat_sequence had {len(items)} items"):
        nest.pack_sequence_as([1, [2, 3]], items)
    with pytest.raises(ValueError, match="1 atoms"):
        nest.pack_sequence_as(1, items)


@pytest.mark.parametrize("items", [5, "ab", {"a": 1}], ids=repr)
def test_packing_what_is_no_sequence_is_a_type_error(items):
    with pytest.raises(TypeError, match="flat_sequence must be"):
        nest.pack_sequence_as([1], items)


def test_map_structure():
    assert nest.map_structure(lambda x: x * 2, {"a": [1, (2,)]}) == {"a": [2, (4,)]}
    assert nest.map_structure(lambda x, y: x + y, [1, (2,)], [3, (4,)]) == [4, (6,)]
    assert nest.map_structure(lambda x, y: x + y, [1, (2,)], [3, [4]], check_types=False) == [4, (6,)]
    assert nest.map_structure(str, 3) == "3"


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: nest.map_structure(3, [1]), TypeError, "func must be callable, got: 3"),
        (lambda: nest.map_structure(str), ValueError, "at least one structure"),
        (lambda: nest.map_structure(str, [1], foo=1), ValueError, "not: `foo`"),
        (lambda: nest.map_structure(max, [1], (1,)), TypeError, "same sequence type"),
        (lambda: nest.map_structure(max, [1], [1, 2]), ValueError, "number of elements"),
    ],
)
def test_map_structure_errors(call, error, text):
    with pytest.raises(error, match=text):
        call()


@pytest.mark.parametrize(
    ("a", "b", "error", "text"),
    [
        ([1, 2], [1, [2]], ValueError, 'Substructure "type=list str=\\[2\\]" is a sequence'),
        (1, [1], ValueError, "is a sequence"),
        ([1, 2], [1], ValueError, "number of elements"),
        ({"a": 1}, {"b": 1}, ValueError, "same set of keys"),
        ({"a": 1}, {"a": 1, "b": 2}, ValueError, "same set of keys"),
        ([1], (1,), TypeError, "has type list, while second structure"),
        (Point(1, 2), (1, 2), TypeError, "has type Point"),
        (Point(1, 2), collections.namedtuple("Other", "x y")(1, 2), TypeError, "has type Other"),
    ],
    ids=repr,
)
def test_different_structures_are_told_apart(a, b, error, text):
    with pytest.raises(error, match=text):
        nest.assert_same_structure(a, b)


def test_the_message_outlines_both_structures():
    with pytest.raises(ValueError) as raised:
        nest.assert_same_structure({"a": [1, 2]}, {"a": [1, (2,)]})
    assert "Entire first structure:\n{'a': [., .]}\nEntire second structure:\n{'a': [., (.,)]}" in str(raised.value)


def test_structures_that_count_as_the_same():
    nest.assert_same_structure("a", 3)
    nest.assert_same_structure({"a": 1}, collections.OrderedDict(a=1))
    nest.assert_same_structure(Point(1, 2), collections.namedtuple("Point", "x y")(3, 4))
    nest.assert_same_structure(Point(1, 2), (1, 2), check_types=False)
    nest.assert_same_structure({"a": 1}, {"b": 1}, check_types=False)


def test_flatten_up_to():
    assert nest.flatten_up_to([1, [2]], [[5], [[6]]]) == [[5], [6]]
    assert nest.flatten_up_to(1, [5]) == [[5]]
    assert nest.flatten_up_to([1, 1], (5, 6), check_types=False) == [5, 6]
    assert nest.flatten_up_to({"b": 0, "a": 0}, {"a": [1], "b": 2}) == [[1], 2]


@pytest.mark.parametrize(
    ("shallow", "structure", "error", "text"),
    [
        ([1, 1], [5], ValueError, "has length 1, while shallow structure has length 2"),
        ([1, 1], (5, 6), TypeError, "same sequence type"),
        ([1, 1], 3, TypeError, "input must also be a sequence"),
        ([1, [2]], [1, 2], TypeError, "input must also be a sequence"),
        ({"a": 1}, {"b": 2}, ValueError, "not in the input_tree: \\['a'\\]"),
        ({"a": 1}, {"a": 1, "b": 2}, ValueError, "length 2"),
    ],
    ids=repr,
)
def test_assert_shallow_structure_errors(shallow, structure, error, text):
    with pytest.raises(error, match=text):
        nest.assert_shallow_structure(shallow, structure)


def test_mapping_up_to():
    assert nest.map_structure_up_to([0, [0]], lambda x, y: (x, y), [[1], [2]], [3, [4]]) == [([1], 3), [(2, 4)]]
    mapped = nest.map_structure_with_tuple_paths_up_to([0, 0], lambda path, x: (path, x), [[1], 2])
    assert mapped == [((0,), [1]), ((1,), 2)]
    with pytest.raises(ValueError, match="at least one"):
        nest.map_structure_up_to([0], str)


def test_paths():
    structure = {"a": [1, 2], "b": Point(3, 4)}
    paths = [("a", 0), ("a", 1), ("b", "x"), ("b", "y")]
    assert nest.flatten_with_tuple_paths(structure) == list(zip(paths, [1, 2, 3, 4]))
    assert list(nest.yield_flat_paths(structure)) == paths
    strings = ["a/0", "a/1", "b/x", "b/y"]
    assert nest.flatten_with_joined_string_paths(structure) == list(zip(strings, [1, 2, 3, 4]))
    assert nest.flatten_with_joined_string_paths(5) == [("", 5)]
    assert nest.map_structure_with_paths(lambda path, x: path, structure) == {
        "a": strings[:2],
        "b": Point(*strings[2:]),
    }
    mapped = nest.map_structure_with_tuple_paths(lambda path, x, y: (path, x + y), [1, 2], [3, 4])
    assert mapped == [((0,), 4), ((1,), 6)]
    with pytest.raises(ValueError, match="at least one"):
        nest.map_structure_with_paths(str)


def test_composites_are_leaves_until_expanded():
    class Sub(Pair):
        """Subclasses of a composite class are composites."""

    pair = Pair("p", [1, (2,)])
    assert not nest.is_nested(pair)
    assert nest.is_nested_or_composite(pair)
    assert nest.flatten([pair, 3]) == [pair, 3]
    assert nest.flatten([pair, 3], expand_composites=True) == [1, 2, 3]
    assert nest.flatten(Sub("s", [7]), expand_composites=True) == [7]
    assert nest.pack_sequence_as([pair, 0], [4, 5, 6], expand_composites=True) == [Pair("p", [4, (5,)]), 6]
    assert nest.map_structure(lambda x: -x, pair, expand_composites=True) == Pair("p", [-1, (-2,)])
    assert nest.flatten_with_joined_string_paths({"a": pair}, expand_composites=True)[1] == ("a/Pair/1/0", 2)
    nest.assert_same_structure(pair, Pair("q", [3, (4,)]), expand_composites=True)
    nest.assert_same_structure(pair, Pair("q", [3]))
    with pytest.raises(ValueError, match="number of elements"):
        nest.assert_same_structure(pair, Pair("q", [3]), expand_composites=True)


def test_get_traverse_shallow_structure():
    structure = [1, (2, 3), [4]]
    assert nest.get_traverse_shallow_structure(lambda s: not isinstance(s, tuple), structure) == [True, False, [True]]
    per_part = nest.get_traverse_shallow_structure(lambda s: [True, False] if isinstance(s, list) else True, [1, (2,)])
    assert per_part == [True, False]
    assert nest.get_traverse_shallow_structure(lambda s: False, structure) is False
    with pytest.raises(TypeError, match="traverse_fn must return"):
        nest.get_traverse_shallow_structure(lambda s: 3, structure)
    with pytest.raises(TypeError, match="booleans for the parts"):
        nest.get_traverse_shallow_structure(lambda s: [1, 2, 3], structure)


def test_flatten_dict_items():
    assert nest.flatten_dict_items({(4, 5, (6, 8)): ("a", "b", ("c", "d"))}) == {4: "a", 5: "b", 6: "c", 8: "d"}
    with pytest.raises(ValueError, match="Key had 2 elements, but value had 1"):
        nest.flatten_dict_items({("a", "b"): 1})
    with pytest.raises(ValueError, match="not unique: a"):
        nest.flatten_dict_items({"a": 1, ("b", "a"): (1, 2)})
    with pytest.raises(TypeError, match="must be a mapping"):
        nest.flatten_dict_items(3)


def test_list_to_tuple():
    assert nest.list_to_tuple([1, [2], (3, [4]), {"a": [5]}]) == (1, (2,), (3, (4,)), {"a": (5,)})


def test_namedtuple_predicates():
    class Labelled(Point):
        """A subclass of a namedtuple class."""

    assert nest.is_namedtuple(Point(1, 2), strict=True)
    assert nest.is_namedtuple(Labelled(1, 2))
    assert not nest.is_namedtuple(Labelled(1, 2), strict=True)
    assert not nest.is_namedtuple((1, 2))
    assert nest.is_mapping({}) and not nest.is_mapping([])
