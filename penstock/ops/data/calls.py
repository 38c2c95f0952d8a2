"""PipelineCall: Python called with runtime values while a graph runs, by which graphs reach pipelines.

Like those of `tf.py_function`, its nodes name what they call by a token, known in this process for as long as the graph
lives.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from penstock.core.array import Value
from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import get_default_graph
from penstock.core.op import op
from penstock.core.shape import Dims


class Callback:
    """A function from runtime values to a list of them, found by its token."""

    def __init__(self, token: str, call: Callable[..., list[Value]]) -> None:
        self.token = token
        self.call = call


_callbacks: weakref.WeakValueDictionary[str, Callback] = weakref.WeakValueDictionary()
_numbers = itertools.count()


def _given_shapes(input: list[Dims], *, output_shapes: list[Dims], **attrs: Any) -> list[Dims]:
    return list(output_shapes)


@op(
    "PipelineCall(input: list(Tin)) -> output: list(Tout)",
    stateful=True,
    differentiable=False,
    view=True,
    shape=_given_shapes,
)
def pipeline_call_op(input: list[Value], *, token: str, Tout: list[DType], output_shapes: list[Dims]) -> list[Value]:
    callback = _callbacks.get(token)
    if callback is None:
        raise InvalidArgumentError(
            None,
            None,
            f"pipeline {token} is not found: a GraphDef holds no pipelines; build the graph in this process",
        )
    return callback.call(*input)


def pipeline_call(
    call: Callable[..., list[Value]], inputs: Sequence[Any], types: Sequence[DType], shapes: Sequence[Dims], name: str
) -> list[Any]:
    """Make a node that calls a function of runtime values, and return its outputs.

    Args:
        call: takes a runtime value an input, returns one an output.
        inputs: tensors.
        types, shapes: of the outputs.
        name: the node's name.
    """
    token = f"pipeline_{next(_numbers)}"
    callback = _callbacks[token] = Callback(token, call)
    graph: Any = get_default_graph()
    if not hasattr(graph, "_pipeline_callbacks"):
        graph._pipeline_callbacks = []
    graph._pipeline_callbacks.append(callback)
    return pipeline_call_op(list(inputs), token=token, Tout=list(types), output_shapes=list(shapes), name=name)
