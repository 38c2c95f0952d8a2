"""Variables made while a function is traced: kept outside it, with initial values computed there."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from penstock.compiler.compile import compile_program
from penstock.core.context import eager_mode
from penstock.core.convert import convert_to_tensor
from penstock.core.func_graph import FuncGraph
from penstock.core.graph import current_graph
from penstock.core.resources import eager_resources
from penstock.core.tensor import EagerTensor, SymbolicTensor, Tensor
from penstock.language.init_scope import init_scope, outermost_graph


class VariableCreator:
    """What `variable_creator_scope` is given while a function is traced.

    Args:
        allowed: whether variables may be made.

    Attributes:
        created: weak references to the variables made.
    """

    def __init__(self, allowed: bool) -> None:
        self._allowed = allowed
        self.created: list[Callable[[], Any]] = []

    def __call__(self, next_creator: Callable[..., Any], **keywords: Any) -> Any:
        """Make a variable.

        Raises:
            ValueError: if none may be made, or its initial value cannot be computed outside the function.
        """
        if current_graph() is None:
            return next_creator(**keywords)
        if not self._allowed:
            raise ValueError(
                "tf.function-decorated function tried to create variables on non-first call: tf.function only supports "
                "singleton tf.Variables created on the first call. Make sure the tf.Variable is only created once, for "
                "example under `if self.v is None:`, or created outside tf.function."
            )
        initial = keywords.get("initial_value")
        if not callable(initial) or isinstance(initial, Tensor):
            keywords["initial_value"] = lift(initial)
        variable = next_creator(**keywords)
        self.created.append(weakref.ref(variable))
        return variable


def lift(value: Any) -> Any:
    """Return an initial value as it is outside the functions that are being traced.

    Args:
        value: what `tf.Variable` was given; tensors of a function are computed once.
    """
    if hasattr(value, "_gradient_source"):
        with init_scope():
            return value.read_value()
    if isinstance(value, (list, tuple)) and any(isinstance(item, SymbolicTensor) for item in value):
        value = convert_to_tensor(value)
    if not isinstance(value, SymbolicTensor) or not isinstance(value.op.graph, FuncGraph):
        return value
    if outermost_graph() is not None:
        raise ValueError(
            f"The initial value {value!r} of a variable is computed inside a function that is called in a graph. Pass "
            "a function that computes it: tf.Variable(lambda: ...)."
        )
    return EagerTensor(_evaluate(value), value.dtype.base_dtype)


def _evaluate(tensor: Tensor) -> Any:
    """Return the runtime value of a tensor of a function that is being traced."""
    if isinstance(tensor, EagerTensor):
        return tensor.value
    assert isinstance(tensor, SymbolicTensor)
    graph = tensor.op.graph
    if not isinstance(graph, FuncGraph):
        raise ValueError(f"{tensor!r}, which the initial value of a variable needs, is not known before the graph runs")
    known: dict[int, Tensor] = {id(inside): outside for outside, inside in graph.captures}
    known.update(getattr(graph, "argument_values", {}))
    feeds = _needed_placeholders(tensor)
    for placeholder in feeds:
        if id(placeholder) not in known:
            raise ValueError(
                f"The initial value of a variable depends on the argument {placeholder.op.name!r} of the function, "
                "whose value is not known while it is traced. Make the variable outside the function, or call the "
                "function instead of get_concrete_function."
            )
    values = [_evaluate(known[id(placeholder)]) for placeholder in feeds]
    with eager_mode():
        return compile_program([tensor], [], feeds, eager_resources)(*values)[0]


def _needed_placeholders(tensor: SymbolicTensor) -> list[SymbolicTensor]:
    found: list[SymbolicTensor] = []
    seen = {tensor.op}
    stack = [tensor.op]
    while stack:
        op = stack.pop()
        if op.type == "Placeholder":
            found.append(op.outputs[0])
        for needed in (*(item.op for item in op.inputs), *op.control_inputs):
            if needed not in seen:
                seen.add(needed)
                stack.append(needed)
    return found
