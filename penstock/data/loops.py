"""`for x in dataset` in a tf.function: a loop of the graph, which takes elements from an iterator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from penstock.core.dtypes import resource
from penstock.core.tensor import Tensor
from penstock.data.iterator import GraphIterator, IteratorBase, OwnedIterator
from penstock.data.node import PipelineValue
from penstock.data.optional import Optional
from penstock.language.autograph import register_iterator_kind, staged_while
from penstock.language.control_flow import cond
from penstock.ops.data.calls import pipeline_call
from penstock.ops.data.iterators import IteratorResource

GetState = Callable[[], tuple[Any, ...]]
SetState = Callable[[tuple[Any, ...]], None]


def _started(pipeline: PipelineValue) -> list[Any]:
    held = IteratorResource("loop")
    held.start(pipeline)
    return [held]


def graph_iterator_of(dataset: Any) -> OwnedIterator:
    """Return an iterator that each run of the graph being built starts anew on a dataset."""
    handle = pipeline_call(_started, [dataset._variant_tensor], [resource], [()], "AnonymousIterator")[0]
    return OwnedIterator(components=handle, element_spec=dataset.element_spec)


def loop_over_dataset(
    iterated: Any,
    more: Callable[[], Any] | None,
    body: Callable[[Any], None],
    get_state: GetState,
    set_state: SetState,
    names: Sequence[str],
    options: dict[str, Any],
) -> None:
    """Stage a loop over a dataset; see `penstock.language.autograph.register_iterator_kind`."""
    loop_over_iterator(graph_iterator_of(iterated), more, body, get_state, set_state, names, options)


def loop_over_iterator(
    iterator: IteratorBase,
    more: Callable[[], Any] | None,
    body: Callable[[Any], None],
    get_state: GetState,
    set_state: SetState,
    names: Sequence[str],
    options: dict[str, Any],
) -> None:
    """Stage a loop over an iterator; the next element, taken only if the loop is to go on, is one more variable."""
    spec = iterator.element_spec

    def taken() -> Tensor:
        return iterator.get_next_as_optional()._variant_tensor

    def following() -> Tensor:
        wanted = True if more is None else more()
        if isinstance(wanted, Tensor):
            return cond(wanted, taken, lambda: Optional.empty(spec)._variant_tensor)
        return taken() if wanted else Optional.empty(spec)._variant_tensor

    held = [following()]

    def step() -> None:
        body(Optional(held[0], spec).get_value())
        held[0] = following()

    def get() -> tuple[Any, ...]:
        return (held[0], *get_state())

    def put(values: tuple[Any, ...]) -> None:
        held[0] = values[0]
        set_state(tuple(values[1:]))

    staged_while(lambda: Optional(held[0], spec).has_value(), step, get, put, ("next element", *names), options)


register_iterator_kind(OwnedIterator, loop_over_iterator)
register_iterator_kind(GraphIterator, loop_over_iterator)
