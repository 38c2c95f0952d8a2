from __future__ import annotations

import copy
import gc
import pickle
import weakref
from typing import Any

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.core.func_graph import FuncGraph
from penstock.core.graph import Graph
from penstock.core.op_def import lookup
from penstock.core.tape import GradientTape
from penstock.language.resource_variable import ResourceVariable
from penstock.language.variables import Variable, VariableV1, global_variables_initializer
from penstock.ops.constant import constant, identity
from penstock.runtime.session import Session


def _names(graph: Graph) -> list[tuple[str, str]]:
    return [(op.name, op.type) for op in graph.get_operations()]


def test_the_nodes_are_those_of_tensorflow() -> None:
    with Graph().as_default() as graph:
        VariableV1(1.0, name="w", use_resource=True)
        assert _names(graph) == [
            ("w/Initializer/initial_value", "Const"),
            ("w", "VarHandleOp"),
            ("w/IsInitialized/VarIsInitializedOp", "VarIsInitializedOp"),
            ("w/Assign", "AssignVariableOp"),
            ("w/Read/ReadVariableOp", "ReadVariableOp"),
        ]


def test_reads_stand_in_the_name_scope_of_what_reads() -> None:
    with Graph().as_default() as graph:
        variable = VariableV1(1.0, name="w", use_resource=True)
        start = len(graph.get_operations())
        lookup("AddV2")(variable, variable, name="Add")  # type: ignore[operator]
        variable.read_value()
        assert [name for name, _ in _names(graph)[start:]] == [
            "Add/ReadVariableOp",
            "Add/ReadVariableOp_1",
            "Add",
            "Read/ReadVariableOp",
            "Identity",
        ]


def test_an_assignment_returns_the_variable_to_be_read_afterwards() -> None:
    with Graph().as_default(), Session() as session:
        variable = VariableV1(1.0, use_resource=True)
        assigned = variable.assign(3.0)
        assert isinstance(assigned, ResourceVariable) and assigned.op.type == "AssignVariableOp"
        doubled = assigned * 2.0
        session.run(global_variables_initializer())
        assert session.run([assigned, doubled, identity(assigned)]) == [3, 6, 3]
        twice = variable.assign_add(1.0).assign_add(1.0)
        assert session.run(twice) == 5
        assert session.run(variable.assign(0.0, read_value=False)) is None


def test_reads_know_the_shape() -> None:
    with Graph().as_default():
        variable = VariableV1(np.zeros((2, 3), np.float32), use_resource=True)
        assert variable.value().shape == [2, 3]
        assert variable.sparse_read([0, 1, 1]).shape == [3, 3]
        unknown = Variable(np.zeros((2, 3), np.float32), shape=[None, 3])
        assert unknown.shape.as_list() == [None, 3] and unknown.value().shape.as_list() == [None, 3]


def test_the_eager_variable_of_the_manual() -> None:
    variable = Variable(1.0)
    assert variable.assign_add(2.0).numpy() == 3
    assert repr(variable) == "<tf.Variable 'Variable:0' shape=() dtype=float32, numpy=3.0>"
    assert float(variable) == 3 and int(variable) == 3 and bool(variable)
    assert (variable + 1.0).numpy() == 4 and (1.0 - variable).numpy() == -2
    assert np.asarray(variable) == 3
    vector = Variable([1, 2], name="v")
    assert vector.name == "v:0" and vector.dtype.name == "int32"
    assert [int(item) for item in vector] == [1, 2]
    assert "numpy=array([1, 2], dtype=int32)" in repr(vector)


def test_operators_in_place_are_refused() -> None:
    variable = Variable(1.0)
    with pytest.raises(RuntimeError, match="assign_add"):
        variable += 1.0
    with pytest.raises(TypeError, match="len"):
        len(variable)


def test_eager_values_never_change() -> None:
    variable = Variable([1.0, 2.0])
    reads = [
        variable.value(),
        variable.read_value(),
        identity(variable),
        variable[0:1],
        constant([0.0]) + variable[0:1],
    ]
    views = variable.numpy()
    variable.assign_add([10.0, 10.0])
    variable.scatter_nd_update([[0]], [5.0])
    variable[1:].assign([7.0])
    for read in reads[:3]:
        np.testing.assert_array_equal(read.numpy(), [1, 2])
    np.testing.assert_array_equal(reads[3].numpy(), [1])
    np.testing.assert_array_equal(views, [1, 2])
    np.testing.assert_array_equal(variable.numpy(), [5, 7])


def test_eager_variables_of_one_name_are_apart_and_freed() -> None:
    first, second = Variable(1.0, name="same"), Variable(2.0, name="same")
    first.assign(5.0)
    assert second.numpy() == 2
    gone = weakref.ref(first)
    del first
    gc.collect()
    assert gone() is None


def test_eager_variables_enter_no_collections() -> None:
    from penstock.core.graph import get_default_graph

    Variable(1.0)
    assert get_default_graph().get_collection("variables") == []


def test_tapes_watch_variables_when_they_are_read() -> None:
    variable, frozen = Variable(3.0), Variable(2.0, trainable=False)
    with GradientTape() as tape:
        result = variable * variable * frozen
    assert tape.watched_variables() == (variable,) or tape.watched_variables()[0] is variable
    slope, none = tape.gradient(result, [variable, frozen])
    assert slope.numpy() == 12 and none is None


def test_gradients_are_those_of_the_value_that_was_read() -> None:
    variable = Variable(3.0)
    with GradientTape() as tape:
        result = variable * variable
        variable.assign(100.0)
    assert tape.gradient(result, variable).numpy() == 6


def test_functions_note_the_variables_that_they_read() -> None:
    variable = Variable(1.0)
    with FuncGraph("f").as_default() as function:
        value = variable.value()
        variable.value()
    assert value.op.type == "ReadVariableOp" and value.shape == []
    assert function.variables == [variable] or function.variables[0] is variable
    assert len(function.variables) == 1 and len(function.inputs) == 1


def test_a_variable_made_in_a_function_is_lifted_out_of_it() -> None:
    with FuncGraph("f").as_default():
        variable = Variable(lambda: constant(2.0), name="w")
        with pytest.raises(ValueError, match="lifted out"):
            Variable(constant(1.0))
    assert variable.numpy() == 2


def test_copies_are_apart() -> None:
    variable = Variable([1.0, 2.0], name="w")
    deep = copy.deepcopy(variable)
    back = pickle.loads(pickle.dumps(variable))
    variable.assign_add([1.0, 1.0])
    np.testing.assert_array_equal(deep.numpy(), [1, 2])
    np.testing.assert_array_equal(back.numpy(), [1, 2])
    assert deep.name == back.name == "w:0"
    with Graph().as_default(), pytest.raises(NotImplementedError):
        copy.deepcopy(VariableV1(1.0, use_resource=True))


def test_elements_are_compared_eagerly() -> None:
    first: Any = Variable([1.0, 2.0])
    np.testing.assert_array_equal((first == [1.0, 5.0]).numpy(), [True, False])
    np.testing.assert_array_equal((first != [1.0, 5.0]).numpy(), [False, True])
    with pytest.raises(TypeError, match="unhashable"):
        hash(first)
    assert {first.ref(): 1}[first.ref()] == 1


def test_shapes_that_do_not_fit_are_refused() -> None:
    variable = Variable([1.0, 2.0])
    with pytest.raises(
        ValueError, match=r"The variable shape \(2,\), and the assigned value shape \(3,\) are incompatible"
    ):
        variable.assign([1.0, 2.0, 3.0])
    with pytest.raises(InvalidArgumentError, match="shapes must be equal"):
        variable.assign_add([1.0, 2.0, 3.0])
    with Graph().as_default():
        symbolic = VariableV1([1.0, 2.0], use_resource=True)
        with pytest.raises(ValueError, match="must be equal"):
            symbolic.assign_add([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="not compatible"):
        Variable([1.0, 2.0], shape=[3])


def test_a_handle_makes_a_variable() -> None:
    variable = Variable([1.0, 2.0])
    again = ResourceVariable(handle=variable.handle, trainable=False)
    again.assign_add([1.0, 1.0])
    np.testing.assert_array_equal(variable.numpy(), [2, 3])


def test_a_proto_finds_it_again() -> None:
    with Graph().as_default(), Session() as session:
        variable = VariableV1(1.0, name="w", use_resource=True)
        message = variable.to_proto()
        assert message.is_resource and message.variable_name == "w:0"
        assert message.snapshot_name == "w/Read/ReadVariableOp:0" and message.initializer_name == "w/Assign"
        again = VariableV1.from_proto(message)
        session.run(variable.initializer)
        assert session.run(again.assign_add(1.0)) == 2
        assert again.name == "w:0" and again.shape == [] and session.run(variable) == 2


def test_strings_and_other_types_are_kept() -> None:
    assert Variable(["a", "b"]).numpy().tolist() == [b"a", b"b"]
    assert Variable(True).numpy() == np.True_
    assert Variable(1, dtype=np.float64).dtype.name == "float64"
