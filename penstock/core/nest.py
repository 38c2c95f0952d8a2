"""Nested structures: lists, tuples, dicts, namedtuples, attrs classes and dataclasses of values, flattened and packed.

A structure is flattened depth first; dicts in the order of their sorted keys. Packing gives back the original types,
and dicts in their original order. Composite values (sparse tensors and the like) count as leaves unless a call asks to
`expand_composites`; their classes announce themselves with `register_composite`.
"""

from __future__ import annotations

import collections.abc
import copy
import enum
import functools
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

Path = tuple[Any, ...]


class _Kind(enum.IntEnum):
    """What a type is to this module."""

    LEAF = 0
    SEQUENCE = 1
    MAPPING = 2
    NAMEDTUPLE = 3
    ATTRS = 4
    DATACLASS = 5
    VIEW = 6
    COMPOSITE = 7


# Looking a member up in its enumeration costs as much as the rest of a step of `flatten`.
_LEAF, _SEQUENCE, _MAPPING, _NAMEDTUPLE, _ATTRS, _DATACLASS, _VIEW, _COMPOSITE = _Kind
_composites: dict[type, tuple[Callable[[Any], Any], Callable[[Any, Any], Any]] | None] = {}


def register_composite(cls: type, flatten_fn: Callable[[Any], Any], pack_fn: Callable[[Any, Any], Any]) -> None:
    """Make values of a class expandable into components; subclasses follow. A second call overrides the first.

    Args:
        cls: the class of the composite values.
        flatten_fn: from a value to the structure of its components, such as a tuple of tensors.
        pack_fn: from a value and a structure of new components to a new value of the same kind.
    """
    _composites[cls] = (flatten_fn, pack_fn)
    _composite_functions.cache_clear()


def register_leaf(cls: type) -> None:
    """Keep values of a class whole although a class that it derives from is expandable."""
    _composites[cls] = None
    _composite_functions.cache_clear()


@functools.lru_cache(maxsize=4096)
def _composite_functions(cls: type) -> tuple[Callable[[Any], Any], Callable[[Any, Any], Any]] | None:
    return next((_composites[base] for base in cls.__mro__ if base in _composites), None)


def _is_namedtuple_type(cls: type) -> bool:
    fields = getattr(cls, "_fields", None)
    return issubclass(cls, tuple) and isinstance(fields, tuple) and all(isinstance(field, str) for field in fields)


def _classify(cls: type) -> _Kind:
    if issubclass(cls, (str, bytes)):
        return _LEAF
    if _is_namedtuple_type(cls):
        return _NAMEDTUPLE
    if issubclass(cls, collections.abc.Mapping):
        return _MAPPING
    if issubclass(cls, collections.abc.MappingView):
        return _VIEW
    if issubclass(cls, collections.abc.Sequence):
        return _SEQUENCE
    if hasattr(cls, "__attrs_attrs__"):
        return _ATTRS
    if hasattr(cls, "__dataclass_fields__") and hasattr(cls, "__tf_flatten__") and hasattr(cls, "__tf_unflatten__"):
        return _DATACLASS
    return _LEAF


_kind_of_type: Callable[[type], _Kind] = functools.lru_cache(maxsize=4096)(_classify)


def _kind(structure: Any, expand_composites: bool) -> _Kind:
    cls = type(structure)
    if expand_composites and _composite_functions(cls) is not None:  # type: ignore[arg-type]
        return _COMPOSITE
    return _kind_of_type(cls)


def is_nested(seq: Any) -> bool:
    """Whether the argument has parts that `flatten` would walk into; strings, sets, arrays and tensors have not."""
    return _kind_of_type(type(seq)) is not _LEAF


is_sequence = is_nested


def is_nested_or_composite(structure: Any) -> bool:
    """Whether the argument is nested, or a composite value."""
    return _kind(structure, True) is not _LEAF


is_sequence_or_composite = is_nested_or_composite


def is_mapping(structure: Any) -> bool:
    """Whether the argument is a dict or another mapping."""
    return isinstance(structure, collections.abc.Mapping)


def is_attrs(structure: Any) -> bool:
    """Whether the argument is an instance of an attrs class."""
    return hasattr(type(structure), "__attrs_attrs__")


def is_namedtuple(instance: Any, strict: bool = False) -> bool:
    """Whether the argument is a namedtuple.

    Args:
        instance: anything.
        strict: whether instances of subclasses of namedtuple classes are refused.
    """
    cls = type(instance)
    return _is_namedtuple_type(cls) and (not strict or cls.__base__ is tuple)


def same_namedtuples(nest1: Any, nest2: Any) -> bool:
    """Whether two namedtuples have classes of the same name and fields."""
    return type(nest1).__name__ == type(nest2).__name__ and type(nest1)._fields == type(nest2)._fields


def _sorted_keys(mapping: Any) -> list[Any]:
    try:
        return sorted(mapping)
    except TypeError as error:
        raise TypeError(
            f"nest needs dicts whose keys can be sorted, got the keys {list(mapping)}: {error}. "
            "Use keys of one type, such as strings."
        ) from None


def _attribute_names(structure: Any) -> list[str]:
    return [attribute.name for attribute in type(structure).__attrs_attrs__]


def _children(structure: Any, kind: _Kind) -> Any:
    """The parts of a nested structure one level down, in the order of flattening."""
    if kind is _SEQUENCE or kind is _NAMEDTUPLE:
        return structure
    if kind is _MAPPING:
        return [structure[key] for key in _sorted_keys(structure)]
    if kind is _VIEW:
        return list(structure)
    if kind is _ATTRS:
        return [getattr(structure, name) for name in _attribute_names(structure)]
    if kind is _DATACLASS:
        return structure.__tf_flatten__()[1]
    return [_composite_functions(type(structure))[0](structure)]  # type: ignore[index, arg-type]


def _keys(structure: Any, kind: _Kind) -> Any:
    """What `_children` is indexed by, for paths: keys, field names, positions, or the class of a composite."""
    if kind is _MAPPING:
        return _sorted_keys(structure)
    if kind is _NAMEDTUPLE:
        return type(structure)._fields
    if kind is _ATTRS:
        return _attribute_names(structure)
    if kind is _COMPOSITE:
        return [type(structure).__name__]
    return range(len(_children(structure, kind)))


def _rebuild(structure: Any, kind: _Kind, children: list[Any]) -> Any:
    """A structure like this one, with other parts one level down."""
    cls = type(structure)
    if cls is list:
        return children
    if cls is tuple:
        return tuple(children)
    if kind is _NAMEDTUPLE:
        return cls(*children)
    if kind is _MAPPING:
        return _rebuild_mapping(structure, dict(zip(_sorted_keys(structure), children, strict=True)))
    if kind is _VIEW or cls is range:
        return children
    if kind is _ATTRS:
        # An attrs class takes a private field `_x` as the argument `x`.
        names = [name.lstrip("_") for name in _attribute_names(structure)]
        return cls(**dict(zip(names, children, strict=True)))
    if kind is _DATACLASS:
        return cls.__tf_unflatten__(structure.__tf_flatten__()[0], tuple(children))
    if kind is _COMPOSITE:
        return _composite_functions(cls)[1](structure, children[0])  # type: ignore[index, arg-type]
    return cls(children)


def _rebuild_mapping(structure: Any, new: dict[Any, Any]) -> Any:
    cls = type(structure)
    if cls is dict:
        return {key: new[key] for key in structure}
    if isinstance(structure, collections.abc.MutableMapping):
        # A copy keeps what the class holds besides its items: the default_factory of a defaultdict, an order.
        packed = copy.copy(structure)
        for key in structure:
            packed[key] = new[key]
        return packed
    return cls({key: new[key] for key in structure})


def flatten(structure: Any, expand_composites: bool = False) -> list[Any]:
    """List the leaves of a structure, depth first.

    Args:
        structure: a nested structure, or a leaf, which gives a list of one.
        expand_composites: whether composite values give their components.
    Returns:
        A new list.
    Raises:
        TypeError: if the keys of a dict cannot be sorted.

    >>> flatten({"b": 1, "a": [2, (3,)]})
    [2, 3, 1]
    """
    if not expand_composites and _kind_of_type(type(structure)) is _LEAF:
        return [structure]
    leaves: list[Any] = []
    _flatten_into(structure, expand_composites, leaves)
    return leaves


def _flatten_into(structure: Any, expand_composites: bool, leaves: list[Any]) -> None:
    kind = _kind(structure, expand_composites)
    if kind is _LEAF:
        leaves.append(structure)
        return
    for child in _children(structure, kind):
        if not expand_composites and _kind_of_type(type(child)) is _LEAF:
            leaves.append(child)
        else:
            _flatten_into(child, expand_composites, leaves)


def pack_sequence_as(structure: Any, flat_sequence: Any, expand_composites: bool = False) -> Any:
    """Put the items of a flat sequence in the places of the leaves of a structure.

    Args:
        structure: a nested structure, or a leaf, for which the sequence must have one item.
        flat_sequence: as many items as `flatten(structure)`.
        expand_composites: whether composite values take new components.
    Returns:
        A structure of the same types.
    Raises:
        TypeError: if `flat_sequence` is not a sequence.
        ValueError: if it has not one item per leaf.

    >>> pack_sequence_as({"b": 0, "a": [0, (0,)]}, [1, 2, 3])
    {'b': 3, 'a': [1, (2,)]}
    """
    if not is_nested(flat_sequence) or is_mapping(flat_sequence):
        raise TypeError(
            f"Cannot pack {flat_sequence!r} of type {type(flat_sequence).__name__}: flat_sequence must be a list or "
            "another sequence with one item per leaf of the structure."
        )
    items = list(flat_sequence)
    remaining = iter(items)
    try:
        packed = _pack(structure, remaining, expand_composites)
    except _TooFewItems:
        _raise_wrong_count(structure, items, expand_composites)
    if next(remaining, _END) is not _END:
        _raise_wrong_count(structure, items, expand_composites)
    return packed


_END = object()


class _TooFewItems(Exception):
    """The flat sequence ended before the structure was full."""


def _raise_wrong_count(structure: Any, items: list[Any], expand_composites: bool) -> NoReturn:
    expected = len(flatten(structure, expand_composites))
    raise ValueError(
        f"Could not pack sequence. Structure had {expected} atoms, but flat_sequence had {len(items)} items. "
        f"Structure: {structure}, flat_sequence: {items}."
    )


def _pack(structure: Any, remaining: Iterator[Any], expand_composites: bool) -> Any:
    kind = _kind(structure, expand_composites)
    if kind is _LEAF:
        item = next(remaining, _END)
        if item is _END:
            raise _TooFewItems
        return item
    return _rebuild(structure, kind, [_pack(c, remaining, expand_composites) for c in _children(structure, kind)])


def _options(kwargs: dict[str, Any]) -> tuple[bool, bool]:
    """Take `check_types` and `expand_composites` out of the keyword arguments of a mapping function."""
    check_types = kwargs.pop("check_types", True)
    expand_composites = kwargs.pop("expand_composites", False)
    if kwargs:
        names = "`, `".join(kwargs)
        raise ValueError(f"Only valid keyword arguments are `check_types` and `expand_composites`, not: `{names}`")
    return check_types, expand_composites


def map_structure(func: Callable[..., Any], *structure: Any, **kwargs: Any) -> Any:
    """Apply a function to the leaves of one structure, or to the corresponding leaves of several.

    Args:
        func: takes one leaf of each structure.
        *structure: one or more structures of the same nesting.
        **kwargs: `check_types` (default True): whether the types of the structures must agree too;
            `expand_composites` (default False): whether composite values are expanded.
    Returns:
        The results, in a structure like the first.
    Raises:
        TypeError: if `func` cannot be called, or types differ.
        ValueError: if there is no structure, or nestings differ.

    >>> map_structure(lambda x, y: x + y, [1, (2,)], [3, (4,)])
    [4, (6,)]
    """
    if not callable(func):
        raise TypeError(f"func must be callable, got: {func!r}")
    if not structure:
        raise ValueError("Must provide at least one structure")
    check_types, expand_composites = _options(kwargs)
    first = structure[0]
    if len(structure) == 1:
        return _map(func, first, expand_composites)
    for other in structure[1:]:
        assert_same_structure(first, other, check_types, expand_composites)
    flat = [flatten(each, expand_composites) for each in structure]
    return pack_sequence_as(first, [func(*leaves) for leaves in zip(*flat, strict=True)], expand_composites)


def _map(func: Callable[[Any], Any], structure: Any, expand_composites: bool) -> Any:
    kind = _kind(structure, expand_composites)
    if kind is _LEAF:
        return func(structure)
    return _rebuild(structure, kind, [_map(func, child, expand_composites) for child in _children(structure, kind)])


def assert_same_structure(nest1: Any, nest2: Any, check_types: bool = True, expand_composites: bool = False) -> None:
    """Check that two structures are nested in the same way.

    Args:
        nest1: a structure.
        nest2: another structure.
        check_types: whether the types must agree too. All mappings count as one type, and so do namedtuples of the
            same name and fields.
        expand_composites: whether composite values are walked into.
    Raises:
        ValueError: if they differ in nesting, in numbers of elements or in keys.
        TypeError: if they differ in type.
    """
    try:
        _compare(nest1, nest2, check_types, expand_composites)
    except (ValueError, TypeError) as error:
        raise type(error)(
            "The two structures don't have the same nested structure.\n\n"
            f"First structure: {_describe(nest1)}\n\nSecond structure: {_describe(nest2)}\n\n"
            f"More specifically: {error}\n"
            f"Entire first structure:\n{_outline(nest1, expand_composites)}\n"
            f"Entire second structure:\n{_outline(nest2, expand_composites)}"
        ) from None


def _describe(structure: Any) -> str:
    return f"type={type(structure).__name__} str={structure}"


def _outline(structure: Any, expand_composites: bool) -> Any:
    """The nesting of a structure with a dot for each leaf."""
    return str(_map(lambda leaf: _DOT, structure, expand_composites))


class _Dot:
    """Prints as a dot."""

    def __repr__(self) -> str:
        return "."


_DOT = _Dot()


def _compare(a: Any, b: Any, check_types: bool, expand_composites: bool) -> None:
    kind_a, kind_b = _kind(a, expand_composites), _kind(b, expand_composites)
    if kind_a is _LEAF and kind_b is _LEAF:
        return
    if kind_a is _LEAF or kind_b is _LEAF:
        nested, leaf = (a, b) if kind_b is _LEAF else (b, a)
        raise ValueError(
            f'Substructure "{_describe(nested)}" is a sequence, while substructure "{_describe(leaf)}" is not'
        )
    if check_types:
        _compare_types(a, kind_a, b, kind_b)
    children_a, children_b = _children(a, kind_a), _children(b, kind_b)
    if len(children_a) != len(children_b):
        raise ValueError(
            "The two structures don't have the same number of elements. "
            f"First structure: {_describe(a)}. Second structure: {_describe(b)}"
        )
    for child_a, child_b in zip(children_a, children_b, strict=True):
        _compare(child_a, child_b, check_types, expand_composites)


def _compare_types(a: Any, kind_a: _Kind, b: Any, kind_b: _Kind) -> None:
    if kind_a is _MAPPING and kind_b is _MAPPING:
        if set(a) != set(b):
            raise ValueError(
                "The two dictionaries don't have the same set of keys. "
                f"First structure has keys {list(a)}, while second structure has keys {list(b)}"
            )
        return
    if type(a) is type(b):
        return
    if kind_a is _NAMEDTUPLE and kind_b is _NAMEDTUPLE and same_namedtuples(a, b):
        return
    raise TypeError(
        "The two structures don't have the same sequence type. "
        f"First structure {_describe(a)} has type {type(a).__name__}, "
        f"while second structure {_describe(b)} has type {type(b).__name__}"
    )


def assert_shallow_structure(
    shallow_tree: Any, input_tree: Any, check_types: bool = True, expand_composites: bool = False
) -> None:
    """Check that a structure is nested like a shallower one as deep as that one goes.

    Args:
        shallow_tree: the shallower structure; its leaves may stand for whole structures.
        input_tree: the structure to check.
        check_types: whether the types must agree too, as in `assert_same_structure`.
        expand_composites: whether composite values are walked into.
    Raises:
        ValueError: if the numbers of elements or the keys differ.
        TypeError: if types differ, or the input ends before `shallow_tree` does.
    """
    kind = _kind(shallow_tree, expand_composites)
    if kind is _LEAF:
        return
    input_kind = _kind(input_tree, expand_composites)
    if input_kind is _LEAF:
        raise TypeError(
            f"If shallow structure is a sequence, input must also be a sequence. Input has type: {type(input_tree)}."
        )
    both_mappings = kind is _MAPPING and input_kind is _MAPPING
    both_namedtuples = kind is _NAMEDTUPLE and input_kind is _NAMEDTUPLE
    same_type = type(shallow_tree) is type(input_tree) or both_mappings
    if check_types and not same_type and not (both_namedtuples and same_namedtuples(shallow_tree, input_tree)):
        raise TypeError(
            "The two structures don't have the same sequence type. "
            f"Input structure has type {type(input_tree)}, while shallow structure has type {type(shallow_tree)}."
        )
    shallow_children, input_children = _children(shallow_tree, kind), _children(input_tree, input_kind)
    if len(shallow_children) != len(input_children):
        raise ValueError(
            "The two structures don't have the same sequence length. Input structure has length "
            f"{len(input_children)}, while shallow structure has length {len(shallow_children)}."
        )
    if both_mappings and set(shallow_tree) != set(input_tree):
        missing = [key for key in shallow_tree if key not in input_tree]
        raise ValueError(
            "The shallow_tree's keys are not a subset of the input_tree's keys. "
            f"The shallow_tree has the following keys that are not in the input_tree: {missing}."
        )
    for shallow_child, input_child in zip(shallow_children, input_children, strict=True):
        assert_shallow_structure(shallow_child, input_child, check_types, expand_composites)


def _walk_up_to(shallow_tree: Any, input_tree: Any, expand_composites: bool, path: Path) -> Iterator[tuple[Path, Any]]:
    """Each part of the input that corresponds to a leaf of `shallow_tree`, with its path; both were checked."""
    kind = _kind(shallow_tree, expand_composites)
    if kind is _LEAF:
        yield path, input_tree
        return
    children = _children(input_tree, _kind(input_tree, expand_composites))
    for key, shallow_child, child in zip(
        _keys(shallow_tree, kind), _children(shallow_tree, kind), children, strict=True
    ):
        yield from _walk_up_to(shallow_child, child, expand_composites, (*path, key))


def flatten_with_tuple_paths_up_to(
    shallow_tree: Any, input_tree: Any, check_types: bool = True, expand_composites: bool = False
) -> list[tuple[Path, Any]]:
    """List what stands in the places of the leaves of a shallower structure, each with its path.

    Args and errors are those of `assert_shallow_structure`.

    Returns:
        Pairs of a path (a tuple of keys, field names and positions) and a part of `input_tree`.
    """
    assert_shallow_structure(shallow_tree, input_tree, check_types, expand_composites)
    return list(_walk_up_to(shallow_tree, input_tree, expand_composites, ()))


def flatten_up_to(
    shallow_tree: Any, input_tree: Any, check_types: bool = True, expand_composites: bool = False
) -> list[Any]:
    """List what stands in the places of the leaves of a shallower structure.

    Args and errors are those of `assert_shallow_structure`.

    >>> flatten_up_to([0, [0]], [[5], [[6]]])
    [[5], [6]]
    """
    return [
        part for _, part in flatten_with_tuple_paths_up_to(shallow_tree, input_tree, check_types, expand_composites)
    ]


def flatten_with_tuple_paths(structure: Any, expand_composites: bool = False) -> list[tuple[Path, Any]]:
    """List the leaves of a structure, each with its path: a tuple of keys, field names and positions."""
    return list(_walk_up_to(structure, structure, expand_composites, ()))


def flatten_with_joined_string_paths(
    structure: Any, separator: str = "/", expand_composites: bool = False
) -> list[tuple[str, Any]]:
    """List the leaves of a structure, each with its path as a string.

    >>> flatten_with_joined_string_paths({"a": [1, 2]})
    [('a/0', 1), ('a/1', 2)]
    """
    paths = flatten_with_tuple_paths(structure, expand_composites)
    return [(separator.join(map(str, path)), leaf) for path, leaf in paths]


def yield_flat_paths(nest: Any, expand_composites: bool = False) -> Iterator[Path]:
    """Give the paths of the leaves of a structure, in the order of `flatten`."""
    for path, _ in _walk_up_to(nest, nest, expand_composites, ()):
        yield path


def map_structure_with_tuple_paths_up_to(
    shallow_tree: Any, func: Callable[..., Any], *inputs: Any, **kwargs: Any
) -> Any:
    """Apply a function to a path and the parts of the inputs in the place of each leaf of a shallower structure.

    Args:
        shallow_tree: the shallower structure.
        func: takes a path (a tuple) and one part of each input.
        *inputs: one or more structures.
        **kwargs: `check_types` and `expand_composites`, as in `map_structure`.
    Returns:
        The results, in a structure like `shallow_tree`.
    Raises:
        ValueError: if there is no input, or numbers of elements or keys differ.
        TypeError: if types differ, or an input ends before `shallow_tree` does.
    """
    if not inputs:
        raise ValueError("Must provide at least one structure")
    check_types, expand_composites = _options(kwargs)
    flat = [flatten_with_tuple_paths_up_to(shallow_tree, each, check_types, expand_composites) for each in inputs]
    results = [func(parts[0][0], *(part for _, part in parts)) for parts in zip(*flat, strict=True)]
    return pack_sequence_as(shallow_tree, results, expand_composites)


def map_structure_up_to(shallow_tree: Any, func: Callable[..., Any], *inputs: Any, **kwargs: Any) -> Any:
    """Apply a function to the parts of the inputs in the place of each leaf of a shallower structure.

    Args, results and errors are those of `map_structure_with_tuple_paths_up_to`, but `func` takes no path.
    """
    return map_structure_with_tuple_paths_up_to(shallow_tree, lambda path, *parts: func(*parts), *inputs, **kwargs)


def map_structure_with_tuple_paths(func: Callable[..., Any], *structure: Any, **kwargs: Any) -> Any:
    """As `map_structure`, with the path of the leaf (a tuple) as the first argument of `func`."""
    if not structure:
        raise ValueError("Must provide at least one structure")
    return map_structure_with_tuple_paths_up_to(structure[0], func, *structure, **kwargs)


def map_structure_with_paths(func: Callable[..., Any], *structure: Any, **kwargs: Any) -> Any:
    """As `map_structure`, with the path of the leaf (a string such as `'a/0'`) as the first argument of `func`."""

    def with_string(path: Path, *leaves: Any) -> Any:
        return func("/".join(map(str, path)), *leaves)

    return map_structure_with_tuple_paths(with_string, *structure, **kwargs)


def get_traverse_shallow_structure(
    traverse_fn: Callable[[Any], Any], structure: Any, expand_composites: bool = False
) -> Any:
    """The shallower structure that a decision function leaves of a structure.

    Args:
        traverse_fn: takes a substructure and returns whether to walk into it, or for each of its parts whether to.
        structure: the structure to walk.
        expand_composites: whether composite values are walked into.
    Returns:
        A structure whose leaves are booleans: False where the walk stopped.
    Raises:
        TypeError: if `traverse_fn` returns neither a boolean nor a structure of booleans.
    """
    decision = traverse_fn(structure)
    kind = _kind(structure, expand_composites)
    if isinstance(decision, bool) and (kind is _LEAF or not decision):
        return decision
    if isinstance(decision, bool):
        decisions: list[Any] = [True] * len(_children(structure, kind))
    elif kind is _LEAF or not is_nested(decision):
        raise TypeError(f"traverse_fn must return a boolean or a structure of booleans, got {decision!r} instead.")
    else:
        assert_shallow_structure(decision, structure, expand_composites=expand_composites)
        decisions = list(_children(decision, _kind_of_type(type(decision))))
    level = []
    for walk, child in zip(decisions, _children(structure, kind), strict=True):
        if not isinstance(walk, bool):
            raise TypeError(f"traverse_fn must return booleans for the parts of {structure!r}, got {walk!r} instead.")
        level.append(get_traverse_shallow_structure(traverse_fn, child, expand_composites) if walk else False)
    return _rebuild(structure, kind, level)


def flatten_dict_items(dictionary: Any) -> dict[Any, Any]:
    """Flatten a dict whose keys are structures, along with its values, which must be nested like the keys.

    Raises:
        TypeError: if `dictionary` is not a mapping.
        ValueError: if a key and its value have different numbers of leaves, or a flat key comes twice.

    >>> flatten_dict_items({("a", "b"): (1, 2)})
    {'a': 1, 'b': 2}
    """
    if not is_mapping(dictionary):
        raise TypeError(f"dictionary must be a mapping, got {type(dictionary).__name__}")
    items: dict[Any, Any] = {}
    for key, value in dictionary.items():
        keys, values = flatten(key), flatten(value)
        if len(keys) != len(values):
            raise ValueError(
                f"Could not flatten dictionary. Key had {len(keys)} elements, but value had {len(values)} elements. "
                f"Key: {keys}, value: {values}."
            )
        for flat_key, flat_value in zip(keys, values, strict=True):
            if flat_key in items:
                raise ValueError(f"Cannot flatten dict because this key is not unique: {flat_key}")
            items[flat_key] = flat_value
    return items


def list_to_tuple(structure: Any) -> Any:
    """A structure in which every list has become a tuple."""
    kind = _kind_of_type(type(structure))
    if kind is _LEAF:
        return structure
    children = [list_to_tuple(child) for child in _children(structure, kind)]
    return tuple(children) if isinstance(structure, list) else _rebuild(structure, kind, children)
