"""Random recurrent loops and their gradients give the same values with all passes, with some alone, and with none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.compiler.options import Options
from penstock.core.gradients import gradients
from penstock.core.graph import Graph
from penstock.core.op_def import lookup
from penstock.language.control_flow import while_loop
from penstock.language.tensor_array import TensorArray
from penstock.ops.constant import constant, placeholder
from penstock.ops.math.exponential import sigmoid_op, tanh_op
from penstock.ops.math.matmul import mat_mul_op
from penstock.ops.math.reduce import reduce_sum
from penstock.runtime.session import Session

UNITS, INPUTS = 3, 2
VARIANTS = [
    Options(),
    *map(Options.only, ["fuse_elementwise", "used_columns", "sum_in_place", "use_stacks", "repeat_products"]),
]

steps = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=6)


class Cell:
    """A body made of products, joined and split columns, biases and elementwise operations.

    Attributes:
        states: values of [batch, UNITS].
    """

    def __init__(self, x: Any, states: list[Any], weights: list[Any]) -> None:
        self.x = x
        self.states = list(states)
        self.joined, self.square, self.bias, self.wide_bias = weights

    def state(self, choice: int) -> Any:
        return self.states[-1 - choice % len(self.states)]

    def grow(self, kind: int, a: int, b: int) -> None:
        x, y = self.state(a), self.state(b)
        if kind == 0:
            self.states.append(tanh_op(mat_mul_op(x, self.square) + self.bias))
        elif kind in (1, 2):
            both = lookup("ConcatV2")([self.x, x], np.int32(1))
            gates = lookup("BiasAdd")(mat_mul_op(both, self.joined), self.wide_bias)
            first, second = lookup("Split")(np.int32(1), gates, num_split=2)
            self.states.append(tanh_op(first) * sigmoid_op(second) + y if kind == 1 else sigmoid_op(second))
        elif kind == 3:
            self.states.append(x * y + sigmoid_op(x))
        elif kind == 4:
            self.states.append(tanh_op(x - y))
        elif kind == 5:
            pair = lookup("ConcatV2")([tanh_op(x) * 0.5, sigmoid_op(y)], np.int32(1))
            self.states.append(
                lookup("SplitV")(pair, np.array([UNITS, UNITS], np.int32), np.int32(1), num_split=2)[b % 2]
            )
        elif kind == 6:
            self.states.append(x + mat_mul_op(self.square, self.square)[:1] * 0.1)
        else:
            chosen = lookup("Greater")(x, y)
            self.states.append(lookup("SelectV2")(chosen, tanh_op(x), y))


def run(graph: Graph, fetches: list[Any], feeds: dict[Any, Any], options: Options) -> list[list[Any]]:
    with Session(graph=graph) as session:
        session._options = options
        return [session.run(fetches, feeds) for _ in range(2)]


@pytest.mark.parametrize("order", [1, 2])
@settings(max_examples=6, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(chosen=steps, trips=st.sampled_from([3, 0, 1, 5]), rows=st.sampled_from([2, 70]), is_known=st.booleans())
def test_recurrence_gives_the_same_values_whichever_passes_run(order, chosen, trips, rows, is_known):
    batch = rows if is_known or not trips else None  # of an empty stack, the sizes must be known
    with Graph().as_default() as graph:
        inputs = placeholder("float64", [5, batch, INPUTS])
        h, c = placeholder("float64", [batch, UNITS]), placeholder("float64", [batch, UNITS])
        sizes = [[INPUTS + UNITS, 2 * UNITS], [UNITS, UNITS], [UNITS], [2 * UNITS]]
        weights = [placeholder("float64", size) for size in sizes]
        array = TensorArray("float64", 5).unstack(inputs)

        def body(time: Any, h: Any, c: Any, outputs: Any) -> list[Any]:
            cell = Cell(array.read(time), [h, c], weights)
            for step in chosen:
                cell.grow(*step)
            return [time + 1, cell.states[-1], cell.states[-2], outputs.write(time, cell.states[-1] * c)]

        _, last, _, outputs = while_loop(
            lambda time, *rest: time < trips,
            body,
            [constant(0), h, c, TensorArray("float64", 5, element_shape=h.shape)],
        )
        stack = outputs.stack()
        sources = [inputs, h, c, *weights]
        found = gradients(reduce_sum(last * last) + reduce_sum(tanh_op(stack)), sources)
        fetches = [last, stack, *(grad for grad in found if grad is not None)]
        if order == 2:
            total = sum((reduce_sum(grad * grad) for grad in found if grad is not None), constant(0.0, "float64"))
            fetches.extend(grad for grad in gradients(total, sources) if grad is not None)
    generator = np.random.default_rng(0)
    feeds = {
        tensor: generator.normal(size=[rows if size is None else size for size in tensor.shape.as_list()]) / 2
        for tensor in sources
    }
    expected = run(graph, fetches, feeds, Options.none())
    for options in VARIANTS if order == 1 else VARIANTS[:1]:
        for values, plain in zip(run(graph, fetches, feeds, options), expected, strict=True):
            for value, other in zip(values, plain, strict=True):
                assert value.dtype == other.dtype
                assert value.shape == other.shape
                np.testing.assert_allclose(value, other, rtol=1e-8, atol=1e-11, err_msg=str(options))
