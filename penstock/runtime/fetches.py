"""What `session.run` may be asked for: nested structures of things that stand for tensors and operations."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from penstock.core import nest
from penstock.core.graph import Graph
from penstock.core.indexed_slices import IndexedSlices
from penstock.core.operation import Operation
from penstock.core.sparse_tensor import SparseTensor, SparseTensorValue
from penstock.core.tensor import SymbolicTensor
from penstock.core.type_spec import CompositeTensor
from penstock.ops.ragged.ragged_tensor import RaggedTensor
from penstock.ops.ragged.value import RaggedTensorValue

IndexedSlicesValue = namedtuple("IndexedSlicesValue", ["values", "indices", "dense_shape"])

# class -> (to its component tensors, from their values, to the feeds of its components, to what partial runs feed)
_conversions: list[tuple[type, Callable[[Any], tuple[list[Any], Callable[[list[Any]], Any]]], Any, Any]] = []


def register_session_run_conversion_functions(
    tensor_type: type,
    fetch_function: Callable[[Any], tuple[list[Any], Callable[[list[Any]], Any]]],
    feed_function: Callable[[Any, Any], list[tuple[Any, Any]]] | None = None,
    feed_function_for_partial_run: Callable[[Any], list[Any]] | None = None,
) -> None:
    """Register how objects of a class are fetched and fed.

    Args:
        tensor_type: the class.
        fetch_function: object -> (component tensors, function from their values to the value).
        feed_function: (object, value) -> pairs of component tensor and value.
        feed_function_for_partial_run: object -> component tensors.
    Raises:
        ValueError: if the class is registered already.
    """
    if any(entry[0] is tensor_type for entry in _conversions):
        raise ValueError(f"{tensor_type} has already been registered so ignore it.")
    _conversions.insert(0, (tensor_type, fetch_function, feed_function, feed_function_for_partial_run))


def _fetch_slices(fetch: IndexedSlices) -> tuple[list[Any], Callable[[list[Any]], Any]]:
    parts = [fetch.values, fetch.indices] + ([] if fetch.dense_shape is None else [fetch.dense_shape])
    return parts, lambda values: IndexedSlicesValue(values[0], values[1], values[2] if len(values) > 2 else None)


def _feed_slices(feed: IndexedSlices, value: Any) -> list[tuple[Any, Any]]:
    parts = [feed.values, feed.indices] + ([] if feed.dense_shape is None else [feed.dense_shape])
    return list(zip(parts, tuple(value), strict=False))


def _fetch_sparse(fetch: SparseTensor) -> tuple[list[Any], Callable[[list[Any]], Any]]:
    return [fetch.indices, fetch.values, fetch.dense_shape], lambda values: SparseTensorValue(*values)


def _feed_sparse(feed: SparseTensor, value: Any) -> list[tuple[Any, Any]]:
    return list(zip([feed.indices, feed.values, feed.dense_shape], tuple(value), strict=False))


def _fetch_composite(fetch: CompositeTensor) -> tuple[list[Any], Callable[[list[Any]], Any]]:
    specs = fetch._type_spec._component_specs
    tensors = nest.flatten(fetch, expand_composites=True)
    return tensors, lambda values: nest.pack_sequence_as(specs, values)


def _feed_composite(feed: CompositeTensor, value: Any) -> list[tuple[Any, Any]]:
    return list(zip(nest.flatten(feed, expand_composites=True), nest.flatten(value), strict=True))


register_session_run_conversion_functions(CompositeTensor, _fetch_composite, _feed_composite)
register_session_run_conversion_functions(IndexedSlices, _fetch_slices, _feed_slices)
register_session_run_conversion_functions(SparseTensor, _fetch_sparse, _feed_sparse)


def _ragged_parts(ragged: RaggedTensor) -> list[Any]:
    return [ragged.flat_values, *ragged.nested_row_splits]


def _fetch_ragged(fetch: RaggedTensor) -> tuple[list[Any], Callable[[list[Any]], Any]]:
    def combine(values: list[Any]) -> Any:
        result = values[0]
        for splits in reversed(values[1:]):
            result = RaggedTensorValue(result, splits)
        return result

    return _ragged_parts(fetch), combine


def _feed_ragged(feed: RaggedTensor, value: Any) -> list[tuple[Any, Any]]:
    if not isinstance(value, (RaggedTensor, RaggedTensorValue)):
        raise TypeError(
            f"a RaggedTensor is fed with a RaggedTensorValue, such as tf.ragged.constant_value makes; got {value!r}"
        )
    parts = _ragged_parts(feed)
    given = [value.flat_values, *value.nested_row_splits]
    if len(parts) != len(given):
        raise ValueError(f"the RaggedTensor fed has {len(parts) - 1} ragged axes, the value for it {len(given) - 1}")
    return list(zip(parts, given, strict=True))


register_session_run_conversion_functions(RaggedTensor, _fetch_ragged, _feed_ragged, _ragged_parts)


def expand_feed(graph: Graph, feed: Any, value: Any) -> list[tuple[Any, Any]] | None:
    """Return the component feeds of a registered composite, or None if `feed` is none."""
    for kind, _, feed_function, _ in _conversions:
        if isinstance(feed, kind) and feed_function is not None:
            return feed_function(feed, value)
    return None


class FetchPlan:
    """The tensors and operations behind a nested structure of fetches, and how to nest their values.

    Attributes:
        tensors: the distinct tensors fetched.
        targets: the operations to run.
        pack: from the tensors' values to what `session.run` returns.
    """

    def __init__(self, graph: Graph, fetches: Any) -> None:
        self._graph = graph
        self._positions: dict[int, int] = {}
        self.tensors: list[SymbolicTensor] = []
        self.targets: list[Operation] = []
        self.pack: Callable[[Sequence[Any]], Any] = self._visit(fetches)

    def _visit(self, fetch: Any) -> Callable[[Sequence[Any]], Any]:
        if fetch is None:
            raise TypeError(f"Argument `fetch` = {fetch} has invalid type {type(fetch).__name__!r}. Cannot be None")
        if isinstance(fetch, (list, tuple)):
            return self._visit_sequence(fetch)
        if isinstance(fetch, Mapping):
            packs = {key: self._visit(item) for key, item in fetch.items()}
            kind: Any = type(fetch) if type(fetch) is not dict and not hasattr(fetch, "default_factory") else dict
            return lambda values: kind((key, pack(values)) for key, pack in packs.items())
        if hasattr(type(fetch), "__attrs_attrs__"):
            names = [attribute.name for attribute in type(fetch).__attrs_attrs__]
            items = [self._visit(getattr(fetch, name)) for name in names]
            return lambda values: type(fetch)(*(pack(values) for pack in items))
        for kind, fetch_function, _, _ in _conversions:
            if isinstance(fetch, kind):
                parts, combine = fetch_function(fetch)
                leaves = [self._leaf(part) for part in parts]
                return lambda values: combine([leaf(values) for leaf in leaves])
        return self._leaf(fetch)

    def _visit_sequence(self, fetch: Any) -> Callable[[Sequence[Any]], Any]:
        packs = [self._visit(item) for item in fetch]
        if isinstance(fetch, tuple) and hasattr(fetch, "_fields"):
            return lambda values: type(fetch)(*(pack(values) for pack in packs))
        if isinstance(fetch, tuple):
            return lambda values: tuple(pack(values) for pack in packs)
        return lambda values: [pack(values) for pack in packs]

    def _leaf(self, fetch: Any) -> Callable[[Sequence[Any]], Any]:
        try:
            element = self._graph.as_graph_element(fetch)
        except TypeError as error:
            raise TypeError(
                f"Argument `fetch` = {fetch!r} has invalid type {type(fetch).__name__!r}. Must be a string or "
                f"Tensor. ({error})"
            ) from None
        except ValueError as error:
            raise ValueError(f"Argument `fetch` = {fetch!r} cannot be interpreted as a Tensor. ({error})") from None
        except KeyError as error:
            raise ValueError(
                f"Argument `fetch` = {fetch!r} cannot be interpreted as a Tensor. ({error.args[0]})"
            ) from None
        if not self._graph.is_fetchable(element):
            raise ValueError(f"Operation {element.name!r} has been marked as not fetchable.")
        if isinstance(element, Operation):
            self.targets.append(element)
            return lambda values: None
        if element.dtype.name == "resource":
            raise TypeError(
                f"Argument `fetch` = {fetch!r} is a handle of a resource, which has no value outside the session. "
                "Fetch the "
                "variable itself, or what reads it."
            )
        position = self._positions.setdefault(id(element), len(self.tensors))
        if position == len(self.tensors):
            self.tensors.append(element)
        return lambda values: values[position]
