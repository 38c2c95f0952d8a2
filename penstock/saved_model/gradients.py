"""Gradients of users' own making: written as functions beside those whose gradients they are, and found again."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from penstock.core import context, dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.func_graph import FuncGraph
from penstock.core.graph_def import bodies_of
from penstock.core.operation import Operation
from penstock.core.tensor import EagerTensor, SymbolicTensor
from penstock.core.type_spec import TensorSpec
from penstock.language.function import ConcreteFunction
from penstock.language.function.flat_function import FlatFunction
from penstock.language.function.tracing import FunctionGraph
from penstock.ops.array.filling import zeros, zeros_like_op

_LOG = logging.getLogger("tensorflow")
_numbers = itertools.count()
_NAME = "_gradient_op_type"
_FUNCTION = "_gradient_function"


def attach_gradients(
    graph: FuncGraph,
    gradients: Mapping[str, str],
    find: Callable[[str], ConcreteFunction],
    seen: set[int] | None = None,
) -> None:
    """Give the operations of a function that was read, and of those that it calls, the gradients that were saved.

    Args:
        graph: the function's graph.
        gradients: the name that an operation has for its gradient -> the name of the function that computes it.
        find: returns such a function.
        seen: the graphs that were visited already.
    """
    seen = set() if seen is None else seen
    if not gradients or id(graph) in seen:
        return
    seen.add(id(graph))
    for op in graph.get_operations():
        name = op.attrs.get(_NAME)
        if name is not None and name.decode() in gradients and _FUNCTION not in op.attrs:
            op.attrs[_FUNCTION] = _gradient(gradients[name.decode()], find)
        for body in bodies_of(op):
            attach_gradients(body, gradients, find, seen)


def _gradient(name: str, find: Callable[[str], ConcreteFunction]) -> Callable[..., Any]:
    def gradient(call: Any, *grads: Any) -> list[Any]:
        function = find(name)
        arriving = [
            _nothing(grad, output, placeholder)
            for grad, output, placeholder in zip(grads, call.outputs, function.graph.inputs, strict=False)
        ]
        # A function that calls this one has a copy of it, with tensors of the same names.
        captures = [
            call.graph.get_tensor_by_name(tensor.name) if isinstance(tensor, SymbolicTensor) else tensor
            for tensor in function.captured_inputs
        ]
        found = function.pack(FlatFunction(function.graph, captures).call(arriving))
        return list(found) if isinstance(found, (list, tuple)) else [found]

    return gradient


def _nothing(grad: Any, output: Any, placeholder: SymbolicTensor) -> Any:
    """Return a cotangent, zeros where there is none; a handle has none, but the function takes one."""
    if output.dtype == dtypes.resource:
        return zeros([size or 0 for size in placeholder.dims or ()], placeholder.dtype)
    return zeros_like_op(output) if grad is None else grad


# Writing


class _GradientGraph(FunctionGraph):
    """The gradient of an operation of a function, whose tensors it captures."""

    def __init__(self, name: str, forward: FuncGraph) -> None:
        super().__init__(name)
        self._forward = forward

    def capture(self, tensor: SymbolicTensor, name: str | None = None) -> SymbolicTensor:
        """Return `tensor` as this function may use it."""
        if tensor.op.graph is self._forward:
            return self._capture(tensor, name or tensor.op.name.rsplit("/", 1)[-1])
        return super().capture(tensor, name)


def trace_gradients(functions: Iterable[ConcreteFunction], is_saved: bool) -> list[tuple[str, ConcreteFunction]]:
    """Return the gradients that users gave to operations of functions, as functions of the cotangents.

    Args:
        functions: the functions that are saved. Their operations get the names of the gradients, by which whoever reads
            them knows that the operation's own gradient does not count.
        is_saved: whether to trace the gradients; without it, there is nothing behind the names.
    Returns:
        Pairs of the name of a gradient and its function.
    """
    found: dict[str, ConcreteFunction] = {}
    functions = list(functions)
    saved = {id(concrete.graph) for concrete in functions}
    operations = [
        pair for concrete in functions for pair in _custom(concrete.graph, saved - {id(concrete.graph)}, False)
    ]
    for op, is_nested in sorted(operations, key=lambda pair: pair[1]):
        name = op.attrs.get(_NAME)
        name = f"CustomGradient-{next(_numbers)}" if name is None else name.decode()
        op.attrs[_NAME] = name.encode()
        traced = _traced(op, is_nested) if is_saved and name not in found else None
        if traced is not None:
            found[name] = traced
    return list(found.items())


def _custom(graph: Any, seen: set[int], is_nested: bool) -> Iterator[tuple[Operation, bool]]:
    """Yield the operations with gradients of users' making, and whether they lie in a function that is called."""
    if id(graph) in seen:
        return
    seen.add(id(graph))
    for op in graph.get_operations():
        if op.attrs.get(_FUNCTION) is not None:
            yield op, is_nested
        for body in bodies_of(op):
            yield from _custom(body, seen, True)


def _of_variable(handle: Any) -> tuple[Any, Any]:
    """Return the type and shape of the variable behind a handle, as far as they are known."""
    for outside, inside in handle.op.graph.captures:
        if inside is handle and isinstance(outside, EagerTensor):
            return outside.value.dtype, outside.value.dims
    return dtypes.float32, ()


def _traced(op: Operation, is_nested: bool) -> ConcreteFunction | None:
    forward: Any = op.graph
    graph = _GradientGraph(f"__inference_internal_grad_fn_{next(_numbers)}", forward)
    try:
        with graph.as_default(), context.stop_recording():
            arriving = []
            for position, tensor in enumerate(op.outputs):
                dtype, dims = tensor.dtype.base_dtype, tensor.dims
                if dtype == dtypes.resource:
                    # The cotangent of a handle would be that of the variable's value.
                    dtype, dims = _of_variable(op.inputs[position])
                arriving.append(graph.add_input(dtype, dims, f"result_grads_{position}"))
            found = op.attrs[_FUNCTION](op, *arriving)
            outputs = [None if item is None else graph.capture(convert_to_tensor(item)) for item in found]  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        _LOG.warning("the gradient of %r is not saved: %s", op.name, error)
        return None
    inner = [tensor for tensor, _ in graph.captures if isinstance(tensor, SymbolicTensor)]
    if is_nested and inner:
        _LOG.warning(
            "the gradient of %r is not saved: it needs %r of a function that is called by the saved one",
            op.name,
            inner[0].name,
        )
        return None
    graph.arguments = list(arriving)
    graph.outputs = [tensor for tensor in outputs if tensor is not None]
    graph.structured_outputs = outputs
    forward.kept.extend(tensor.op for tensor in inner)
    names = [f"result_grads_{position}" for position in range(len(arriving))]
    specs = [TensorSpec(tensor.shape, tensor.dtype, name) for tensor, name in zip(arriving, names, strict=True)]
    return ConcreteFunction(graph, specs, {}, names, False)
