"""Running a function converted, in a graph of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from penstock.core import nest
from penstock.core.convert import convert_to_tensor
from penstock.core.func_graph import FuncGraph
from penstock.core.graph import Graph
from penstock.core.op_def import lookup
from penstock.language.autograph import convert
from penstock.language.control_flow import build_body
from penstock.ops.constant import constant
from penstock.runtime.session import Session


def run_staged(function: Callable[..., Any], *arguments: Any) -> Any:
    """Trace a converted function into a FuncGraph with unknown arguments, call that, and return NumPy values."""
    graph = Graph()
    with graph.as_default():
        inputs = [constant(argument) for argument in arguments]
        body, result = build_body("traced", convert(function), inputs, graph)
        assert isinstance(body, FuncGraph)
        with body.as_default():
            body.outputs = [body.capture(convert_to_tensor(item)) for item in nest.flatten(result)]
        captured = [outside for outside, _ in body.captures]
        types = [tensor.dtype for tensor in body.outputs]
        outputs = lookup("StatefulPartitionedCall")([*inputs, *captured], f=body, Tout=types)
        with Session(graph=graph) as session:
            return nest.pack_sequence_as(result, session.run(list(outputs)))


@pytest.fixture
def staged() -> Callable[..., Any]:
    """Return `run_staged`."""
    return run_staged
