"""Iterators: resources that give a pipeline's elements one by one.

A pipeline is a variant whose runtime value has a method `start()` that returns a Python iterator over elements, each a
list of runtime values. An iterator is a resource (`IteratorResource`) that is started on one.
"""

from __future__ import annotations

import itertools
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np

from penstock.core import array
from penstock.core.array import Value
from penstock.core.dtypes import DType, resource
from penstock.core.errors import FailedPreconditionError, InvalidArgumentError, OutOfRangeError
from penstock.core.op import op
from penstock.core.resources import ResourceManager
from penstock.core.shape import Dims
from penstock.ops.data.optional import OptionalValue

_NOT_STARTED = (
    "GetNext() failed because the iterator has not been initialized. Ensure that you have run the initializer "
    "operation for this iterator before getting the next element."
)


class IteratorResource:
    """Where a pipeline stands.

    Threads may share one: each element is given once.
    """

    value_dtype = resource

    def __init__(self, name: str = "iterator") -> None:
        self.name = name
        self._elements: Iterator[list[Value]] | None = None  # guarded by self._lock
        self._lock = threading.Lock()

    def start(self, pipeline: Any) -> None:
        """Begin with the first element of `pipeline`."""
        with self._lock:
            self._elements = pipeline.start()

    def next(self) -> list[Value] | None:
        """Return the next element, None at the end.

        Raises:
            FailedPreconditionError: if it was never started.
        """
        with self._lock:
            if self._elements is None:
                raise FailedPreconditionError(None, None, _NOT_STARTED)
            return next(self._elements, None)

    def detach(self) -> None:
        """Do nothing: what was given belongs to those who have it. Programs ask this of all resources."""

    def __repr__(self) -> str:
        return f"<iterator {self.name!r}>"


_by_handle: weakref.WeakValueDictionary[bytes, IteratorResource] = weakref.WeakValueDictionary()
_handle_numbers = itertools.count()


def _scalar(*inputs: Any, **attrs: Any) -> Dims:
    return ()


def _given_shapes(iterator: Dims, *, output_types: list[DType], output_shapes: list[Dims]) -> list[Dims]:
    return list(output_shapes)


@op(
    "IteratorV2() -> handle: resource",
    minimum={"output_types": 1, "output_shapes": 1},
    stateful=True,
    differentiable=False,
    shape=_scalar,
)
def iterator_op(
    *,
    shared_name: str,
    container: str,
    output_types: list[DType],
    output_shapes: list[Dims],
    resources: ResourceManager,
    node_name: str,
) -> Value:
    name = shared_name or node_name
    return resources.lookup_or_create(container, "iterator", name, lambda: IteratorResource(name))


@op("PipelineOneShotIterator(dataset: variant) -> handle: resource", stateful=True, differentiable=False, shape=_scalar)
def one_shot_iterator_op(dataset: Value, *, resources: ResourceManager, node_name: str) -> Value:
    def create() -> IteratorResource:
        iterator = IteratorResource(node_name)
        iterator.start(dataset)
        return iterator

    return resources.lookup_or_create("", "iterator", node_name, create)


@op("MakeIterator(dataset: variant, iterator: resource)", stateful=True, differentiable=False)
def make_iterator_op(dataset: Value, iterator: Value) -> None:
    iterator.start(dataset)


@op(
    "IteratorGetNext(iterator: resource) -> components: list(output_types)",
    minimum={"output_types": 1, "output_shapes": 1},
    stateful=True,
    differentiable=False,
    shape=_given_shapes,
)
def iterator_get_next_op(iterator: Value, *, output_types: list[DType], output_shapes: list[Dims]) -> list[Value]:
    components = iterator.next()
    if components is None:
        raise OutOfRangeError(None, None, "End of sequence")
    return components


@op(
    "IteratorGetNextAsOptional(iterator: resource) -> optional: variant",
    minimum={"output_types": 1, "output_shapes": 1},
    stateful=True,
    differentiable=False,
    shape=_scalar,
)
def iterator_get_next_as_optional_op(iterator: Value, *, output_types: list[DType], output_shapes: list[Dims]) -> Value:
    return OptionalValue(iterator.next())


@op(
    "IteratorToStringHandle(resource_handle: resource) -> string_handle: string",
    stateful=True,
    differentiable=False,
    shape=_scalar,
)
def iterator_to_string_handle_op(resource_handle: Value) -> Value:
    handle = getattr(resource_handle, "handle", None)
    if handle is None:
        handle = resource_handle.handle = f"iterator_{next(_handle_numbers)}".encode()
        _by_handle[handle] = resource_handle
    return array.from_numpy(np.array(handle, dtype=object))


@op(
    "IteratorFromStringHandleV2(string_handle: string) -> resource_handle: resource",
    minimum={"output_types": 0, "output_shapes": 0},
    stateful=True,
    differentiable=False,
    shape=_scalar,
)
def iterator_from_string_handle_op(
    string_handle: Value, *, output_types: list[DType] = [], output_shapes: list[Dims] = []
) -> Value:
    found = _by_handle.get(string_handle[()])
    if found is None:
        raise InvalidArgumentError(
            None,
            None,
            f"No iterator has the handle {string_handle[()]!r}. Feed what session.run(iterator.string_handle()) gave, "
            "and keep that iterator.",
        )
    return found
