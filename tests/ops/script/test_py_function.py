from __future__ import annotations

import gc

import numpy as np
import pytest

import penstock.ops  # noqa: F401
from penstock.core import dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.errors import InvalidArgumentError, OutOfRangeError, UnimplementedError, UnknownError
from penstock.core.gradients import gradients_of
from penstock.core.graph import Graph
from penstock.core.tape import GradientTape
from penstock.ops.constant import placeholder
from penstock.ops.script import py_function as module
from penstock.ops.script.py_function import numpy_function, py_func, py_function
from penstock.runtime.session import Session

COVERS = ("PyFunc", "PyFuncStateless", "EagerPyFunc")


class OwnError(Exception):
    """An exception that TensorFlow has no class for."""


def raising(error):
    def function(*_):
        raise error

    return function


def run(build, feeds=()):
    with Graph().as_default() as graph, Session(graph=graph) as session:
        return session.run(build(), dict(feeds))


@pytest.mark.parametrize("stateful", [True, False])
def test_py_func_gives_arrays_and_takes_arrays(stateful):
    seen = []

    def function(x, text):
        seen.append((type(x), x.dtype, text))
        return x + 1, np.array(["a", "bcd"])

    with Graph().as_default() as graph, Session(graph=graph) as session:
        added, texts = py_func(function, [[1.5, 2.5], "hey"], [dtypes.float32, dtypes.string], stateful)
        assert added.shape.dims is None
        assert added.op.type == ("PyFunc" if stateful else "PyFuncStateless")
        got, strings = session.run([added, texts])
    np.testing.assert_array_equal(got, np.float32([2.5, 3.5]))
    np.testing.assert_array_equal(strings, np.array([b"a", b"bcd"], object))
    assert seen == [(np.ndarray, np.dtype(np.float32), b"hey")]


def test_py_func_cannot_write_into_what_was_fed():
    def function(x):
        x[:] = 0
        return x

    with Graph().as_default() as graph, Session(graph=graph) as session:
        x = placeholder(dtypes.float32)
        fed = np.ones(3, np.float32)
        session.run(py_func(function, [x], dtypes.float32), {x: fed})
    np.testing.assert_array_equal(fed, np.ones(3))


@pytest.mark.parametrize(
    ("returned", "dtype", "message"),
    [
        (2.5, dtypes.float32, "0-th value returned by pyfunc_[0-9]+ is double, but expects float"),
        (3, dtypes.int32, "is int64, but expects int32"),
        ("text", dtypes.int32, "is string, but expects int32"),
        (None, dtypes.int32, "returns 0 values, but expects to see 1 values"),
        ([1.0, 2.0], dtypes.float64, "returns 2 values, but expects to see 1 values"),
    ],
)
def test_py_func_must_return_what_was_declared(returned, dtype, message):
    with pytest.raises(InvalidArgumentError, match=message):
        run(lambda: py_func(lambda: returned, [], dtype))


@pytest.mark.parametrize("call", [py_func, py_function])
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("boom"), InvalidArgumentError),
        (TypeError("boom"), InvalidArgumentError),
        (StopIteration("boom"), OutOfRangeError),
        (NotImplementedError("boom"), UnimplementedError),
        (OwnError("boom"), UnknownError),
    ],
)
def test_exceptions_become_errors_of_the_operation(call, error, expected):
    with pytest.raises(expected, match=f"{type(error).__name__}: boom") as caught:
        run(lambda: call(raising(error), [], dtypes.float32))
    assert caught.value.op.type in ("PyFunc", "EagerPyFunc")


def test_no_outputs_give_the_operation():
    calls = []
    with Graph().as_default() as graph, Session(graph=graph) as session:
        op = py_func(lambda: calls.append(1), [], [])
        assert op.type == "PyFunc"
        session.run(op)
        session.run(py_function(lambda: calls.append(2), [], []))
    assert calls == [1, 2]


def test_functions_live_as_long_as_their_graph():
    with Graph().as_default() as graph:
        token = py_func(lambda: 1.0, [], dtypes.float64).op.get_attr("token").decode()
    gc.collect()
    assert token in module._functions
    del graph
    gc.collect()
    assert token not in module._functions


def test_numpy_function_runs_at_once_eagerly():
    added = numpy_function(lambda a, b: (a + b, a * b), [2.0, convert_to_tensor(3.0)], [dtypes.float32] * 2)
    assert [float(item) for item in added] == [5.0, 6.0]
    with pytest.raises(OwnError):
        numpy_function(raising(OwnError()), [], dtypes.float32)


def test_py_function_takes_eager_tensors():
    def function(x):
        return x.numpy() ** 2

    assert float(py_function(function, [3.0], dtypes.float32)) == 9.0
    assert run(lambda: py_function(function, [3.0], dtypes.float32)) == 9.0
    for mode in (lambda build: build(), run):
        with pytest.raises(InvalidArgumentError, match="requested dtype int32"):
            mode(lambda: py_function(lambda x: x + 1.0, [1.0], dtypes.int32))


def test_py_function_is_differentiable_eagerly_to_any_order():
    x = convert_to_tensor(3.0)
    with GradientTape() as outer:
        outer.watch(x)
        with GradientTape() as inner:
            inner.watch(x)
            y = py_function(lambda a: a * a * a, [x], dtypes.float32)
        slope = inner.gradient(y, x)
    assert float(slope) == 27.0
    assert float(outer.gradient(slope, x)) == 18.0


def test_py_function_is_differentiable_in_graphs_to_second_order():
    calls = []

    def function(a, n):
        calls.append(1)
        return a * a * a, n

    with Graph().as_default() as graph, Session(graph=graph) as session:
        x = placeholder(dtypes.float32)
        y, _ = py_function(function, [x, 5], [dtypes.float32, dtypes.int32])
        (slope,) = gradients_of(graph, [y], [x])
        feeds = {x: [1.0, 2.0]}
        value, first = session.run([y, slope], feeds)
        assert len(calls) == 1  # the gradient is that of the call which gave the value
        (curvature,) = gradients_of(graph, [slope], [x])
        second = session.run(curvature, feeds)
    np.testing.assert_allclose(value, [1.0, 8.0])
    np.testing.assert_allclose(first, [3.0, 12.0])
    np.testing.assert_allclose(second, [6.0, 12.0])


def test_recorded_calls_are_forgotten_with_their_outputs():
    with Graph().as_default() as graph, Session(graph=graph) as session:
        x = placeholder(dtypes.float32)
        y = py_function(lambda a: a * a, [x], dtypes.float32)
        (slope,) = gradients_of(graph, [y], [x])
        for _ in range(3):
            session.run(slope, {x: 2.0})
        gc.collect()
        assert not module._functions[y.op.get_attr("token").decode()]._records
