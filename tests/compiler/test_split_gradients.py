"""Large gradients are computed by blocks where their variables are updated, with the same results."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.compiler.options import Options
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
from penstock.language.variables import VariableV1
from penstock.ops.array.shaping import transpose_op
from penstock.ops.constant import identity, placeholder
from penstock.ops.fused import updates
from penstock.ops.math.matmul import mat_mul_op
from penstock.ops.math.reduce import reduce_sum
from penstock.ops.math.unary import square_op
from penstock.ops.state.training import apply_gradient_descent
from penstock.runtime.session import Session
from penstock.train.adam import AdamOptimizer
from penstock.train.gradient_descent import GradientDescentOptimizer
from penstock.train.momentum import MomentumOptimizer

OPTIMIZERS = {
    "descent": lambda: GradientDescentOptimizer(0.1),
    "momentum": lambda: MomentumOptimizer(0.1, 0.9),
    "nesterov": lambda: MomentumOptimizer(0.1, 0.9, use_nesterov=True),
    "adam": lambda: AdamOptimizer(0.01, epsilon=1e-3),
}
ROWS, COLUMNS = 2100, 1100  # more than 8 MiB of float32, in rows that two blocks do not divide evenly


@pytest.fixture
def graph():
    with Graph().as_default() as graph:
        yield graph


def given(rows=3):
    return np.random.default_rng(0).normal(size=(rows, ROWS)).astype(np.float32)


def start():
    return np.random.default_rng(1).normal(size=(ROWS, COLUMNS)).astype(np.float32) / 50


def train(optimizer, use_resource, options):
    """Return the weights after three steps, and the source of a step."""
    with Graph().as_default() as graph:
        x = placeholder("float32", [None, ROWS])
        w = VariableV1(start(), use_resource=use_resource)
        step = OPTIMIZERS[optimizer]().minimize(reduce_sum(square_op(mat_mul_op(x, w.value()))))
        initializers = [v.initializer for v in graph.get_collection("variables")]
        with Session() as session:
            session._options = options
            session.run(initializers)
            for _ in range(3):
                session.run(step, {x: given()})
            return session.run(w.value()), session.program(step, [x]).source


@pytest.mark.parametrize("use_resource", [False, True], ids=["ref", "resource"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_updates_by_blocks_give_what_updates_at_once_give(optimizer, use_resource):
    expected, plain = train(optimizer, use_resource, Options.only("fuse_updates"))
    values, source = train(optimizer, use_resource, Options())
    np.testing.assert_allclose(values, expected, rtol=2e-4, atol=1e-5)
    assert "of_product" in source and "of_product" not in plain


def test_no_array_as_large_as_the_gradient_is_made(monkeypatch):
    made = []
    monkeypatch.setattr(updates, "mat_mul_op", None)  # which would make it whole
    mm = updates.torch.mm

    def noted(a, b, out=None):
        if out is None:
            return mm(a, b)
        made.append(tuple(out.shape))
        return mm(a, b, out=out)

    monkeypatch.setattr(updates.torch, "mm", noted)
    train("descent", True, Options())
    assert made == [(1050, COLUMNS)] * 6


def test_a_gradient_that_something_else_uses_is_computed_whole(graph):
    x, w = placeholder("float32", [None, ROWS]), VariableV1(start(), use_resource=True)
    optimizer = GradientDescentOptimizer(0.1)
    pairs = optimizer.compute_gradients(reduce_sum(square_op(mat_mul_op(x, w.value()))))
    with Session() as session:
        source = session.program([optimizer.apply_gradients(pairs), reduce_sum(pairs[0][0])], [x]).source
    assert "of_product" not in source


def test_a_factor_in_the_memory_of_the_variable_is_not_read_while_it_changes(graph):
    size = 1500
    value = np.random.default_rng(2).normal(size=(size, size)).astype(np.float32) / 40
    w = VariableV1(value, use_resource=False)
    read = identity(w._ref())
    step = apply_gradient_descent.ref(w._ref(), 0.1, mat_mul_op(read, read, transpose_a=True))
    with Session() as session:
        session.run(w.initializer)
        assert "of_product" not in session.program([], []).source + session.program(step.op, []).source
        session.run(step.op)
        np.testing.assert_allclose(session.run(w.value()), value - 0.1 * value.T @ value, rtol=1e-3, atol=1e-4)


def test_what_was_read_before_stays_as_it_was(graph):
    x, w = placeholder("float32", [None, ROWS]), VariableV1(start(), use_resource=True)
    before = w.read_value()
    step = GradientDescentOptimizer(0.1).minimize(reduce_sum(square_op(mat_mul_op(x, before))))
    with graph.control_dependencies([step]):
        late = reduce_sum(transpose_op(before, [1, 0]))
    with Session() as session:
        session.run(w.initializer)
        kept = session.run(before)
        total, _ = session.run([late, step], {x: given()})
        np.testing.assert_allclose(total, start().sum(dtype=np.float64), rtol=1e-3, atol=0.5)
        np.testing.assert_array_equal(kept, start())
        assert not np.array_equal(session.run(w.value()), kept)


def test_an_error_says_what_arrived(graph):
    x, y = (placeholder("float32", [None, size]) for size in (ROWS, COLUMNS))
    w = VariableV1(start(), use_resource=False)
    step = apply_gradient_descent.ref(w._ref(), 0.1, mat_mul_op(x, y, transpose_a=True))
    with Session() as session:
        session.run(w.initializer)
        assert "of_product" in session.program(step.op, [x, y]).source
        with pytest.raises(InvalidArgumentError, match=r"float32 \(3, 2100\); float32 \(4, 1100\)"):
            session.run(step.op, {x: given(3), y: np.ones((4, COLUMNS), np.float32)})
        np.testing.assert_array_equal(session.run(w.value()), start())
