"""PyFunc, PyFuncStateless and EagerPyFunc: Python functions called while a graph runs.

A node names its function by a token. The functions are registered by token for as long as the graph that calls them
lives, since the graph keeps them.
"""

from __future__ import annotations

import itertools
import threading
import traceback
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from penstock.core import array, context, dtypes, nest
from penstock.core.array import Value
from penstock.core.backprop import is_differentiable
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import DType, as_dtype
from penstock.core.errors import (
    InternalError,
    InvalidArgumentError,
    OpError,
    OutOfRangeError,
    ResourceExhaustedError,
    UnimplementedError,
    UnknownError,
)
from penstock.core.graph import current_graph, get_default_graph
from penstock.core.indexed_slices import IndexedSlices
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.tape import GradientTape
from penstock.core.tensor import EagerTensor, Tensor
from penstock.ops.constant import identity

_ERRORS: tuple[tuple[type[BaseException], Callable[..., OpError]], ...] = (
    (NotImplementedError, UnimplementedError),
    (MemoryError, ResourceExhaustedError),
    (StopIteration, OutOfRangeError),
    (ValueError, InvalidArgumentError),
    (TypeError, InvalidArgumentError),
)
_NAMES_IN_MESSAGES = {"float32": "float", "float64": "double", "float16": "half"}


class Function:
    """A Python function that nodes call, and what it takes to differentiate its latest calls.

    Attributes:
        token: the name by which nodes call it.
        call: the function.
        keeps_tapes: whether calls are recorded, because a gradient has been asked for.
    """

    def __init__(self, token: str, call: Callable[..., Any]) -> None:
        self.token = token
        self.call = call
        self.keeps_tapes = False
        self._records: dict[int, _Record] = {}  # by the id of an output that is alive
        self._lock = threading.Lock()  # guards _records

    def keep(self, record: _Record, output: Value) -> None:
        """Remember how `output` was computed, for as long as it is alive."""
        key = id(output)
        with self._lock:
            self._records[key] = record
        weakref.finalize(output, self._forget, key)

    def _forget(self, key: int) -> None:
        with self._lock:
            self._records.pop(key, None)

    def record_of(self, outputs: Sequence[Value]) -> _Record | None:
        """Return how `outputs` were computed, if they are known to come from one recorded call."""
        with self._lock:
            found = {id(record): record for record in (self._records.get(id(output)) for output in outputs) if record}
        return next(iter(found.values())) if len(found) == 1 else None


class _Record:
    """One recorded call: its tape, inputs and outputs."""

    def __init__(self, tape: GradientTape, inputs: list[EagerTensor], outputs: list[Tensor]) -> None:
        self.tape = tape
        self.inputs = inputs
        self.outputs = outputs


_functions: weakref.WeakValueDictionary[str, Function] = weakref.WeakValueDictionary()
_numbers = itertools.count()


def _register(function: Callable[..., Any]) -> Function:
    token = f"pyfunc_{next(_numbers)}"
    registered = _functions[token] = Function(token, function)
    return registered


def _keep_with_graph(function: Function) -> None:
    graph: Any = get_default_graph()
    if not hasattr(graph, "_python_functions"):
        graph._python_functions = []
    graph._python_functions.append(function)


def _function_of(token: str) -> Function:
    function = _functions.get(token)
    if function is None:
        raise InvalidArgumentError(
            None,
            None,
            f"callback {token} is not found: a GraphDef holds no Python functions; build the graph in this process",
        )
    return function


def failure(error: Exception) -> OpError:
    """Return the error of an operation whose function raised `error`: of the class that TensorFlow gives it.

    Args:
        error: what the user's function raised.
    """
    kind: Callable[..., OpError] = next((mine for theirs, mine in _ERRORS if isinstance(error, theirs)), UnknownError)
    trace = "".join(traceback.format_exception(error))
    return kind(None, None, f"{type(error).__name__}: {error}\n{trace}")


def _check_count(function: Function, found: int, expected: int) -> None:
    if found != expected:
        raise InvalidArgumentError(
            None, None, f"{function.token} returns {found} values, but expects to see {expected} values."
        )


def _unknown_outputs(input: list[Dims], *, token: str, Tout: list[DType], **attrs: Any) -> list[Dims]:
    return [None] * len(Tout)


# Functions of NumPy arrays


def _call_with_arrays(input: list[Value], *, token: str, Tout: list[DType]) -> list[Value]:
    function = _function_of(token)
    arguments = [array.to_numpy(value, copy=True) for value in input]
    try:
        returned = function.call(*arguments)
    except Exception as error:
        raise failure(error) from error
    if returned is None:
        results = []
    else:
        results = list(returned) if isinstance(returned, (list, tuple)) else [returned]
    _check_count(function, len(results), len(Tout))
    return [
        _as_value(function, index, item, dtype) for index, (item, dtype) in enumerate(zip(results, Tout, strict=True))
    ]


def _as_value(function: Function, index: int, item: Any, dtype: DType) -> Value:
    numbers = item if isinstance(item, (str, bytes)) else np.asarray(item, order="C")
    if isinstance(numbers, (str, bytes)) or numbers.dtype.kind in "SUO":
        boxed = np.empty((), dtype=object)
        boxed[()] = numbers
        strings = boxed if isinstance(numbers, (str, bytes)) else numbers.astype(object)
        try:
            value, found = array.from_numpy(strings), dtypes.string
        except TypeError as error:
            raise InternalError(None, None, f"{function.token} returned an object that is no array: {error}") from None
    else:
        found = as_dtype(numbers.dtype)
        value = array.from_numpy(numbers, copy=True) if found == dtype else None
    if found != dtype:
        raise InvalidArgumentError(
            None,
            None,
            f"{index}-th value returned by {function.token} is {_NAMES_IN_MESSAGES.get(found.name, found.name)}, but "
            f"expects {_NAMES_IN_MESSAGES.get(dtype.name, dtype.name)}. Let the function return that type, for example "
            f"np.asarray(value, np.{dtype.name}).",
        )
    return value


@op(
    "PyFunc(input: list(Tin)) -> output: list(Tout)",
    minimum={"Tin": 0, "Tout": 0},
    stateful=True,
    differentiable=False,
    shape=_unknown_outputs,
)
def py_func_op(input: list[Value], *, token: str, Tout: list[DType]) -> list[Value]:
    return _call_with_arrays(input, token=token, Tout=Tout)


@op(
    "PyFuncStateless(input: list(Tin)) -> output: list(Tout)",
    minimum={"Tin": 0, "Tout": 0},
    differentiable=False,
    shape=_unknown_outputs,
)
def py_func_stateless_op(input: list[Value], *, token: str, Tout: list[DType]) -> list[Value]:
    return _call_with_arrays(input, token=token, Tout=Tout)


def _types(Tout: Any) -> tuple[list[DType], bool]:
    """Return output types as a list, and whether they were given as one."""
    is_list = isinstance(Tout, (list, tuple))
    return [as_dtype(dtype).base_dtype for dtype in (Tout if is_list else [Tout])], is_list


def _as_given(results: Any, is_list: bool) -> Any:
    if is_list:
        return results if results or current_graph() is None else get_default_graph().get_operations()[-1]
    return results[0]


def py_func(
    func: Callable[..., Any], inp: Sequence[Any], Tout: Any, stateful: bool = True, name: str | None = None
) -> Any:
    """Call a function of NumPy arrays when the graph runs, or at once eagerly.

    Args:
        func: takes arrays (NumPy scalars for tensors without axes), and returns an array, a list of arrays or None.
        inp: the tensors to call it with.
        Tout: the type of what it returns, or a list of types; arrays must have exactly these.
        stateful: False if equal inputs give equal outputs and there are no effects: such calls may be merged.
        name: the node's name.
    Returns:
        A tensor of unknown shape, or a list of them if `Tout` is a list; the operation if that is empty. No gradient
        flows.
    Raises:
        InvalidArgumentError: when it runs, if the function returns other types or another number of arrays.
    """
    if current_graph() is None:
        found = nest.flatten(func(*[np.array(_eager(item)) for item in inp]))
        results = [item if item is None else convert_to_tensor(item) for item in found]
        return results[0] if len(results) == 1 else results
    types, is_list = _types(Tout)
    function = _register(func)
    _keep_with_graph(function)
    call = py_func_op if stateful else py_func_stateless_op
    return _as_given(call(list(inp), token=function.token, Tout=types, name=name), is_list)


def _eager(item: Any) -> Any:
    return item.numpy() if isinstance(item, EagerTensor) else item


def numpy_function(
    func: Callable[..., Any] | None = None,
    inp: Sequence[Any] | None = None,
    Tout: Any = None,
    stateful: bool = True,
    name: str | None = None,
) -> Any:
    """Call a function of NumPy arrays when the graph runs, or at once eagerly. See `py_func`.

    >>> numpy_function(lambda x: np.sinh(x), [np.float32(0.0)], dtypes.float32)
    <tf.Tensor: shape=(), dtype=float32, numpy=0.0>
    """
    if func is None or inp is None:
        raise TypeError(
            "tf.numpy_function needs the function and the list of its inputs: numpy_function(func, inp, Tout)"
        )
    return py_func(func, inp, Tout, stateful, name=name)


# Functions of eager tensors


@op(
    "EagerPyFunc(input: list(Tin)) -> output: list(Tout)",
    minimum={"Tin": 0, "Tout": 0},
    stateful=True,
    shape=_unknown_outputs,
)
def eager_py_func_op(input: list[Value], *, token: str, is_async: bool = False, Tout: list[DType]) -> list[Value]:
    function = _function_of(token)
    arguments = [EagerTensor(value) for value in input]
    if not function.keeps_tapes:
        return [tensor.value for tensor in _call_eagerly(function, arguments, Tout)]
    with context.eager_mode(), context.stop_recording():
        tape = GradientTape(persistent=True)
        with tape:
            tape.watch([argument for argument in arguments if is_differentiable(argument)])
            outputs = _call_eagerly(function, arguments, Tout)
    record = _Record(tape, arguments, list(outputs))
    values = []
    for tensor in outputs:
        value = tensor.value
        if isinstance(value, torch.Tensor):
            # The tape holds the tensor itself, so what is watched for its end must be another object.
            value = value.detach()
            function.keep(record, value)
        values.append(value)
    return values


def _call_eagerly(function: Function, arguments: Sequence[Tensor], types: Sequence[DType]) -> list[Any]:
    with context.eager_mode():
        try:
            returned = function.call(*arguments)
            if returned is None:
                results: list[Any] = []
            else:
                results = list(returned) if isinstance(returned, (list, tuple)) else [returned]
            tensors = [_as_tensor(item, dtype) for item, dtype in zip(results, types, strict=False)]
        except Exception as error:
            raise failure(error) from error
        _check_count(function, len(results), len(types))
        return tensors


def _as_tensor(item: Any, dtype: DType) -> Tensor:
    if item is None:
        return convert_to_tensor(0, dtype) if dtype.is_numeric else convert_to_tensor("", dtype)
    # An input that is returned as it is becomes an output of its own, for the sake of the tape.
    return identity(convert_to_tensor(item, dtype=dtype))


@eager_py_func_op.gradient
def eager_py_func_gradient(call: Any, *grads: Tensor) -> list[Any]:
    function = _function_of(call.attrs["token"])
    function.keeps_tapes = True
    count, types = len(call.inputs), call.attrs["Tout"]
    positions = [index for index, tensor in enumerate(call.inputs) if is_differentiable(tensor)]
    if not positions:
        return [None] * count
    given = [index for index, grad in enumerate(grads) if grad is not None]

    def backward(*arguments: Tensor) -> list[Any]:
        inputs, outputs = list(arguments[:count]), arguments[count : count + len(types)]
        seeds: list[Any] = [None] * len(types)
        for index, seed in zip(given, arguments[count + len(types) :], strict=True):
            seeds[index] = seed
        # Where this is differentiated in turn, the call is repeated on the tensors that the outer tape watches.
        record = None if gradient_function.keeps_tapes else function.record_of([t.value for t in outputs])  # type: ignore[attr-defined]
        if record is None:
            tape = GradientTape(persistent=True)
            with tape:
                tape.watch([inputs[index] for index in positions])
                results = _call_eagerly(function, inputs, types)
        else:
            tape, inputs, results = record.tape, list(record.inputs), record.outputs
        targets = [(result, seed) for result, seed in zip(results, seeds, strict=True) if is_differentiable(result)]
        found = tape.gradient(
            [result for result, _ in targets],
            [inputs[index] for index in positions],
            [seed for _, seed in targets],
            unconnected_gradients="zero",
        )
        return [convert_to_tensor(grad) if isinstance(grad, IndexedSlices) else grad for grad in found]

    gradient_function = _register(backward)
    _keep_with_graph(gradient_function)
    produced = eager_py_func_op(
        [*call.inputs, *call.outputs, *(grads[index] for index in given)],
        token=gradient_function.token,
        Tout=[call.inputs[index].dtype.base_dtype for index in positions],
    )
    result: list[Any] = [None] * count
    for index, grad in zip(positions, produced, strict=True):
        result[index] = grad
    return result


def py_function(
    func: Callable[..., Any] | None = None, inp: Sequence[Any] | None = None, Tout: Any = None, name: str | None = None
) -> Any:
    """Call a function of eager tensors when the graph runs. Gradients flow through what it does.

    Args:
        func: takes eager tensors, and returns a tensor, a list of tensors or None.
        inp: the tensors to call it with.
        Tout: the type of what it returns, or a list of types.
        name: the node's name.
    Returns:
        A tensor of unknown shape, or a list of them if `Tout` is a list; the operation if that is empty.
    Raises:
        OpError: when it runs, if the function raises (InvalidArgumentError for a ValueError or TypeError, UnknownError
            for an exception of its own), or returns other types or another number of tensors.

    >>> py_function(lambda x: x * x, [3.0], dtypes.float32)
    <tf.Tensor: shape=(), dtype=float32, numpy=9.0>
    """
    if func is None or inp is None:
        raise TypeError("tf.py_function needs the function and the list of its inputs: py_function(func, inp, Tout)")
    types, is_list = _types(Tout)
    function = _register(func)
    if current_graph() is None:
        # Tapes around the call record what the function does, which differentiates it to any order.
        return _as_given(_call_eagerly(function, [convert_to_tensor(item) for item in inp], types), is_list)
    _keep_with_graph(function)
    return _as_given(eager_py_func_op(list(inp), token=function.token, Tout=types, name=name), is_list)
