"""Functions whose intermediate values are computed again in the backward pass, rather than kept."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from penstock.core import nest
from penstock.core.context import state, stop_recording
from penstock.core.convert import convert_to_tensor
from penstock.core.dispatch import apply
from penstock.core.func_graph import FuncGraph
from penstock.core.graph import current_graph, get_default_graph
from penstock.core.op_def import lookup
from penstock.core.tape import GradientTape
from penstock.language.custom_gradient import custom_gradient
from penstock.ops.function_call import function_gradient, has_effects


def recompute_grad(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function like `f` that keeps its arguments for the backward pass, and nothing that it computes.

    In a graph it is one call of a function, whose gradient runs the function again. What is random in it, without a
    stateless seed, is drawn again.

    Args:
        f: from tensors to a nest of tensors; variables may be used in it.

    >>> import penstock as tf
    >>> square_of_sine = tf.recompute_grad(lambda x: tf.sin(x) ** 2)
    >>> x = tf.constant(0.5)
    >>> with tf.GradientTape() as tape:
    ...     tape.watch(x)
    ...     y = square_of_sine(x)
    >>> round(float(tape.gradient(y, x)), 4)
    0.8415
    """

    @functools.wraps(f)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        if current_graph() is None:
            return _eager(f, args, kwargs)
        return _in_graph(f, args, kwargs)

    return decorated


def _eager(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    @custom_gradient
    def forward(*tensors: Any) -> Any:
        with stop_recording(), GradientTape() as watcher:
            result = f(*nest.pack_sequence_as(args, list(tensors), expand_composites=True), **kwargs)
        for tape in state.tapes:
            for variable in watcher.watched_variables():
                tape.watch_variable(variable)

        def gradient(*cotangents: Any, variables: Any = ()) -> Any:
            sources = [convert_to_tensor(tensor) for tensor in tensors]
            with GradientTape() as tape:
                for source in sources:
                    tape.watch(source)
                again = f(*nest.pack_sequence_as(args, sources, expand_composites=True), **kwargs)
            found = tape.gradient(nest.flatten(again, expand_composites=True), [*sources, *variables], list(cotangents))
            return (found[: len(sources)], found[len(sources) :]) if variables else found

        return result, gradient

    return forward(*nest.flatten(args, expand_composites=True))


def _in_graph(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    graph = get_default_graph()
    with graph.name_scope("recompute_grad"):
        tensors = [convert_to_tensor(item) for item in nest.flatten(args, expand_composites=True)]
        body = FuncGraph(graph.unique_name(getattr(f, "__name__", "function").strip("<>")).replace("/", "_"), graph)
        with body.as_default():
            arguments = [body.add_input(t.dtype.base_dtype, t.dims, f"arg_{i}") for i, t in enumerate(tensors)]
            result = f(*nest.pack_sequence_as(args, arguments, expand_composites=True), **kwargs)
            flat = nest.flatten(result, expand_composites=True)
            body.outputs = [body.capture(convert_to_tensor(item)) for item in flat]  # type: ignore[arg-type]
        operation = "StatefulPartitionedCall" if has_effects(body) else "PartitionedCall"
        attrs = {
            "f": body,
            "Tout": [tensor.dtype.base_dtype for tensor in body.outputs],
            "_gradient_function": function_gradient,
        }
        outputs = apply(lookup(operation), [[*tensors, *body.external_captures]], attrs, "call")
        return nest.pack_sequence_as(result, outputs, expand_composites=True)
