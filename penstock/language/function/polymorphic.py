"""`tf.function`: a Python function that is traced once for each kind of arguments."""

from __future__ import annotations

import functools
import inspect
import itertools
import logging
import threading
import types
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from penstock.core.array import Array
from penstock.core.context import executing_eagerly, state
from penstock.core.op import run_functions_with
from penstock.core.tensor import EagerTensor
from penstock.language.autograph import ControlStatusCtx, Status, convert
from penstock.language.function.arguments import PLAIN, Description, PythonSignature, as_spec, generalize, is_within
from penstock.language.function.concrete import ConcreteFunction
from penstock.language.function.creation import VariableCreator
from penstock.language.function.eager_functions import switch
from penstock.language.function.retracing import RetracingDetector
from penstock.language.function.tracing import trace
from penstock.language.init_scope import outermost_graph
from penstock.language.variable_base import variable_creator_scope

_PLAIN = frozenset(PLAIN)
_tracing = threading.RLock()  # one trace at a time: functions call one another
_numbers = itertools.count()
_MOST_FAST_CALLS = 256


class WeakMethod:
    """A method bound to an object that it does not keep alive.

    Args:
        function: the function of the class.
        instance: the object.
    """

    __name__: str

    def __init__(self, function: Callable[..., Any], instance: Any) -> None:
        self.__func__ = function
        self._instance = weakref.ref(instance)
        functools.update_wrapper(self, function)
        signature = inspect.signature(function)
        self.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])

    @property
    def __self__(self) -> Any:
        instance = self._instance()
        if instance is None:
            raise ReferenceError(f"the object whose method {self.__name__!r} is called no longer exists")
        return instance

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the method."""
        return self.__func__(self.__self__, *args, **kwargs)


class _Table:
    """The traces for arguments of one structure: the specs that they were made for, in order."""

    def __init__(self) -> None:
        self.traces: dict[tuple[Any, ...], ConcreteFunction] = {}
        self.known: dict[tuple[Any, ...], ConcreteFunction] = {}  # also specs that a wider trace serves

    def find(self, specs: tuple[Any, ...]) -> ConcreteFunction | None:
        """Return the trace for arguments of these specs: their own, or the latest one that is wide enough."""
        found = self.known.get(specs)
        if found is None:
            for wide in reversed(self.traces):
                if is_within(specs, wide):
                    found = self.known[specs] = self.traces[wide]
                    break
        return found if found is not None and found._flat.is_callable_here() else None


class Function:
    """A Python function that runs as a compiled graph; see `function`."""

    def __init__(
        self,
        python_function: Callable[..., Any],
        name: str,
        input_signature: Sequence[Any] | None = None,
        autograph: bool = True,
        jit_compile: bool | None = None,
        reduce_retracing: bool = False,
        autograph_options: Any = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> None:
        self._python_function = python_function
        self._name = name
        self._given_signature = input_signature
        self._autograph = autograph
        self._autograph_options = autograph_options
        self._jit_compile = jit_compile
        self._reduce_retracing = reduce_retracing
        self._attributes = dict(attributes or {})
        self._tables: dict[Any, _Table] = {}
        self._fast: dict[tuple[Any, ...], ConcreteFunction] = {}
        self._open: set[Any] = set()  # what is being traced
        self._has_traced = False
        self._traces = 0
        self._created: list[Callable[[], Any]] = []
        self._detector = RetracingDetector()
        self._bound: dict[int, tuple[Any, Function]] = {}
        self.__wrapped__ = python_function
        self.__name__ = name
        self.__doc__ = getattr(python_function, "__doc__", None)
        self.__module__ = getattr(python_function, "__module__", __name__)
        self.__qualname__ = getattr(python_function, "__qualname__", name)
        if jit_compile:
            _say_how_it_compiles()

    # Calling

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function: traced if arguments of this kind are new, and run as a Program.

        Raises:
            TypeError: if the arguments do not fit.
        """
        if not kwargs:
            # The short way: tensors and plain Python values, outside graphs and tapes.
            key: list[Any] = []
            values: list[Any] = []
            for arg in args:
                kind = type(arg)
                if kind is EagerTensor:
                    value = arg.value
                    if type(value) is not Array or arg.dtype.is_quantized:
                        break
                    values.append(value)
                    key.append(value.dtype)
                    key.append(value.shape)
                elif kind in _PLAIN:
                    key.append(kind)
                    key.append(arg)
                else:
                    break
            else:
                concrete = self._fast.get(tuple(key))
                if concrete is not None and not state.tapes and executing_eagerly() and not switch.on:
                    self._detector.calls += 1
                    return concrete.run(values)
                return self._call(args, kwargs, tuple(key))
        return self._call(args, kwargs, None)

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any], key: tuple[Any, ...] | None) -> Any:
        if switch.on:
            return self._python_function(*args, **kwargs)
        self._detector.calls += 1
        bound_args, bound_kwargs = self._signature.bind(args, kwargs)
        description = Description(bound_args, bound_kwargs)
        concrete = self._concrete_for(description, bound_args, bound_kwargs)
        if key is not None and executing_eagerly() and len(self._fast) < _MOST_FAST_CALLS:
            tensors = [arg for arg in args if type(arg) is EagerTensor]
            taken = description.tensors
            if len(tensors) == len(taken) and all(a is b for a, b in zip(tensors, taken, strict=True)):
                self._fast[key] = concrete
        return concrete.call_flat(description.tensors)

    @functools.cached_property
    def _signature(self) -> PythonSignature:
        return PythonSignature(self._python_function, self._given_signature)

    def _concrete_for(
        self, description: Description, args: tuple[Any, ...], kwargs: dict[str, Any], values: bool = True
    ) -> ConcreteFunction:
        outermost = outermost_graph()
        key = (None if outermost is None else id(outermost), description.structure)
        specs = tuple(description.specs)
        table = self._tables.get(key)
        if table is not None:
            found = table.find(specs)
            if found is not None:
                return found
        with _tracing:
            table = self._tables.setdefault(key, _Table())
            found = table.find(specs)
            if found is not None:
                return found
            opened = (threading.get_ident(), key, specs)
            if opened in self._open:
                raise RecursionError(
                    f"tf.function {self._name!r} calls itself with arguments of the kind for which it is being traced, "
                    "which would never end. Write the recursion as a loop, or leave the decorator away from the inner "
                    "function."
                )
            self._open.add(opened)
            try:
                return self._trace(table, description, args, kwargs, specs, values)
            finally:
                self._open.discard(opened)

    def _trace(
        self,
        table: _Table,
        description: Description,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        specs: tuple[Any, ...],
        values: bool,
    ) -> ConcreteFunction:
        self._forget_the_dead()
        if self._given_signature is not None:
            whole = self._signature.specs()
            args = (*whole[: len(self._given_signature)], *args[len(self._given_signature) :])
            wide = tuple(Description(args, kwargs).specs)
        else:
            wide = specs
            if self._reduce_retracing:
                for other in reversed(table.traces):
                    general = generalize(specs, other)
                    if general is not None:
                        wide = general
                        break
        names = self._signature.names
        if self._given_signature is None:
            self._detector.note_trace(self._name, description, names)
        given = description.tensors if values else []
        first = not self._has_traced
        creator = VariableCreator(first)
        concrete = self._trace_once(args, kwargs, wide, given, creator)
        self._has_traced = True
        if creator.created:
            self._created = creator.created
            # What a later call does is traced anew: variables exist now.
            concrete = self._trace_once(args, kwargs, wide, given, VariableCreator(False))
        concrete._identities = description.identities
        table.traces[wide] = table.known[wide] = table.known[specs] = concrete
        return concrete

    def _trace_once(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], specs: Sequence[Any], values: Sequence[Any], creator: Any
    ) -> ConcreteFunction:
        self._traces += 1
        names = self._signature.names
        with variable_creator_scope(creator):
            graph = trace(
                self._staged(),
                f"__inference_{_identifier(self._name)}_{next(_numbers)}",
                args,
                kwargs,
                [as_spec(spec) for spec in specs],
                names,
                values,
            )
        graph.function_attributes = dict(self._attributes)
        return ConcreteFunction(graph, args, kwargs, names, self._signature.has_varargs)

    def _staged(self) -> Callable[..., Any]:
        """Return what is called to build the graph."""
        function = self._python_function
        if not self._autograph:
            return function
        options = self._autograph_options

        def staged(*args: Any, **kwargs: Any) -> Any:
            with ControlStatusCtx(Status.ENABLED, options):
                if isinstance(function, WeakMethod):
                    return types.MethodType(convert(function.__func__), function.__self__)(*args, **kwargs)
                return convert(function)(*args, **kwargs)

        return staged

    def _forget_the_dead(self) -> None:
        """Drop the traces for objects that no longer exist."""
        for key, table in list(self._tables.items()):
            if any(identity.value is None for concrete in table.traces.values() for identity in concrete._identities):
                del self._tables[key]

    # Concrete functions

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> ConcreteFunction:
        """Return the traced function for arguments of one kind.

        Args:
            *args, **kwargs: arguments of the Python function, TensorSpecs in place of tensors. Nothing where the
                function has an input signature.
        Raises:
            TypeError: if they do not fit the parameters.
        """
        if self._given_signature is not None and not args and not kwargs:
            args = self._signature.specs()
        bound_args, bound_kwargs = self._signature.bind(args, kwargs)
        description = Description(bound_args, bound_kwargs)
        return self._concrete_for(description, bound_args, bound_kwargs, values=False)

    def _concrete_functions(self) -> list[ConcreteFunction]:
        return [concrete for table in self._tables.values() for concrete in table.traces.values()]

    def _list_all_concrete_functions(self) -> list[ConcreteFunction]:
        """Return all traces; a function with an input signature has at least one."""
        if self._given_signature is not None:
            self.get_concrete_function()
        return self._concrete_functions()

    def _saved_functions(self) -> list[ConcreteFunction]:
        """Return the traces that a saved model can have: those whose arguments can be written."""
        return [concrete for concrete in self._list_all_concrete_functions() if not concrete._identities]

    def _list_all_concrete_functions_for_serialization(self) -> list[ConcreteFunction]:
        return self._saved_functions()

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        if save_type == "checkpoint":
            return {}
        return {f"trace_{number}": concrete for number, concrete in enumerate(self._saved_functions())}

    def pretty_printed_concrete_signatures(self, verbose: bool = True) -> str:
        """Return the signatures of all traces as text."""
        return "\n\n".join(c.pretty_printed_signature(verbose) for c in self._concrete_functions())

    def experimental_get_tracing_count(self) -> int:
        """Return how many times the Python function was traced."""
        return self._traces

    @property
    def python_function(self) -> Callable[..., Any]:
        """The Python function."""
        return self._python_function

    @property
    def input_signature(self) -> tuple[Any, ...] | None:
        """The specs that the function was declared with."""
        return None if self._given_signature is None else tuple(self._given_signature)

    @property
    def function_spec(self) -> PythonSignature:
        """The parameters of the Python function."""
        return self._signature

    @property
    def name(self) -> str:
        """The function's name."""
        return self._name

    # Methods

    def __get__(self, instance: Any, owner: Any = None) -> Function:
        """Return the function as a method of an object; each object has traces of its own."""
        if instance is None:
            return self
        known = self._bound.get(id(instance))
        if known is not None and known[0]() is instance:
            return known[1]
        bound = self._like(WeakMethod(self._python_function, instance))
        key = id(instance)
        self._bound[key] = (weakref.ref(instance, lambda _: self._bound.pop(key, None)), bound)
        return bound

    def _like(self, python_function: Callable[..., Any]) -> Function:
        return Function(
            python_function,
            self._name,
            self._given_signature,
            self._autograph,
            self._jit_compile,
            self._reduce_retracing,
            self._autograph_options,
            self._attributes,
        )

    def _decorate(self, decorator: Callable[..., Any]) -> None:
        """Wrap the Python function, before anything is traced."""
        if self._has_traced:
            raise ValueError("Functions cannot be decorated after they have been traced.")
        self._python_function = decorator(self._python_function)
        self.__dict__.pop("_signature", None)

    def __repr__(self) -> str:
        return f"<tf.function {self._name!r} at {id(self):#x}>"


def _identifier(name: str) -> str:
    cleaned = "".join(c if c.isalnum() or c == "_" else "_" for c in name)
    return cleaned.lstrip("_") or "function"


@functools.cache
def _say_how_it_compiles() -> None:
    logging.getLogger("tensorflow").info(
        "jit_compile=True: functions run as compiled Programs of kernel calls, as they do without it."
    )


def _name_of(function: Any) -> str:
    while isinstance(function, functools.partial):
        function = function.func
    return getattr(function, "__name__", type(function).__name__)


def function(
    func: Callable[..., Any] | None = None,
    input_signature: Sequence[Any] | None = None,
    autograph: bool = True,
    jit_compile: bool | None = None,
    reduce_retracing: bool = False,
    experimental_implements: str | None = None,
    experimental_autograph_options: Any = None,
    experimental_attributes: Mapping[str, Any] | None = None,
    experimental_relax_shapes: bool | None = None,
    experimental_compile: bool | None = None,
    experimental_follow_type_hints: bool | None = None,
) -> Any:
    """Make a Python function run as a compiled graph.

    The function is traced once for each kind of arguments: tensors count by type and shape, Python values by type and
    value, other objects by identity. What it does to tensors becomes the graph, everything else happens while it is
    traced.

    Args:
        func: the function; without it, a decorator is returned.
        input_signature: specs of the arguments; the function is then traced once, and takes nothing else.
        autograph: whether Python's control flow over tensors becomes that of the graph.
        jit_compile: accepted; functions are compiled in either case.
        reduce_retracing: whether a trace for another shape is made for all sizes where the two shapes differ.
        experimental_implements: a name for what the function does, kept among its attributes.
        experimental_autograph_options: accepted as TensorFlow does.
        experimental_attributes: attributes of the function, such as `{"_noinline": True}`.
        experimental_relax_shapes: the former name of `reduce_retracing`.
        experimental_compile: the former name of `jit_compile`.
        experimental_follow_type_hints: accepted; arguments are taken as they come.
    Returns:
        A `Function`, or a decorator that makes one.
    Raises:
        TypeError: if `func` is not callable, or the input signature does not fit it.

    >>> import penstock as tf
    >>> @tf.function
    ... def double(x):
    ...     return x + x
    >>> float(double(tf.constant(2.0)))
    4.0
    >>> double.experimental_get_tracing_count()
    1
    """
    if input_signature is not None and not isinstance(input_signature, (list, tuple)):
        raise TypeError(f"input_signature must be either a tuple or a list, got {type(input_signature)}.")
    attributes = dict(experimental_attributes or {})
    if experimental_implements is not None:
        attributes["_implements"] = experimental_implements

    def decorate(inner: Callable[..., Any]) -> Any:
        if isinstance(inner, (classmethod, staticmethod)):
            return type(inner)(decorate(inner.__func__))
        if isinstance(inner, property):
            raise TypeError("tf.function cannot decorate a property: put @property around the decorated function.")
        if not callable(inner):
            raise TypeError(f"tf.function needs something callable, got {inner!r}")
        plain = inner.python_function if isinstance(inner, Function) else inner
        made = Function(
            plain,
            _name_of(plain),
            input_signature,
            autograph,
            experimental_compile if jit_compile is None else jit_compile,
            bool(reduce_retracing or experimental_relax_shapes),
            experimental_autograph_options,
            attributes,
        )
        if input_signature is not None and not _may_be_method(plain):
            PythonSignature(plain, input_signature)
        return made

    return decorate if func is None else decorate(func)


def _may_be_method(python_function: Callable[..., Any]) -> bool:
    try:
        names = list(inspect.signature(python_function).parameters)
    except (TypeError, ValueError):
        return True
    return bool(names) and names[0] == "self"


run_functions_with(lambda python_function: Function(python_function, "raw_operation", autograph=False))
