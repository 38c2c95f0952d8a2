"""Functions with names: TensorFlow 1's `Defun`.

A function is called by a node under its own name, and runs as one operation: nothing inside it can be fetched, and its
intermediate values are freed when it returns. The graph carries its definition in the library of functions.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from penstock.core import nest
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import DType, as_dtype
from penstock.core.func_graph import FuncGraph
from penstock.core.graph import Graph, current_graph, get_default_graph
from penstock.core.graph_def import function_def
from penstock.core.operation import Operation
from penstock.core.shape import as_dims
from penstock.core.tensor import Tensor
from penstock.ops.function_call import FunctionOp, call_function


class Defun:
    """Decorator that makes a Python function over tensors a function of the graph.

    Args:
        *input_types: the types of its arguments; without them, those of each call, which gives one function for each
            combination of types.
        func_name: its name, by default that of the Python function with a hash of its definition.
        grad_func: a decorated function that takes the arguments and the cotangents of the results, and returns the
            cotangents of the arguments.
        python_grad_func: `(op, *cotangents) -> cotangents of the arguments`, called where the graph is differentiated.
        out_names: names of the results.
        noinline: whether whoever runs the graph is asked not to inline calls.
        shape_func: `(op) -> shapes of the results`.
        kwargs: attributes of the function, such as `experimental_tag`; `capture_by_value` is accepted.

    >>> import penstock.v1 as tf
    >>> @Defun(tf.float32, tf.float32, func_name="Hypotenuse")
    ... def hypotenuse(a, b):
    ...     return tf.sqrt(a * a + b * b)
    >>> with tf.Graph().as_default(), tf.Session() as session:
    ...     c = hypotenuse(3.0, 4.0)
    ...     print(c.op.type, session.run([c, *tf.gradients(c, c.op.inputs[0])]))
    Hypotenuse [np.float32(5.0), np.float32(0.6)]
    """

    def __init__(
        self,
        *input_types: Any,
        func_name: str | None = None,
        grad_func: Any = None,
        python_grad_func: Callable[..., Any] | None = None,
        out_names: Sequence[str] | None = None,
        noinline: bool | None = None,
        shape_func: Callable[[Operation], Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if grad_func is not None and python_grad_func is not None:
            raise ValueError("Gradient defined twice: pass grad_func or python_grad_func, not both")
        self._input_types = input_types
        self._options: dict[str, Any] = {
            "func_name": func_name,
            "grad_func": grad_func,
            "python_grad_func": python_grad_func,
            "out_names": out_names,
            "noinline": noinline,
            "shape_func": shape_func,
            "attributes": {key: value for key, value in kwargs.items() if key != "capture_by_value"},
        }

    def __call__(self, func: Callable[..., Any]) -> Any:
        """Decorate a function.

        Raises:
            ValueError: if it does not take as many arguments as there are types.
        """
        if not callable(func):
            raise ValueError(f"function {func!r} must be callable")
        positional, takes_more = _positional(func)
        given = len(self._input_types)
        if given and (given < positional or given > positional and not takes_more):
            raise ValueError(
                f"The function has {positional} arguments, but {given} types were given to Defun: they must agree"
            )
        if given or not positional and not takes_more:
            return DefinedFunction(func, [as_dtype(t) for t in self._input_types], **self._options)
        return _OverloadedFunction(func, self._options)


def _positional(func: Callable[..., Any]) -> tuple[int, bool]:
    kinds = [p.kind for p in inspect.signature(func).parameters.values()]
    ordinary = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(kind in ordinary for kind in kinds), inspect.Parameter.VAR_POSITIONAL in kinds


class DefinedFunction:
    """A function of fixed argument types; see `Defun`. It is built when it is first called or asked for."""

    def __init__(
        self,
        func: Callable[..., Any],
        input_types: Sequence[DType],
        func_name: str | None = None,
        grad_func: Any = None,
        python_grad_func: Callable[..., Any] | None = None,
        out_names: Sequence[str] | None = None,
        noinline: bool | None = None,
        shape_func: Callable[[Operation], Any] | None = None,
        attributes: dict[str, Any] | None = None,
    ) -> None:
        self._func = func
        self._input_types = list(input_types)
        self._name = func_name
        self._grad_func = grad_func
        self._python_grad_func = python_grad_func
        self._out_names = list(out_names or ())
        self._shape_func = shape_func
        self._attributes: dict[str, Any] = {f"_{key}": value for key, value in (attributes or {}).items()}
        if noinline is not None:
            self._attributes["_noinline"] = bool(noinline)
        self._built: dict[int, tuple[Graph, FuncGraph, FunctionOp, bool]] = {}
        self.__doc__ = func.__doc__
        self.__name__ = getattr(func, "__name__", "Defun")

    # What it is

    @property
    def name(self) -> str:
        """The function's name in the graph."""
        return self._body().name

    @property
    def definition(self) -> Any:
        """The function as a FunctionDef message."""
        return function_def(self._body())

    @property
    def declared_input_types(self) -> list[DType]:
        """The types of the arguments."""
        return list(self._input_types)

    @property
    def captured_inputs(self) -> list[Tensor]:
        """The tensors of the surrounding graph that the function uses, passed along at each call."""
        return self._body().external_captures

    @property
    def python_grad_func(self) -> Callable[..., Any] | None:
        """The Python function for its gradient, if it has one."""
        return self._python_grad_func

    @property
    def grad_func_name(self) -> str | None:
        """The name of the function for its gradient, if it has one."""
        return None if self._grad_func is None else self._grad_func.name

    @property
    def stateful_ops(self) -> list[tuple[str, str]]:
        """Name and type of the operations in it that have effects."""
        ops = self._body().get_operations()
        return [(op.name, op.type) for op in ops if op.op_def.is_stateful and op.type != "Placeholder"]

    def add_to_graph(self, graph: Graph) -> None:
        """Put the function into a graph's library, also where nothing calls it."""
        with graph.as_default():
            body = self._body()
        graph._functions[body.name] = body

    def set_grad_func(self, grad_func: Any) -> None:
        """Give the function for its gradient; see `Defun`.

        Raises:
            ValueError: if it has one.
        """
        if self._grad_func is not None or self._python_grad_func is not None:
            raise ValueError("Gradient defined twice")
        self._grad_func = grad_func
        self._built.clear()

    # Building it

    def _body(self) -> FuncGraph:
        return self._build(get_default_graph())[0]

    def _build(self, graph: Graph) -> tuple[FuncGraph, FunctionOp, bool]:
        found = self._built.get(id(graph))
        if found is not None and found[0] is graph:
            return found[1:]
        body = FuncGraph(self._name or self.__name__, graph)
        body.output_names = list(self._out_names)
        body.function_attributes = dict(self._attributes)
        with body.as_default():
            names = _argument_names(self._func, len(self._input_types))
            arguments = [
                body.add_input(t.base_dtype, None, name) for t, name in zip(self._input_types, names, strict=True)
            ]
            result = self._func(*arguments)
            is_single = not isinstance(result, (list, tuple))
            flat = [] if result is None or isinstance(result, Operation) else nest.flatten(result)
            body.outputs = [body.capture(convert_to_tensor(item)) for item in flat]  # type: ignore[arg-type]
        if self._out_names and len(self._out_names) != len(body.outputs):
            raise ValueError(
                f"Length of out_names ({len(self._out_names)}) does not match number of outputs ({len(body.outputs)}): "
                f"{', '.join(self._out_names)}"
            )
        if self._name is None:
            content = function_def(body).SerializeToString(deterministic=True)
            body.name = f"{self.__name__.strip('<>')}_{hashlib.sha256(content).hexdigest()[:8]}"
        if self._grad_func is not None:
            body.gradient, _, _ = self._grad_func._build(graph)
            body.has_own_gradient = True
            _check_gradient(body, body.gradient)
        function_op = FunctionOp(body)
        if self._python_grad_func is not None:
            function_op.gradient_rule = self._python_grad_func
        self._built[id(graph)] = (graph, body, function_op, is_single)
        return body, function_op, is_single

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function.

        Args:
            args: one value for each argument.
            kwargs: `name`, the node's name.
        Returns:
            A tensor; a tuple of them if the function returns several; the Operation if it returns nothing.
        """
        graph = current_graph()
        if graph is None:
            return self._func(*(convert_to_tensor(a, t) for a, t in zip(args, self._input_types, strict=True)))
        name = kwargs.pop("name", None)
        if kwargs:
            raise ValueError(f"Unknown keyword arguments: {', '.join(kwargs)}. A call takes `name` only")
        if len(args) != len(self._input_types):
            raise ValueError(f"Expected number of arguments: {len(self._input_types)}, received: {len(args)}")
        body, function_op, is_single = self._build(_outermost(graph))
        inputs = [convert_to_tensor(a, t.base_dtype) for a, t in zip(args, self._input_types, strict=True)]
        op = call_function(function_op, [*inputs, *body.external_captures], name)
        _outermost(graph)._functions.setdefault(body.name, body)
        if self._shape_func is not None:
            for tensor, shape in zip(op.outputs, self._shape_func(op), strict=True):
                tensor.set_shape(as_dims(shape))
        if not op.outputs:
            return op
        return op.outputs[0] if is_single and len(op.outputs) == 1 else tuple(op.outputs)


def _outermost(graph: Graph) -> Graph:
    while isinstance(graph, FuncGraph) and graph.outer_graph is not None:
        graph = graph.outer_graph
    return graph


def _argument_names(func: Callable[..., Any], count: int) -> list[str]:
    names = [name for name, p in inspect.signature(func).parameters.items() if p.kind is not p.VAR_POSITIONAL]
    return [names[i] if i < len(names) else f"arg{i}" for i in range(count)]


def _check_gradient(body: FuncGraph, gradient: FuncGraph) -> None:
    wanted = [t.dtype.base_dtype for t in (*body.inputs, *body.outputs)]
    given = [t.dtype.base_dtype for t in gradient.inputs]
    if wanted != given or len(gradient.outputs) != len(body.inputs):
        raise ValueError(
            f"The gradient function {gradient.name!r} of {body.name!r} must take its arguments and the cotangents of "
            "its "
            f"results ({', '.join(t.name for t in wanted)}) and return {len(body.inputs)} cotangents; it takes "
            f"{', '.join(t.name for t in given)} and returns {len(gradient.outputs)}"
        )


class _OverloadedFunction:
    """A function without declared types: one function for each combination of argument types."""

    def __init__(self, func: Callable[..., Any], options: dict[str, Any]) -> None:
        self._func = func
        self._options = options
        self._overloads: dict[tuple[DType, ...], DefinedFunction] = {}
        self.__doc__ = func.__doc__

    def instantiate(self, input_types: Sequence[Any]) -> DefinedFunction:
        """Return the function for arguments of these types."""
        types = tuple(as_dtype(t) for t in input_types)
        if types not in self._overloads:
            options = dict(self._options)
            if options["func_name"] is not None:
                options["func_name"] = "_".join([options["func_name"], *(t.name for t in types)])
            self._overloads[types] = DefinedFunction(self._func, types, **options)
        return self._overloads[types]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function for the types of the arguments; see `DefinedFunction`."""
        tensors = [convert_to_tensor(item) for item in args]
        return self.instantiate([t.dtype.base_dtype for t in tensors])(*tensors, **kwargs)
