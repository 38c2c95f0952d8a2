"""Random graphs run with all passes, with each alone and with none: same values, same side effects, same errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.compiler import reuse, shorten_lifetimes
from penstock.compiler.dataflow import prune
from penstock.compiler.optimize import PASSES
from penstock.compiler.options import Options
from penstock.compiler.refresh_reads import refresh_reads
from penstock.compiler.schedule import schedule
from penstock.core.errors import OpError
from penstock.core.gradients import gradients
from penstock.core.graph import Graph
from penstock.language.control_flow import cond, group
from penstock.language.variables import VariableV1
from penstock.ops.array.filling import ones_like_op, zeros_like_op
from penstock.ops.array.shaping import rank_op, reshape_op, size_op, transpose_op
from penstock.ops.constant import constant, identity, placeholder, shape_op, stop_gradient
from penstock.ops.math.binary import floor_div_op, maximum_op, real_div_op
from penstock.ops.math.cast import cast
from penstock.ops.math.exponential import tanh_op
from penstock.ops.math.matmul import mat_mul_op
from penstock.ops.math.reduce import reduce_sum, sum_op
from penstock.ops.math.unary import neg_op, square_op
from penstock.ops.nn.activation import relu_op
from penstock.ops.nn.pooling import max_pool_op
from penstock.ops.random.functions import random_uniform
from penstock.ops.state.training import apply_gradient_descent
from penstock.runtime.session import Session

VARIANTS = [Options(), *(Options.only(field.name) for field in fields(Options)), Options.none()]
POOLING = {"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1], "padding": "SAME"}


@pytest.fixture(autouse=True, scope="module")
def small_values_count():
    """Let passes that are about memory consider values of any size."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shorten_lifetimes, "_WORTH_MOVING", 1)
        patch.setattr(reuse, "_WORTH_REUSING", 1)
        yield


class Builder:
    """A graph that grows by one operation for each choice.

    Attributes:
        numbers: floating tensors of shapes that can be broadcast against (2, 3), or (4, 3) when rows are fed so.
        whole: integer tensors.
        fetches: what may fail, and so must not be pruned away.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.x = placeholder("float64", [2, 3], name="x")
        self.rows = placeholder("float64", [None, 3], name="rows")
        self.scalar = placeholder("float64", [], name="scalar")
        self.n = placeholder("int32", [2, 3], name="n")
        self.images = placeholder("float64", [None, 4, 4, 1], name="images")
        self.feeds = [self.x, self.rows, self.scalar, self.n, self.images]
        self.reference = VariableV1(np.ones([3]), use_resource=False, name="reference")
        self.resource = VariableV1(np.ones([2, 3]), use_resource=True, name="resource")
        self.numbers: list[Any] = [self.x, self.rows, self.scalar, constant(np.arange(3.0)), self.reference.value()]
        self.whole: list[Any] = [self.n, constant(3), constant(0)]
        self.updates: list[Any] = []
        self.fetches: list[Any] = []

    def number(self, choice: int) -> Any:
        return self.numbers[-1 - choice % len(self.numbers)]

    def add(self, tensor: Any) -> None:
        self.numbers.append(tensor)
        self.fetches.append(tensor)

    def unary(self, a: int, b: int) -> None:
        rule: Callable[..., Any] = [neg_op, identity, stop_gradient, square_op, relu_op, tanh_op][b % 6]
        self.add(rule(self.number(a)))

    def binary(self, a: int, b: int) -> None:
        x, y = self.number(a), self.number(b)
        self.add([lambda: x + y, lambda: x - y, lambda: x * y, lambda: maximum_op(x, y)][(a + b) % 4]())

    def with_constant(self, a: int, b: int) -> None:
        x, c = self.number(a), [0.0, 1.0, -0.0, 2.0, 0.5][b % 5]
        self.add(
            [lambda: x + c, lambda: x - c, lambda: x * c, lambda: c * x, lambda: real_div_op(x, c or 1.0)][a % 5]()
        )

    def power(self, a: int, b: int) -> None:
        self.add(self.number(a) ** [1.0, 2.0, 3.0][b % 3])

    def shape_of(self, a: int, b: int) -> None:
        x = self.number(a)
        self.add([zeros_like_op(x), ones_like_op(x), cast(size_op(x), "float64"), cast(rank_op(x), "float64")][b % 4])

    def round_trip(self, a: int, b: int) -> None:
        x = self.number(a)
        turned = reshape_op(reshape_op(x, [-1]), shape_op(x))
        self.add(turned if b % 2 or x.shape.ndims != 2 else transpose_op(transpose_op(x, [1, 0]), [1, 0]))

    def reduce(self, a: int, b: int) -> None:
        self.add([reduce_sum(self.number(a)), sum_op(self.number(a), np.zeros(0, np.int32))][b % 2])

    def product(self, a: int, b: int) -> None:
        x = self.x if b % 2 else self.rows
        self.add(mat_mul_op(x * 0.5, constant(np.linspace(-1, 1, 9).reshape(3, 3))) + constant(np.arange(3.0)))

    def derivative(self, a: int, b: int) -> None:
        (found,) = gradients(reduce_sum(self.number(a)), [self.x])
        if found is not None:
            self.add(found)

    def pooling(self, a: int, b: int) -> None:
        pooled = max_pool_op(relu_op(self.images), **POOLING)
        (found,) = gradients(pooled * pooled, [self.images])
        self.add(reduce_sum(pooled * pooled))
        self.add(reduce_sum(found * self.images))

    def integers(self, a: int, b: int) -> None:
        x, y = self.whole[-1 - a % len(self.whole)], self.whole[-1 - b % len(self.whole)]
        self.whole.append([lambda: x + y, lambda: x - y, lambda: x * y, lambda: floor_div_op(x, y)][(a + b) % 4]())
        self.fetches.append(self.whole[-1])

    def random(self, a: int, b: int) -> None:
        self.add(random_uniform([2, 3], dtype="float64", seed=7))

    def branch(self, a: int, b: int) -> None:
        x = self.number(a)
        self.add(cond(self.scalar > 0.0, lambda: (x + 0.0) * 2.0, lambda: neg_op(neg_op(x)) * 1.0))

    def update(self, a: int, b: int) -> None:
        with self.graph.control_dependencies([self.number(a)]):
            if b % 2:
                step = self.reference.assign_add(np.ones([3]))
            else:
                step = self.resource.assign_sub(np.full([2, 3], 0.5))
        self.updates.append(step.op)

    def descent(self, a: int, b: int) -> None:
        rate = constant(0.25, "float64")
        on_resource = apply_gradient_descent.resource(self.resource.handle, rate, self.resource.read_value())
        on_reference = apply_gradient_descent.ref(self.reference._ref(), rate, constant(np.arange(3.0)))
        self.updates.append(group(on_resource, on_reference))

    def read(self, a: int, b: int) -> None:
        with self.graph.control_dependencies(self.updates[-1:]):
            self.add(self.resource.read_value() if b % 2 else identity(self.reference.value()))


STEPS = [
    *(Builder.unary, Builder.binary, Builder.with_constant, Builder.power, Builder.shape_of, Builder.round_trip),
    *(Builder.reduce, Builder.product, Builder.derivative, Builder.pooling, Builder.integers, Builder.random),
    *(Builder.branch, Builder.update, Builder.descent, Builder.read),
]

choices = st.lists(
    st.tuples(st.integers(0, len(STEPS) - 1), st.integers(0, 11), st.integers(0, 11)), min_size=5, max_size=20
)


def build(graph: Graph, chosen: list[tuple[int, int, int]]) -> Builder:
    builder = Builder(graph)
    for step, a, b in chosen:
        try:
            STEPS[step](builder, a, b)
        except ValueError:
            continue  # the shapes do not fit, which is found when the graph is built
    return builder


def outcome(builder: Builder, options: Options, rows: int) -> Any:
    """Return the values and the variables after two steps, or the class of the error."""
    generator = np.random.default_rng(0)
    feeds = {
        builder.x: generator.normal(size=(2, 3)),
        builder.rows: generator.normal(size=(rows, 3)),
        builder.scalar: np.float64(0.5),
        builder.n: generator.integers(-2, 3, (2, 3)).astype(np.int32),
        builder.images: generator.integers(-2, 3, (2, 4, 4, 1)).astype(np.float64),
    }
    fed = [value.copy() for value in feeds.values()]
    with Session(graph=builder.graph) as session:
        session._options = options
        session.run([builder.reference.initializer, builder.resource.initializer])
        results = []
        try:
            for _ in range(2):
                results.append(session.run([builder.fetches, builder.updates], feeds)[0])
        except OpError as error:
            return type(error)
        results.append(session.run([builder.reference, builder.resource.read_value()]))
    for value, copy in zip(feeds.values(), fed, strict=True):
        np.testing.assert_array_equal(value, copy)
    return results


@settings(max_examples=100, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(choices, st.sampled_from([2, 2, 4]))
def test_passes_change_neither_values_nor_effects_nor_errors(chosen, rows):
    with Graph().as_default() as graph:
        builder = build(graph, chosen)
    expected = outcome(builder, Options.none(), rows)
    for options in VARIANTS[:-1]:
        found = outcome(builder, options, rows)
        if isinstance(expected, type) or isinstance(found, type):
            assert found is expected, (options, found)
            continue
        for step, plain in zip(found, expected, strict=True):
            for value, other in zip(step, plain, strict=True):
                assert value.dtype == other.dtype and value.shape == other.shape
                np.testing.assert_allclose(value, other, rtol=1e-7, atol=1e-9, err_msg=str(options))


@settings(max_examples=40, derandomize=True, deadline=None, database=None)
@given(choices)
def test_every_pass_leaves_a_dataflow_that_checks(chosen):
    with Graph().as_default() as graph:
        builder = build(graph, chosen)
    targets = list(builder.updates)
    dataflow = refresh_reads(schedule(prune(builder.fetches, targets, builder.feeds)))
    dataflow.check()
    for _, optimization in PASSES:
        dataflow = optimization(dataflow)
        dataflow.check()
