"""What is converted and what is not, and what a converted function keeps of the original."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import penstock as tf
from penstock.core import op_def
from penstock.language import autograph
from penstock.language.autograph import (
    ControlStatusCtx,
    ConversionError,
    Feature,
    Status,
    convert,
    converted_call,
    do_not_convert,
    set_loop_options,
    tf_convert,
    to_code,
    to_graph,
)

TWO = np.int32(2)


def _sign(x: Any, *, zero: int = 0) -> Any:
    """Return the sign."""
    if x > 0:
        return 1
    if x < 0:
        return -1
    return zero


def test_a_converted_function_keeps_its_name_signature_and_documentation() -> None:
    twin = convert(_sign)
    assert twin is not _sign
    assert (twin.__name__, twin.__doc__, twin.__module__) == (_sign.__name__, _sign.__doc__, _sign.__module__)
    assert inspect.signature(twin) == inspect.signature(_sign)
    assert twin.__code__.co_filename == __file__


def test_converting_again_reuses_the_code_and_changes_nothing() -> None:
    first, second = convert(_sign), convert(_sign)
    assert first.__code__ is second.__code__
    assert convert(first) is first


def test_converted_functions_share_variables_with_the_original() -> None:
    count = 0

    def step(x: Any) -> Any:
        nonlocal count
        if x:
            count += 1
        return count

    assert (step(True), convert(step)(True), step(True), convert(step)(False)) == (1, 2, 3, 3)
    assert count == 3


@pytest.mark.parametrize(
    "function",
    [len, np.sum, tf.reduce_sum, inspect.signature, int, dict, Feature.all],
    ids=lambda item: item.__qualname__,
)
def test_library_functions_are_not_converted(function: Callable[..., Any]) -> None:
    assert convert(function) is function


def test_generators_are_not_converted() -> None:
    def numbers() -> Iterator[int]:
        yield 1

    def uses() -> int:
        return sum(n for n in numbers())

    assert convert(numbers) is numbers
    assert convert(uses)() == 1


def test_do_not_convert_leaves_a_function_and_its_callees_alone(staged: Callable[..., Any]) -> None:
    @do_not_convert
    def plain(x: Any) -> Any:
        return 1 if x > 0 else 2

    @do_not_convert()
    def plain_too(x: Any) -> Any:
        return plain(x)

    def outer(x: Any) -> Any:
        return plain_too(x)

    assert convert(plain) is plain
    assert outer(tf.constant(2)) == 1
    with pytest.raises(TypeError):
        staged(outer, TWO)


def test_functions_nested_under_do_not_convert_are_left_alone(staged: Callable[..., Any]) -> None:
    def outer(x: Any) -> Any:
        @autograph.do_not_convert
        def inner(y: Any) -> Any:
            return "yes" if isinstance(y, tf.Tensor) else "no"

        return tf.constant(inner(x))

    assert staged(outer, TWO) == b"yes"


def test_methods_keep_their_object_and_private_names() -> None:
    class Counter:
        def __init__(self) -> None:
            self.__count = 0

        def add(self, n: int) -> int:
            if n > 0:
                self.__count += n
            return self.__count

    counter = Counter()
    twin = convert(counter.add)
    assert twin.__self__ is counter  # type: ignore[attr-defined]
    assert (twin(2), counter.add(3), convert(counter.add)(0)) == (2, 5, 5)


def test_callable_objects_and_partials_are_converted(staged: Callable[..., Any]) -> None:
    class Scale:
        def __call__(self, x: Any) -> Any:
            if x > 1:
                x = x * 10
            return x

    def subtract(a: Any, b: Any) -> Any:
        return a - b if a > b else b - a

    assert staged(Scale(), TWO) == 20
    assert staged(functools.partial(subtract, 7), TWO) == 5
    assert staged(functools.partial(subtract, b=7), TWO) == 5


def test_lambdas_that_share_a_line_are_told_apart(staged: Callable[..., Any]) -> None:
    pair = [lambda x: x + 1 if x > 1 else x, lambda x: x + 2 if x > 1 else x]
    assert [staged(f, TWO) for f in pair] == [3, 4]


def test_decorated_functions_are_converted_through_their_wrappers(staged: Callable[..., Any]) -> None:
    def twice(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs) * 2

        return wrapper

    @twice
    def clipped(x: Any, limit: int = 5) -> Any:
        return limit if x > limit else x

    def outer(x: Any) -> Any:
        return clipped(x), clipped(x, limit=1)

    assert staged(outer, TWO) == (4, 2)


def test_functions_defined_in_converted_code_are_converted(staged: Callable[..., Any]) -> None:
    def make(x: Any) -> Callable[[], Any]:
        def inner() -> Any:
            while x_list[0] < 10:
                x_list[0] = x_list[0] * 3
            return x_list[0]

        x_list = [x]
        return inner

    assert staged(lambda x: make(x)(), TWO) == 18


def test_classes_defined_in_converted_code_work(staged: Callable[..., Any]) -> None:
    def outer(x: Any) -> Any:
        class Base:
            def value(self) -> Any:
                return x

        class Derived(Base):
            def value(self) -> Any:
                if x > 1:
                    return super().value() + 1
                return super().value()

        return Derived().value()

    assert staged(outer, TWO) == 3


def test_conditions_on_python_values_stay_python() -> None:
    seen = []

    def decide(flag: bool) -> str:
        if flag:
            seen.append("yes")
            return "yes"
        else:
            seen.append("no")
        return "no"

    assert [convert(decide)(True), convert(decide)(False)] == ["yes", "no"] == seen


def test_only_the_branch_taken_has_effects(staged: Callable[..., Any]) -> None:
    def program(x: Any) -> Any:
        total = tf.constant(0)
        while total < 100:
            if x > 1:
                total = total + tf.reduce_sum(tf.ones([tf.cast(x, tf.int32)], tf.int32)) + 40
            else:
                total = total + 1
        return total

    assert staged(program, TWO) == 126
    assert staged(program, np.int32(1)) == 100


def test_loop_options_give_invariants_and_a_limit(staged: Callable[..., Any]) -> None:
    def grows(x: Any) -> Any:
        y = tf.zeros([1])
        for _ in tf.range(10):
            set_loop_options(shape_invariants=[(y, tf.TensorShape([None]))], maximum_iterations=3)
            y = tf.concat([y, y], 0)
        return tf.size(y) + x

    assert staged(grows, TWO) == 10


def test_tensors_of_unknown_length_are_visited_by_row() -> None:
    def total(rows: Any) -> Any:
        result = 0.0
        for row in rows:
            if row[0] < 0:
                continue
            result += row[1]
        return result, len(rows)

    with tf.Graph().as_default():
        rows = tf.compat.v1.placeholder(tf.float32, [None, 2])
        outputs = convert(total)(rows)
        with tf.compat.v1.Session() as session:
            values = session.run(outputs, {rows: [[1, 2], [-1, 5], [3, 4]]})
    assert list(values) == [6.0, 3]


def test_print_is_python_s_unless_the_program_asks(capsys: pytest.CaptureFixture[str]) -> None:
    def shows(x: Any) -> Any:
        print("value", x)
        return x

    graph = tf.Graph()
    with graph.as_default():
        convert(shows)(tf.constant(3))
        assert "Tensor(" in capsys.readouterr().out
        before = {op.type for op in graph.get_operations()}
        with ControlStatusCtx(Status.ENABLED, Feature.BUILTIN_FUNCTIONS):
            convert(shows)(tf.constant(3))
        assert {op.type for op in graph.get_operations()} - before == {"PrintV2", "StringFormat"}
    assert op_def.lookup("PrintV2") is not None


def test_iterators_of_registered_kinds_are_looped_over_by_their_function(staged: Callable[..., Any]) -> None:
    class Countdown:
        def __init__(self, start: Any) -> None:
            self.start = start

    def loop(
        iterated: Countdown, more: Any, body: Any, get_state: Any, set_state: Any, names: Any, options: Any
    ) -> None:
        left = [iterated.start]

        def step() -> None:
            body(left[0])
            left[0] = left[0] - 1

        autograph.staged_while(
            lambda: left[0] > 0 if more is None else tf.logical_and(left[0] > 0, more()),
            step,
            lambda: (left[0], *get_state()),
            lambda values: (left.__setitem__(0, values[0]), set_state(values[1:])),  # type: ignore[func-returns-value]
            ("left", *names),
            options,
        )

    autograph.register_iterator_kind(Countdown, loop)

    def total(x: Any) -> Any:
        result = 0
        for i in Countdown(x):
            if i == 1:
                break
            result += i * 10
        return result

    assert staged(total, np.int32(4)) == 90


def test_gradients_flow_through_staged_statements() -> None:
    def program(x: Any) -> Any:
        y = x
        for _ in tf.range(3):
            if x > 1:
                y = y * x
            else:
                y = y + x
        return y

    with tf.Graph().as_default():
        x = tf.compat.v1.placeholder(tf.float32, [])
        gradient = tf.gradients(convert(program)(x), x)[0]
        with tf.compat.v1.Session() as session:
            assert session.run(gradient, {x: 2.0}) == 32.0
            assert session.run(gradient, {x: 0.5}) == 4.0


def test_variables_are_updated_in_the_branch_taken() -> None:
    with tf.Graph().as_default():
        variable = tf.compat.v1.get_variable("v", initializer=0.0, use_resource=True)
        x = tf.compat.v1.placeholder(tf.float32, [])

        def program(x: Any) -> Any:
            if x > 0:
                variable.assign_add(x)
            for _ in tf.range(2):
                variable.assign_add(1.0)

        convert(program)(x)
        last = tf.compat.v1.get_default_graph().get_operations()
        effects = [op for op in last if op.type in ("If", "While")]
        assert [op.type for op in effects] == ["If", "While"]
        with tf.compat.v1.Session() as session:
            session.run(variable.initializer)
            session.run(effects, {x: 3.0})
            assert session.run(variable) == 5.0
            session.run(effects, {x: -3.0})
            assert session.run(variable) == 7.0


def test_a_variable_that_a_loop_replaces_is_read_before_the_loop() -> None:
    with tf.Graph().as_default():
        variable = tf.compat.v1.get_variable("v", initializer=2.0, use_resource=True)

        def program(n: Any) -> Any:
            value, kept = variable, variable
            for _ in tf.range(n):
                value = value * variable
                kept = variable
            return value, kept

        value, kept = convert(program)(tf.constant(3))
        assert kept is variable
        with tf.compat.v1.Session() as session:
            session.run(variable.initializer)
            assert session.run([value, tf.gradients(value, variable)[0]]) == [16.0, 32.0]


def test_to_code_shows_python() -> None:
    source = to_code(_sign)
    compile(source, "converted", "exec")
    assert source.startswith("def _sign(x, *, zero=None):")
    assert "ag__.if_stmt(x > 0, if_body" in source


def test_to_graph_returns_the_converted_function() -> None:
    with tf.Graph().as_default():
        result = to_graph(_sign)(tf.constant(5))
        with tf.compat.v1.Session() as session:
            assert session.run(result) == 1


@pytest.mark.parametrize("entity", [len, 3, int])
def test_what_has_no_code_cannot_be_shown(entity: Any) -> None:
    with pytest.raises(ConversionError, match="doesn't expose a __code__"):
        to_code(entity)


def test_libraries_call_functions_under_the_status_they_were_given() -> None:
    def status(_: Any = None) -> Any:
        return autograph.autograph_status()

    assert autograph.autograph_status() is Status.UNSPECIFIED
    with ControlStatusCtx(Status.ENABLED):
        context = autograph.control_status_ctx()
    assert tf_convert(status, context)() is Status.ENABLED
    with ControlStatusCtx(Status.DISABLED):
        context = autograph.control_status_ctx()
    assert tf_convert(status, context)() is Status.DISABLED


def test_converted_call_converts_what_it_calls() -> None:
    with tf.Graph().as_default():
        result = converted_call(_sign, (tf.constant(0),), {"zero": 7})
        assert converted_call(len, ([1, 2],)) == 2
        with tf.compat.v1.Session() as session:
            assert session.run(result) == 7


def test_conversions_are_logged_if_the_program_asks(capsys: pytest.CaptureFixture[str]) -> None:
    def local(x: int) -> int:
        return x

    logger = logging.getLogger("penstock.autograph")
    autograph.set_verbosity(1, alsologtostdout=True)
    try:
        convert(local)
    finally:
        autograph.set_verbosity(0)
        logger.handlers.clear()
    assert "converted local of " in capsys.readouterr().out


def test_trace_prints_while_a_function_is_traced(
    staged: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    def loop(x: Any) -> Any:
        for _ in tf.range(5):
            autograph.trace("once")
            x = x + 1
        return x

    assert staged(loop, TWO) == 7
    assert capsys.readouterr().out == "once\n"


@tf.function
def _factorial(n: int) -> Any:
    return tf.constant(1) if n == 0 else n * _factorial(n - 1)


def test_a_function_that_calls_itself_by_its_global_name_is_traced_for_each_number() -> None:
    assert int(_factorial(4)) == 24


def test_a_loop_over_a_ragged_tensor_visits_its_rows() -> None:
    def sums(ragged: Any) -> Any:
        total, longest = 0, 0
        for row in ragged:
            total = total + tf.reduce_sum(row)
            longest = tf.maximum(longest, tf.size(row))
        return total, longest

    total, longest = tf.function(sums)(tf.ragged.constant([[1, 2], [], [3]]))
    assert (int(total), int(longest)) == (6, 2)
