"""What cannot be staged is refused with TensorFlow's exception class, the variable's name, and the user's line."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import penstock as tf
from penstock.core.errors import InvalidArgumentError, OperatorNotAllowedInGraphError
from penstock.language.autograph import convert, set_loop_options

ONE = np.int32(1)


def undefined_in_else(x: Any) -> Any:
    if x > 0:
        y = 1
    return y


def return_in_one_branch(x: Any) -> Any:
    if x > 0:
        return x


def none_in_else(x: Any) -> Any:
    y = None
    if x > 0:
        y = 1
    return y


def structure_of_branches(x: Any) -> Any:
    y = (1, 2)
    if x > 0:
        y = (1, 2, 3)
    return y


def types_of_branches(x: Any) -> Any:
    y = 1
    if x > 0:
        y = 2.0
    return y


def types_of_ternary(x: Any) -> Any:
    return 1 if x > 0 else 2.0


def loop_changes_type(x: Any) -> Any:
    y = 1
    while x < 10:
        y = 1.5
        x = x + 1
    return y


def loop_changes_shape(x: Any) -> Any:
    y = tf.zeros([1])
    while x < 10:
        y = tf.concat([y, y], 0)
        x = x + 1
    return y


def loop_breaks_invariant(x: Any) -> Any:
    y = tf.zeros([1, 2])
    while x < 10:
        set_loop_options(shape_invariants=[(y, tf.TensorShape([None, 2]))])
        y = tf.concat([y, y], 1)
        x = x + 1
    return y


def loop_changes_structure(x: Any) -> Any:
    y = (1,)
    while x < 10:
        y = (1, 2)
        x = x + 1
    return y


def unsupported_in_loop(x: Any) -> Any:
    for _ in tf.range(3):
        y = object()
    return y


def list_grows(x: Any) -> Any:
    items: list[Any] = []
    for i in tf.range(3):
        items = [*items, i]
    return items


def return_in_loop_only(x: Any) -> Any:
    for i in tf.range(10):
        if i > x:
            return i


def tensor_break_in_python_loop(x: Any) -> Any:
    while True:
        x = x + 1
        if x > 5:
            break
    return x


def tensor_break_over_range(x: Any) -> Any:
    for _ in range(4):
        x = x + 1
        if x > 2:
            break
    return x


def integer_condition(x: Any) -> Any:
    if x:
        return 1
    return 2


def vector_condition(x: Any) -> Any:
    if tf.stack([x > 0, x < 0]):
        return 1
    return 2


def integer_loop_condition(x: Any) -> Any:
    while x:
        x = x - 1
    return x


def rows_of_scalar(x: Any) -> Any:
    total = 0
    for i in x:
        total += i
    return total


def deleted(x: Any) -> Any:
    y = 3
    if x > 0:
        del y
    return y


def undefined_attribute(x: Any) -> Any:
    class Thing:
        pass

    thing: Any = Thing()
    if x > 0:
        thing.value = x + 5
    return thing.value


def unpacks(x: Any) -> Any:
    a, b = tf.stack([x, x])
    return a + b


def raises(x: Any) -> Any:
    if x > 0:
        raise KeyError("mine")
    return x


REFUSED = [
    (undefined_in_else, ValueError, "'y' must also be initialized in the else branch"),
    (return_in_one_branch, ValueError, "the else branch must also have a return statement"),
    (none_in_else, ValueError, "'y' is None at the end of the else branch"),
    (structure_of_branches, TypeError, "'y' does not have the same nested structure"),
    (types_of_branches, TypeError, "'y' has dtype float32 in the main branch, but dtype int32 in the else branch"),
    (types_of_ternary, TypeError, "'x > 0' has dtype int32 in the main branch, but dtype float32"),
    (loop_changes_type, TypeError, "'y' has dtype int32 before the loop, but dtype float32 after one iteration"),
    (loop_changes_shape, ValueError, r"'y' has shape \(1,\) before the loop, but shape \(2,\) after one iteration"),
    (loop_changes_shape, ValueError, "set_loop_options"),
    (loop_breaks_invariant, ValueError, r"'y' has shape invariant \(None, 2\) .* but shape \(None, 4\)"),
    (loop_changes_structure, TypeError, "'y' does not have the same nested structure"),
    (unsupported_in_loop, ValueError, "'y' must be defined before the loop.*unsupported type 'object'"),
    (list_grows, TypeError, "'items' is a list that grows.*TensorArray"),
    (return_in_loop_only, NotImplementedError, "a return statement cannot be placed inside this TensorFlow loop"),
    (tensor_break_in_python_loop, NotImplementedError, "started as non-Tensor, then changed to Tensor"),
    (tensor_break_over_range, NotImplementedError, "started as non-Tensor, then changed to Tensor"),
    (integer_condition, ValueError, "condition of if statement expected to be `tf.bool` scalar.*tf.cast"),
    (vector_condition, ValueError, "condition of if statement expected to be `tf.bool` scalar"),
    (integer_loop_condition, ValueError, "condition of while loop expected to be `tf.bool` scalar"),
    (rows_of_scalar, ValueError, "len requires a non-scalar tensor"),
    (deleted, ValueError, "'y' must also be initialized in the main branch"),
    (undefined_attribute, ValueError, "'thing.value' must also be initialized in the else branch"),
    (unpacks, OperatorNotAllowedInGraphError, "iterable"),
    (raises, KeyError, "mine"),
]


@pytest.mark.parametrize(("program", "error", "message"), REFUSED, ids=lambda item: getattr(item, "__name__", ""))
def test_what_cannot_be_staged_is_refused(
    program: Callable[..., Any], error: type[Exception], message: str, staged: Callable[..., Any]
) -> None:
    with pytest.raises(error, match=message) as caught:
        staged(program, ONE)
    files = [frame for frame in traceback.extract_tb(caught.tb) if frame.filename == __file__]
    lines = range(program.__code__.co_firstlineno, program.__code__.co_firstlineno + 12)
    own = [frame for frame in files if frame.lineno in lines]
    assert own, "the traceback does not show the user's line"
    assert own[-1].line == traceback.linecache.getline(__file__, own[-1].lineno).strip()  # type: ignore[attr-defined]


def test_an_error_names_the_line_that_failed(staged: Callable[..., Any]) -> None:
    def fails(x: Any) -> Any:
        if x > 0:
            for _ in tf.range(3):
                x = tf.reshape(x, [7, 7])
        return x

    with pytest.raises(ValueError) as caught:
        staged(fails, ONE)
    own = [frame for frame in traceback.extract_tb(caught.tb) if frame.filename == __file__]
    assert "tf.reshape" in (own[-1].line or "")


def test_variables_keep_their_values_after_an_error(staged: Callable[..., Any]) -> None:
    def recovers(x: Any) -> Any:
        y = x
        try:
            if x > 0:
                y = 2.5
        except TypeError:
            pass
        return y

    assert staged(recovers, ONE) == 1


def test_a_loop_that_must_run_to_define_a_variable_fails_when_it_does_not(staged: Callable[..., Any]) -> None:
    def last(n: Any) -> Any:
        for i in tf.range(n):
            y = i
        return y

    assert staged(last, np.int32(3)) == 2
    with pytest.raises(InvalidArgumentError, match="loop must iterate at least once to initialize y"):
        staged(last, np.int32(0))


def test_a_failed_assertion_is_raised_when_the_graph_runs(staged: Callable[..., Any]) -> None:
    def checks(x: Any) -> Any:
        assert x > 3, "too small"
        return x

    assert staged(checks, np.int32(4)) == 4
    with pytest.raises(InvalidArgumentError, match="too small"):
        staged(checks, ONE)
    with pytest.raises(AssertionError, match="too small"):
        convert(checks)(tf.constant(1))


def test_an_undefined_name_is_reported_as_python_does() -> None:
    def reads(flag: bool) -> Any:
        if flag:
            y = 1
        return y

    assert convert(reads)(True) == 1
    with pytest.raises(UnboundLocalError, match="'y'"):
        convert(reads)(False)


def test_a_function_without_source_is_run_as_it_is_with_one_warning() -> None:
    scope: dict[str, Any] = {}
    exec("def f(x):\n    return x + 1\n", scope)
    with pytest.warns(UserWarning, match="AutoGraph could not transform"):
        assert convert(scope["f"]) is scope["f"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert convert(scope["f"])(1) == 2
