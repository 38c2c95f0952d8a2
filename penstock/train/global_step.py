"""The global step: the variable that counts how many steps a model was trained for."""

from __future__ import annotations

from typing import Any

from penstock.core import dtypes
from penstock.core.context import executing_eagerly
from penstock.core.convert import convert_to_tensor
from penstock.core.graph import Graph, get_default_graph
from penstock.core.graph_keys import GraphKeys
from penstock.core.tensor import Tensor
from penstock.language.variable_base import Variable, VariableAggregation
from penstock.language.variable_scope import get_variable
from penstock.train.slot_creator import zeros_initializer

_READ_KEY = "global_step_read_op_cache"


def create_global_step(graph: Graph | None = None) -> Any:
    """Make the global step: an int64 variable of shape () named "global_step", 0 at first.

    Args:
        graph: where to make it, by default the default graph.
    Raises:
        ValueError: if the graph has one already.
    """
    graph = graph or get_default_graph()
    if get_global_step(graph) is not None:
        raise ValueError('"global_step" already exists.')
    with graph.as_default(), graph.name_scope(None):
        return get_variable(
            GraphKeys.GLOBAL_STEP,
            shape=[],
            dtype=dtypes.int64,
            initializer=zeros_initializer,
            trainable=False,
            aggregation=VariableAggregation.ONLY_FIRST_REPLICA,
            collections=[GraphKeys.GLOBAL_VARIABLES, GraphKeys.GLOBAL_STEP],
        )


def get_global_step(graph: Graph | None = None) -> Any:
    """Return the global step of a graph, or None if it has none, or several.

    Args:
        graph: where to look, by default the default graph.
    Raises:
        TypeError: if what is there is no integer scalar.
    """
    graph = graph or get_default_graph()
    found = graph.get_collection(GraphKeys.GLOBAL_STEP)
    if len(found) > 1:
        return None
    if found:
        step = found[0]
    else:
        try:
            step = graph.get_tensor_by_name("global_step:0")
        except KeyError:
            return None
    assert_global_step(step)
    return step


def get_or_create_global_step(graph: Graph | None = None) -> Any:
    """Return the global step of a graph, which is made if there is none yet; see `create_global_step`."""
    graph = graph or get_default_graph()
    step = get_global_step(graph)
    return create_global_step(graph) if step is None else step


def assert_global_step(global_step_tensor: Any) -> None:
    """Check that a tensor or variable can be the global step.

    Raises:
        TypeError: if it is no integer scalar.
    """
    if not (isinstance(global_step_tensor, (Tensor, Variable))):
        raise TypeError(f'Existing "global_step" must be a Variable or Tensor: {global_step_tensor}.')
    if not global_step_tensor.dtype.base_dtype.is_integer:
        raise TypeError(f'Existing "global_step" does not have integer type: {global_step_tensor.dtype!r}')
    shape = global_step_tensor.get_shape()
    if shape.ndims != 0 and shape.is_fully_defined():
        raise TypeError(f'Existing "global_step" is not scalar: {shape}')


def global_step(sess: Any, global_step_tensor: Any) -> int:
    """Return the number of steps as a Python int.

    Args:
        sess: the session in which the variable has its value; unused in eager execution.
        global_step_tensor: the variable or tensor.
    """
    if executing_eagerly():
        return int(global_step_tensor.numpy())
    return int(sess.run(global_step_tensor))


def global_step_read(graph: Graph | None = None) -> Any:
    """Return a tensor that reads the global step of a graph, made once, or None if the graph has no global step.

    Args:
        graph: where to look, by default the default graph.
    """
    graph = graph or get_default_graph()
    found = graph.get_collection(_READ_KEY)
    if found:
        return found[0]
    step = get_global_step(graph)
    if step is None:
        return None
    with graph.as_default(), graph.name_scope(None), graph.name_scope(f"{step.op.name}/"):
        read = convert_to_tensor(step) + 0
    graph.add_to_collection(_READ_KEY, read)
    return read
