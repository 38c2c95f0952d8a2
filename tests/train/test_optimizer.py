"""Optimizers: numbers, names of nodes and slots as TensorFlow recorded them, and what the base class promises."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import penstock.ops  # noqa: F401
from penstock.core import context, dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.graph import Graph
from penstock.core.graph_keys import GraphKeys
from penstock.core.indexed_slices import IndexedSlices
from penstock.language.variable_scope import get_variable
from penstock.language.variables import VariableV1, global_variables, global_variables_initializer
from penstock.ops.array.gather import gather_v1
from penstock.ops.constant import constant
from penstock.ops.math.reduce import reduce_sum
from penstock.ops.math.unary import square
from penstock.runtime.session import Session
from penstock.train.adadelta import AdadeltaOptimizer
from penstock.train.adagrad import AdagradOptimizer
from penstock.train.adagrad_da import AdagradDAOptimizer
from penstock.train.adam import AdamOptimizer
from penstock.train.ftrl import FtrlOptimizer
from penstock.train.global_step import create_global_step, get_global_step
from penstock.train.gradient_descent import GradientDescentOptimizer
from penstock.train.momentum import MomentumOptimizer
from penstock.train.optimizer import Optimizer
from penstock.train.proximal_adagrad import ProximalAdagradOptimizer
from penstock.train.proximal_gradient_descent import ProximalGradientDescentOptimizer
from penstock.train.rmsprop import RMSPropOptimizer
from tests.train.recordings import recorded

START = np.array([[1.0, -2.0], [0.5, 0.25], [-0.75, 3.0], [0.1, -0.2]], np.float32)
TARGET = np.array([[0.3, 0.1], [-1.0, 0.2], [0.4, 0.9], [0.0, 0.6]], np.float32)
L1_L2 = {"l1_regularization_strength": 0.01, "l2_regularization_strength": 0.02}
OPTIMIZERS = {
    "GradientDescent": lambda: GradientDescentOptimizer(0.1),
    "Momentum": lambda: MomentumOptimizer(0.1, 0.9),
    "MomentumNesterov": lambda: MomentumOptimizer(0.1, 0.9, use_nesterov=True),
    "Adagrad": lambda: AdagradOptimizer(0.1),
    "AdagradDA": lambda: AdagradDAOptimizer(0.1, get_global_step(), **L1_L2),
    "Adadelta": lambda: AdadeltaOptimizer(0.5),
    "RMSProp": lambda: RMSPropOptimizer(0.1, momentum=0.5),
    "RMSPropCentered": lambda: RMSPropOptimizer(0.1, momentum=0.5, centered=True),
    "Adam": lambda: AdamOptimizer(0.1),
    "Ftrl": lambda: FtrlOptimizer(0.1, **L1_L2),
    "FtrlShrinkage": lambda: FtrlOptimizer(0.1, **L1_L2, l2_shrinkage_regularization_strength=0.03),
    "FtrlBeta": lambda: FtrlOptimizer(0.1, l2_regularization_strength=0.02, beta=0.5, learning_rate_power=-0.4),
    "ProximalGradientDescent": lambda: ProximalGradientDescentOptimizer(0.1, **L1_L2),
    "ProximalAdagrad": lambda: ProximalAdagradOptimizer(0.1, **L1_L2),
}
RECORDED = recorded("optimizers")


def loss_of(w: Any, sparse: bool) -> Any:
    """Return the loss that was recorded: all rows, or some of them, one twice."""
    rows = gather_v1(w, [0, 2, 0, 3]) if sparse else w
    return reduce_sum(square(rows - constant(TARGET)))


@pytest.mark.usefixtures("graph_mode")
@pytest.mark.parametrize("case", sorted(RECORDED))
def test_five_steps_give_the_recorded_values_slots_and_names(case: str) -> None:
    name, kind, gradient = case.split("-")
    expected = RECORDED[case]
    with Graph().as_default() as graph:
        step = create_global_step()
        w = VariableV1(START, name="w", use_resource=kind == "resource")
        optimizer = OPTIMIZERS[name]()
        train_op = optimizer.minimize(loss_of(w, gradient == "sparse"), global_step=step)
        variables = global_variables()
        assert [v.op.name for v in variables] == expected["variables"]
        assert [v.op.name for v in optimizer.variables()] == expected["optimizer_variables"]
        assert optimizer.get_slot_names() == expected["slots"]
        assert train_op.name == expected["train_op"]
        with Session() as session:
            session.run(global_variables_initializer())
            for value in expected["w"]:
                session.run(train_op)
                np.testing.assert_allclose(session.run(w), value, rtol=2e-6, atol=2e-6)
            for v in variables:
                np.testing.assert_allclose(
                    session.run(v), expected["state"][v.op.name], rtol=2e-5, atol=2e-6, err_msg=v.name
                )
    assert graph is train_op.graph


@pytest.mark.usefixtures("graph_mode")
@pytest.mark.usefixtures("graph_mode")
@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_nodes_of_a_dense_update_are_named_as_recorded(name: str) -> None:
    expected = RECORDED[f"{name}-ref-dense"]
    with Graph().as_default() as graph:
        step = create_global_step()
        w = VariableV1(START, name="w", use_resource=False)
        train_op = OPTIMIZERS[name]().minimize(loss_of(w, sparse=False), global_step=step)
        own = [op for op in graph.get_operations() if op.name.split("/")[0] == train_op.name]
    names = {(op.name, op.type) for op in own}
    # Nothing takes the constant Ftrl/beta, which TensorFlow makes.
    wanted = {tuple(node) for node in expected["nodes"]} - {("Ftrl/beta", "Const")}
    missing = wanted - names
    assert not missing


@pytest.mark.parametrize("name", sorted(set(OPTIMIZERS) - {"AdagradDA"}))
@pytest.mark.parametrize("gradient", ["dense", "sparse"])
def test_eager_steps_give_the_recorded_values(name: str, gradient: str) -> None:
    expected = RECORDED[f"{name}-resource-{gradient}"]
    with context.eager_mode():
        w = VariableV1(START, name="w")
        optimizer = OPTIMIZERS[name]()
        for value in expected["w"]:
            assert optimizer.minimize(lambda: loss_of(w, gradient == "sparse"), var_list=[w]) is None
            np.testing.assert_allclose(w.numpy(), value, rtol=2e-6, atol=2e-6)
        for slot in optimizer.get_slot_names():
            assert optimizer.get_slot(w, slot).shape == w.shape


@pytest.mark.parametrize("use_resource", [False, True])
def test_learning_rate_may_be_a_tensor_or_a_function(use_resource: bool) -> None:
    with Graph().as_default():
        w = VariableV1([1.0, 2.0], name="w", use_resource=use_resource)
        rate = VariableV1(0.5, name="rate", trainable=False, use_resource=use_resource)
        by_tensor = GradientDescentOptimizer(rate.value()).minimize(reduce_sum(w))
        by_function = GradientDescentOptimizer(lambda: 0.25).minimize(reduce_sum(w))
        with Session() as session:
            session.run(global_variables_initializer())
            session.run(by_tensor)
            np.testing.assert_allclose(session.run(w), [0.5, 1.5])
            session.run(by_function)
            np.testing.assert_allclose(session.run(w), [0.25, 1.25])


@pytest.mark.parametrize("use_resource", [False, True])
def test_constraint_is_applied_after_a_dense_update_and_refused_for_a_sparse_one(use_resource: bool) -> None:
    with Graph().as_default():
        w = get_variable(
            "w", initializer=constant([1.0, 2.0]), use_resource=use_resource, constraint=lambda x: x * 0.0 + 7.0
        )
        train_op = GradientDescentOptimizer(0.5).minimize(reduce_sum(w))
        with Session() as session:
            session.run(global_variables_initializer())
            session.run(train_op)
            np.testing.assert_allclose(session.run(w), [7.0, 7.0])
        with pytest.raises(RuntimeError, match="constraint function on a sparse variable"):
            GradientDescentOptimizer(0.5).minimize(reduce_sum(gather_v1(w, [0])))


def test_gradient_gating_and_global_step_count() -> None:
    with Graph().as_default() as graph:
        step = create_global_step()
        w = VariableV1([1.0, 2.0], name="w")
        optimizer = GradientDescentOptimizer(0.5)
        pairs = optimizer.compute_gradients(reduce_sum(square(w)), gate_gradients=Optimizer.GATE_GRAPH)
        train_op = optimizer.apply_gradients(pairs, global_step=step, name="train")
        assert train_op.name == "train"
        assert graph.get_collection(GraphKeys.TRAIN_OP) == [train_op]
        with Session() as session:
            session.run(global_variables_initializer())
            for _ in range(3):
                session.run(train_op)
            assert session.run(step) == 3


def test_errors_name_the_variables_and_the_loss() -> None:
    with Graph().as_default():
        w = VariableV1([1.0, 2.0], name="w")
        optimizer = GradientDescentOptimizer(0.5)
        with pytest.raises(ValueError, match="No gradients provided for any variable.*w:0.*lonely"):
            optimizer.minimize(constant(1.0, name="lonely"))
        with pytest.raises(ValueError, match="No gradients provided for any variable: .*w:0"):
            optimizer.apply_gradients([(None, w)])
        with pytest.raises(ValueError, match="No variables provided"):
            optimizer.apply_gradients([])
        with pytest.raises(ValueError, match="No variables to optimize"):
            optimizer.compute_gradients(reduce_sum(w), [])
        with pytest.raises(ValueError, match="gate_gradients must be one of"):
            optimizer.compute_gradients(reduce_sum(w), gate_gradients=7)
        with pytest.raises(ValueError, match="Invalid type tf.int32"):
            optimizer.minimize(constant(1))
    with pytest.raises(ValueError, match="Must specify the optimizer name"):
        GradientDescentOptimizer(0.1, name="")
    with context.eager_mode(), pytest.raises(RuntimeError, match="should be a function"):
        GradientDescentOptimizer(0.1).minimize(convert_to_tensor(1.0))


@pytest.mark.parametrize(
    "make",
    [
        lambda: AdagradOptimizer(0.1, initial_accumulator_value=0.0),
        lambda: ProximalAdagradOptimizer(0.1, initial_accumulator_value=0.0),
        lambda: AdagradDAOptimizer(0.1, None, initial_gradient_squared_accumulator_value=0.0),
        lambda: FtrlOptimizer(0.1, learning_rate_power=1.0),
        lambda: FtrlOptimizer(0.1, l1_regularization_strength=-1.0),
        lambda: FtrlOptimizer(0.1, initial_accumulator_value=-1.0),
    ],
)
def test_hyperparameters_out_of_range_are_refused(make: Any) -> None:
    with pytest.raises(ValueError, match="positive|negative"):
        make()


class Plain(Optimizer):
    """An optimizer as users write them."""

    def __init__(self) -> None:
        super().__init__(use_locking=False, name="Plain")
        self.sparse: list[Any] = []

    def _create_slots(self, var_list: Any) -> None:
        for var in var_list:
            self._zeros_slot(var, "count", "Count")

    def _apply_dense(self, grad: Any, var: Any) -> Any:
        count = self.get_slot(var, "count")
        return var.assign_sub(grad).op if count is None else count.assign_add(grad).op

    _resource_apply_dense = _apply_dense

    def _apply_sparse(self, grad: IndexedSlices, var: Any) -> Any:
        self.sparse.append(grad)
        return var.scatter_sub(grad).op

    def _resource_apply_sparse(self, grad: Any, handle: Any, indices: Any) -> Any:
        return self._apply_sparse(IndexedSlices(grad, indices), handle)


@pytest.mark.parametrize("use_resource", [False, True])
def test_a_subclass_gets_slots_and_sparse_gradients_without_repeated_rows(use_resource: bool) -> None:
    with Graph().as_default():
        dense = VariableV1([1.0, 2.0], name="dense", use_resource=use_resource)
        table = VariableV1([[1.0], [2.0], [3.0]], name="table", use_resource=use_resource)
        optimizer = Plain()
        loss = reduce_sum(dense) + reduce_sum(gather_v1(table, [2, 0, 2]))
        train_op = optimizer.minimize(loss)
        assert optimizer.get_slot(dense, "count").op.name == "dense/Count"
        with Session() as session:
            session.run(global_variables_initializer())
            session.run(train_op)
            np.testing.assert_allclose(session.run(optimizer.get_slot(dense, "count")), [1.0, 1.0])
            np.testing.assert_allclose(session.run(table), [[0.0], [2.0], [1.0]])
            indices = session.run(optimizer.sparse[0].indices)
            assert sorted(indices.tolist()) == [0, 2]


def test_an_optimizer_serves_two_graphs_and_several_types() -> None:
    optimizer = AdamOptimizer(0.1)
    for _ in range(2):
        with Graph().as_default():
            single = VariableV1(np.array([1.0], np.float32), name="single")
            double = VariableV1(np.array([1.0], np.float64), name="double")
            from penstock.ops.math.cast import cast

            train_op = optimizer.minimize(reduce_sum(single) + cast(reduce_sum(double), dtypes.float32))
            assert len(optimizer.variables()) == 6
            assert optimizer.get_slot(double, "m").dtype.base_dtype == dtypes.float64
            with Session() as session:
                session.run(global_variables_initializer())
                session.run(train_op)
                np.testing.assert_allclose(session.run(double), [0.9], rtol=1e-6)


def test_adam_names_its_powers_after_itself_on_request() -> None:
    with Graph().as_default():
        w = VariableV1([1.0], name="w")
        optimizer = AdamOptimizer(use_own_namescope_for_non_slot_vars=True)
        optimizer.minimize(reduce_sum(w))
        assert [v.op.name for v in optimizer.variables()] == [
            "Adam/beta1_power",
            "Adam/beta2_power",
            "w/Adam",
            "w/Adam_1",
        ]
