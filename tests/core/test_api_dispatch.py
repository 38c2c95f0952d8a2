"""Public functions taken over by users' classes."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import penstock as tf
from penstock.core import api_dispatch
from penstock.core.api_dispatch import Handler


class Masked:
    """A tensor with a mask."""

    def __init__(self, values: Any, mask: Any) -> None:
        self.values = tf.convert_to_tensor(values)
        self.mask = tf.convert_to_tensor(mask)


@pytest.fixture
def registered():
    """Collect handlers, and take them back."""
    targets: list[Any] = []
    yield targets.append
    for target in targets:
        tf.experimental.unregister_dispatch_for(target)


def test_a_handler_takes_calls_with_its_types_only(registered):
    @tf.experimental.dispatch_for_api(tf.math.add_n, {"inputs": list[Masked]})
    def masked_add_n(inputs, name=None):
        return "masked"

    registered(masked_add_n)
    assert tf.add_n([Masked(1, True)]) == "masked"
    assert int(tf.add_n([tf.constant(1), tf.constant(2)])) == 3


def test_annotations_say_what_a_handler_is_for(registered):
    @tf.experimental.dispatch_for_api(tf.reverse)
    def masked_reverse(tensor: Masked, axis, name=None):
        return Masked(tf.reverse(tensor.values, axis), tf.reverse(tensor.mask, axis))

    registered(masked_reverse)
    assert tf.reverse(Masked([1, 2], [True, False]), axis=[0]).values.numpy().tolist() == [2, 1]
    assert tf.reverse([1, 2], [0]).numpy().tolist() == [2, 1]


def test_elementwise_functions_are_taken_over_together(registered):
    @tf.experimental.dispatch_for_unary_elementwise_apis(Masked)
    def unary(api, x):
        return Masked(api(x.values), x.mask)

    @tf.experimental.dispatch_for_binary_elementwise_apis(Masked, Masked)
    def binary(api, x, y):
        return Masked(api(x.values, y.values), tf.logical_and(x.mask, y.mask))

    registered(unary)
    registered(binary)
    x = Masked([-1, 2], [True, False])
    assert tf.abs(x).values.numpy().tolist() == [1, 2]
    assert tf.cast(x, tf.float32).values.dtype is tf.float32
    assert tf.add(x, x).values.numpy().tolist() == [-2, 4]
    with pytest.raises((TypeError, ValueError)):
        tf.add(x, 1)


def test_an_unregistered_handler_is_asked_no_more():
    @tf.experimental.dispatch_for_unary_elementwise_apis(Masked)
    def unary(api, x):
        return "masked"

    assert tf.abs(Masked(1, True)) == "masked"
    tf.experimental.unregister_dispatch_for(unary)
    with pytest.raises((TypeError, ValueError)):
        tf.abs(Masked(1, True))
    with pytest.raises(ValueError):
        tf.experimental.unregister_dispatch_for(unary)


def test_a_handler_must_have_the_parameters_of_the_function():
    with pytest.raises(ValueError, match="signature"):

        @tf.experimental.dispatch_for_api(tf.reverse, {"tensor": Masked})
        def wrong(tensor):
            return None


@pytest.mark.parametrize("signature", [{"nothing": Masked}, {9: Masked}])
def test_a_signature_names_parameters(signature):
    with pytest.raises(ValueError):

        @tf.experimental.dispatch_for_api(tf.reverse, signature)
        def handler(tensor, axis, name=None):
            return None


def test_a_function_without_handlers_keeps_its_code():
    def plain(x: Any, *rest: Any, flag: bool = False, **options: Any) -> Any:
        """Return the arguments."""
        return x, rest, flag, options

    code = plain.__code__
    waiting = type("Waiting", (), {})
    handler = Handler(lambda *arguments: "handled", lambda arguments: isinstance(arguments[0], waiting))
    api_dispatch.register(plain, handler, ["x"], until=waiting)
    assert plain.__code__ is code
    api_dispatch.activate(waiting)
    assert plain.__code__ is not code
    assert plain(waiting()) == "handled"
    assert plain(waiting, 1, 2, flag=True, other=3) == (waiting, (1, 2), True, {"other": 3})
    assert list(inspect.signature(plain).parameters) == ["x", "rest", "flag", "options"]


def test_a_function_with_a_closure_can_be_taken_over():
    def make(number: int) -> Any:
        def adds(x: Any, y: Any = 1) -> Any:
            return x + y + number

        return adds

    adds = make(10)
    api_dispatch.register(adds, Handler(lambda x, y: (x, y), lambda arguments: arguments[0] == [0]), ["x"])
    assert adds(1) == 12
    assert adds([0], y=2) == ([0], 2)


def test_the_examples_of_a_function_that_is_taken_over_are_found_once(registered):
    @tf.experimental.dispatch_for_api(tf.roll, {"input": Masked})
    def masked_roll(input, shift, axis, name=None):
        return "masked"

    registered(masked_roll)
    assert tf.roll(Masked([1], [True]), 1, 0) == "masked"
    copies = [name for name, value in tf.roll.__globals__.items() if getattr(value, "__doc__", "") == tf.roll.__doc__]
    assert copies == ["roll"]
