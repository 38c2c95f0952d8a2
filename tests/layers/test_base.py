"""Scopes, reuse, weights, losses and updates of layers."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from penstock.core import context
from penstock.core.dtypes import float32, float64
from penstock.core.graph import Graph
from penstock.core.graph_keys import GraphKeys
from penstock.language.variable_scope import variable_scope
from penstock.language.variable_store import AUTO_REUSE
from penstock.language.variables import global_variables, global_variables_initializer, trainable_variables
from penstock.layers.base import InputSpec, Layer, snake_case
from penstock.layers.core import Dense, Dropout, Flatten, dense
from penstock.layers.regularizers import l2_regularizer
from penstock.ops.constant import constant, placeholder
from penstock.runtime.session import Session

X = np.ones((2, 5), np.float32)


@pytest.fixture(autouse=True)
def graph():
    with Graph().as_default() as graph:
        yield graph


def names() -> list[str]:
    return [variable.name for variable in global_variables()]


class Scale(Layer):
    """Multiplies by a vector."""

    def build(self, input_shape: Any) -> None:
        self.factor = self.add_weight("factor", [input_shape.as_list()[-1]])
        self.count = self.add_variable("count", [], trainable=False)

    def call(self, inputs: Any) -> Any:
        self.add_update(self.count.assign_add(1.0))
        return inputs * self.factor


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Dense", "dense"),
        ("Conv2DTranspose", "conv2d_transpose"),
        ("_Mine", "private__mine"),
        ("LSTMCell", "lstm_cell"),
    ],
)
def test_snake_case(name: str, expected: str) -> None:
    assert snake_case(name) == expected


def test_unnamed_layers_are_numbered_from_the_second_on(graph: Graph) -> None:
    dense(dense(X, 3), 4)
    assert names() == ["dense/kernel:0", "dense/bias:0", "dense_1/kernel:0", "dense_1/bias:0"]
    assert graph.get_operation_by_name("dense_1/MatMul").type == "MatMul"


def test_named_layer_takes_its_scope_s_name() -> None:
    with variable_scope("model"):
        output = dense(X, 3, name="hidden")
    assert names() == ["model/hidden/kernel:0", "model/hidden/bias:0"]
    assert output.name == "model/hidden/BiasAdd:0"


def test_reuse_takes_the_variables_of_the_earlier_layer() -> None:
    dense(X, 3, name="d")
    output = dense(X, 3, name="d", reuse=True)
    assert names() == ["d/kernel:0", "d/bias:0"]
    assert output.name == "d_1/BiasAdd:0"


def test_reuse_of_a_scope_reaches_unnamed_layers() -> None:
    for reuse in (None, True):
        with variable_scope("model", reuse=reuse):
            dense(dense(X, 3), 4)
    assert names() == [f"model/dense{number}/{name}:0" for number in ("", "_1") for name in ("kernel", "bias")]


def test_auto_reuse_makes_once_and_reuses_after() -> None:
    for _ in range(2):
        with variable_scope("model", reuse=AUTO_REUSE):
            dense(X, 3, name="d")
    assert names() == ["model/d/kernel:0", "model/d/bias:0"]


def test_same_name_without_reuse_is_refused() -> None:
    dense(X, 3, name="d")
    with pytest.raises(ValueError, match="d/kernel already exists"):
        dense(X, 3, name="d")


def test_reuse_of_what_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="d/kernel does not exist"):
        dense(X, 3, name="d", reuse=True)


def test_calling_a_layer_again_shares_its_variables_and_scope() -> None:
    layer = Dense(3)
    first, second = layer(X), layer(X * 2)
    assert (first.name, second.name) == ("dense/BiasAdd:0", "dense/BiasAdd_1:0")
    assert len(global_variables()) == 2
    assert layer.scope_name == "dense"


def test_scope_argument_of_the_first_call_names_the_variables() -> None:
    layer = Dense(3)
    with variable_scope("mine") as scope:
        pass
    layer(X, scope=scope)
    assert names() == ["mine/kernel:0", "mine/bias:0"]


def test_scope_name_before_the_first_call_is_refused() -> None:
    with pytest.raises(ValueError, match="No name available for layer scope"):
        _ = Dense(3).scope_name


def test_two_objects_have_two_names() -> None:
    assert [Dense(3).name, Dense(3).name, Dropout().name, Dense(3, name="d").name] == [
        "dense",
        "dense_1",
        "dropout",
        "d",
    ]


def test_variables_are_sorted_by_whether_they_train() -> None:
    layer = Scale()
    layer(X)
    assert [v.name for v in layer.trainable_weights] == ["scale/factor:0"]
    assert [v.name for v in layer.non_trainable_variables] == ["scale/count:0"]
    assert [v.name for v in layer.variables] == ["scale/factor:0", "scale/count:0"]
    assert [v.name for v in trainable_variables()] == ["scale/factor:0"]
    assert layer.count_params() == 6


def test_layer_that_does_not_train_has_no_trainable_variables() -> None:
    layer = Scale(trainable=False)
    layer(X)
    assert layer.trainable_weights == []
    assert len(layer.non_trainable_weights) == 2
    assert trainable_variables() == []
    assert layer.updates == []


def test_count_of_parameters_needs_a_built_layer() -> None:
    with pytest.raises(ValueError, match="isn't built"):
        Dense(3).count_params()


def test_updates_enter_their_collection_once(graph: Graph) -> None:
    layer = Scale()
    x, other = constant(X), constant(X)
    output = layer(x)
    assert graph.get_collection(GraphKeys.UPDATE_OPS) == layer.updates
    layer(other)
    assert graph.get_collection(GraphKeys.UPDATE_OPS) == layer.updates
    assert len(layer.updates) == 2
    # The count grows whatever the inputs are.
    assert layer.get_updates_for(None) == layer.updates
    assert layer.get_updates_for(x) == []
    with Session(graph=graph) as session:
        session.run(global_variables_initializer())
        session.run(layer.count.assign(0.0))
        session.run([output, *layer.updates[:1]])
        assert session.run(layer.count) == 1.0


def test_losses_are_told_apart_by_the_inputs_they_depend_on() -> None:
    layer = Dense(3, kernel_regularizer=l2_regularizer(0.5), activity_regularizer=l2_regularizer(0.5))
    x, other = constant(X), constant(X)
    layer(x)
    layer(other)
    assert len(layer.losses) == 3
    assert layer.get_losses_for(None) == [layer.losses[0]]
    assert layer.get_losses_for(x) == [layer.losses[1]]
    assert layer.get_losses_for(other) == [layer.losses[2]]


def test_penalty_of_a_weight_is_added_once_under_tensorflow_s_name(graph: Graph) -> None:
    for reuse in (None, True):
        dense(X, 3, name="d", kernel_regularizer=l2_regularizer(0.1), reuse=reuse)
    losses = graph.get_collection(GraphKeys.REGULARIZATION_LOSSES)
    assert [loss.name for loss in losses] == ["d/kernel/Regularizer/l2_regularizer:0"]
    with Session(graph=graph) as session:
        session.run(global_variables_initializer())
        kernel, loss = session.run([global_variables()[0], losses[0]])
    assert loss == pytest.approx(0.1 * np.square(kernel).sum() / 2, rel=1e-5)


def test_activity_penalty_is_per_example(graph: Graph) -> None:
    layer = Dense(3, use_bias=False, kernel_initializer="ones", activity_regularizer=l2_regularizer(0.5))
    layer(X)
    with Session(graph=graph) as session:
        session.run(global_variables_initializer())
        assert session.run(layer.losses[0]) == pytest.approx(0.5 * 6 * 25 / 2 / 2)


def test_type_of_variables_follows_the_first_input() -> None:
    layer = Dense(3)
    assert layer.dtype is None
    layer(X.astype(np.float64))
    assert layer.dtype == float64
    assert layer.kernel.dtype.base_dtype == float64
    given = Dense(3, dtype="float32")
    assert given.dtype == float32


def test_numbers_and_lists_become_tensors(graph: Graph) -> None:
    output = dense([[1.0, 2.0], [3.0, 4.0]], 3, kernel_initializer="ones")
    with Session(graph=graph) as session:
        session.run(global_variables_initializer())
        np.testing.assert_array_equal(session.run(output), [[3.0] * 3, [7.0] * 3])


def test_scope_s_initializer_is_the_default(graph: Graph) -> None:
    with variable_scope("s", initializer=lambda shape, dtype=None, partition_info=None: constant(2.0, dtype, shape)):
        dense(X, 3, use_bias=False)
    with Session(graph=graph) as session:
        session.run(global_variables_initializer())
        np.testing.assert_array_equal(session.run(global_variables()[0]), np.full((5, 3), 2.0))


def test_constraint_is_kept_by_the_variable() -> None:
    layer = Dense(3, kernel_constraint=abs)
    layer(X)
    assert layer.kernel.constraint is abs


@pytest.mark.parametrize(
    ("spec", "shape", "message"),
    [
        (InputSpec(ndim=3), [2, 5], "expected ndim=3, found ndim=2"),
        (InputSpec(min_ndim=3), [2, 5], "expected min_ndim=3, found ndim=2"),
        (InputSpec(max_ndim=1), [2, 5], "expected max_ndim=1, found ndim=2"),
        (InputSpec(axes={-1: 4}), [2, 5], "expected axis -1 of input shape to have value 4"),
        (InputSpec(shape=[None, 4]), [2, 5], r"expected shape=\(None, 4\), found shape=\[2, 5\]"),
        (InputSpec(dtype="int32"), [2, 5], "expected dtype=int32, found dtype=float32"),
        (InputSpec(min_ndim=1), None, "its rank is undefined"),
    ],
)
def test_input_that_does_not_fit_is_refused(spec: InputSpec, shape: Any, message: str) -> None:
    layer = Layer(name="mine")
    layer.input_spec = spec
    with pytest.raises(ValueError, match=f"Input 0 of layer mine is incompatible with the layer: .*{message}"):
        layer(placeholder(np.float32, shape))


def test_second_input_of_another_size_is_refused() -> None:
    layer = Dense(3)
    layer(X)
    with pytest.raises(ValueError, match="expected axis -1 of input shape to have value 5"):
        layer(np.ones((2, 4), np.float32))


def test_layer_of_another_graph_is_refused() -> None:
    layer = Dense(3)
    layer(X)
    with Graph().as_default(), pytest.raises(ValueError, match="Input graph and Layer graph are not the same"):
        layer(constant(X))


def test_unknown_argument_is_refused() -> None:
    with pytest.raises(TypeError, match="units_typo"):
        Dense(3, units_typo=4)


def test_copy_shares_the_scope_but_not_the_lists() -> None:
    layer = Flatten()
    layer(X)
    twin = copy.deepcopy(layer)
    assert twin.scope_name == layer.scope_name
    assert twin._losses is not layer._losses


def test_compute_output_shape_must_be_overridden() -> None:
    with pytest.raises(NotImplementedError, match="Scale does not implement compute_output_shape"):
        Scale().compute_output_shape([2, 5])


def test_weights_can_be_read_and_set(graph: Graph) -> None:
    layer = Dense(3)
    output = layer(X)
    with Session(graph=graph).as_default() as session:
        session.run(global_variables_initializer())
        layer.set_weights([np.full((5, 3), 2.0), np.ones(3)])
        np.testing.assert_array_equal(session.run(output), np.full((2, 3), 11.0))
        np.testing.assert_array_equal(layer.get_weights()[1], np.ones(3))
        with pytest.raises(ValueError, match=r"dense/bias:0 of layer 'dense' has shape \(3,\), got \(4,\)"):
            layer.set_weights([np.zeros((5, 3)), np.ones(4)])
        with pytest.raises(ValueError, match="has 2 weights, but 1 were given"):
            layer.set_weights([np.zeros((5, 3))])


def test_layer_works_eagerly_and_keeps_its_variables() -> None:
    with context.eager_mode():
        layer = Dense(3)
        first, second = layer(X), layer(X)
        np.testing.assert_array_equal(first.numpy(), second.numpy())
        assert len(layer.variables) == 2
        np.testing.assert_allclose(first.numpy(), X @ layer.get_weights()[0], rtol=1e-5)
