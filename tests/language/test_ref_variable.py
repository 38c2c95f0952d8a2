from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from penstock.core import dtypes
from penstock.core.func_graph import FuncGraph
from penstock.core.graph import Graph
from penstock.core.indexed_slices import IndexedSlices
from penstock.formats import protos
from penstock.language.ref_variable import RefVariable
from penstock.language.variables import VariableV1, global_variables_initializer
from penstock.ops.array.filling import zeros
from penstock.ops.constant import constant, placeholder
from penstock.runtime.session import Session

pytestmark = pytest.mark.usefixtures("graph_mode")


def _nodes(graph: Graph) -> list[tuple[str, str, list[str], Any]]:
    return [(op.name, op.type, [t.name for t in op.inputs], op.attrs.get("_class")) for op in graph.get_operations()]


def test_the_nodes_are_those_of_tensorflow() -> None:
    with Graph().as_default() as graph:
        VariableV1(1.0, name="w")
        assert _nodes(graph) == [
            ("w/initial_value", "Const", [], None),
            ("w", "VariableV2", [], None),
            ("w/Assign", "Assign", ["w:0", "w/initial_value:0"], [b"loc:@w"]),
            ("w/read", "Identity", ["w:0"], [b"loc:@w"]),
        ]


def test_a_callable_initial_value_is_built_in_a_scope_of_its_own() -> None:
    with Graph().as_default() as graph:
        VariableV1(lambda: zeros([2]), name="w")
        assert [name for name, *_ in _nodes(graph)] == ["w/Initializer/zeros", "w", "w/Assign", "w/read"]
        assert all(groups == [b"loc:@w"] for *_, groups in _nodes(graph))


def test_names_are_made_unique() -> None:
    with Graph().as_default() as graph:
        names = [
            VariableV1(1.0).name,
            VariableV1(1.0).name,
            VariableV1(1.0, name="w").name,
            VariableV1(1.0, name="w").name,
        ]
        assert names == ["Variable:0", "Variable_1:0", "w:0", "w_1:0"]
        with graph.name_scope("scope"):
            assert VariableV1(1.0, name="w").name == "scope/w:0"


def test_it_describes_itself() -> None:
    with Graph().as_default() as graph:
        variable = VariableV1([1.0, 2.0], name="w", trainable=False)
        assert isinstance(variable, RefVariable)
        assert repr(variable) == "<tf.Variable 'w:0' shape=(2,) dtype=float32_ref>"
        assert variable.dtype == dtypes.float32._as_ref and variable.shape == [2] and variable.get_shape() == [2]
        assert variable.op.name == "w" and variable.graph is graph and variable.device == ""
        assert variable.initializer.name == "w/Assign" and variable.initial_value.name == "w/initial_value:0"
        assert variable.trainable is False and variable.constraint is None
        assert graph.get_collection("variables") == [variable] and graph.get_collection("trainable_variables") == []


def test_it_is_updated_and_read() -> None:
    with Graph().as_default(), Session() as session:
        variable = VariableV1(1.0)
        session.run(global_variables_initializer())
        assert session.run(variable.assign(5.0)) == 5
        assert session.run(variable.assign_add(2.0)) == 7
        assert session.run(variable.assign_sub(3.0)) == 4
        assert session.run(variable.assign(6.0, read_value=False)) is None
        assert session.run([variable, variable.value(), variable.read_value(), variable + 1.0]) == [6, 6, 6, 7]
        assert variable.eval(session) == 6
        variable.load(9.0, session)
        assert variable.eval(session) == 9


def test_rows_are_updated_by_slices() -> None:
    with Graph().as_default(), Session() as session:
        variable = VariableV1([1.0, 2.0, 3.0])
        session.run(global_variables_initializer())
        update = variable.scatter_update(IndexedSlices(constant([7.0]), constant([1])))
        assert update.op.attrs["_class"] == [b"loc:@Variable"]
        np.testing.assert_array_equal(session.run(update), [1, 7, 3])
        np.testing.assert_array_equal(session.run(variable.scatter_nd_sub([[0]], [1.0])), [0, 7, 3])
        np.testing.assert_array_equal(session.run(variable.sparse_read([2, 1])), [3, 7])
        with pytest.raises(TypeError, match="IndexedSlices"):
            variable.scatter_add([1.0])


def test_batches_are_updated_by_positions() -> None:
    with Graph().as_default(), Session() as session:
        variable = VariableV1(np.zeros((2, 3), np.float32))
        session.run(global_variables_initializer())
        update = variable.batch_scatter_update(IndexedSlices([[1.0, 2.0], [3.0, 4.0]], [[0, 2], [1, 0]]))
        np.testing.assert_array_equal(session.run(update), [[1, 0, 2], [4, 3, 0]])


def test_the_initial_value_stands_in_until_it_is_initialized() -> None:
    with Graph().as_default(), Session() as session:
        variable = VariableV1(3.0)
        value = variable.initialized_value()
        assert session.run(value) == 3
        session.run(variable.initializer)
        session.run(variable.assign(4.0))
        assert session.run(value) == 4


def test_an_initial_value_that_reads_another_variable_sees_it_initialized() -> None:
    with Graph().as_default(), Session() as session:
        first = VariableV1(2.0)
        second = VariableV1(first * 3.0)
        session.run(global_variables_initializer())
        assert session.run(second) == 6


def test_it_is_lifted_out_of_functions() -> None:
    with Graph().as_default() as graph:
        with FuncGraph("body", graph).as_default():
            variable = VariableV1(1.0, name="w")
        assert variable.graph is graph and graph.get_collection("variables") == [variable]


def test_control_dependencies_do_not_hold_it_up() -> None:
    with Graph().as_default() as graph:
        with graph.control_dependencies([constant(1.0)]):
            variable = VariableV1(1.0)
        assert variable.initializer.control_inputs == [] and variable.op.control_inputs == []


def test_a_proto_finds_it_again() -> None:
    with Graph().as_default() as graph, graph.name_scope("scope"):
        variable = VariableV1(1.0, name="w", trainable=False)
        message = variable.to_proto()
        assert message.variable_name == "scope/w:0" and message.snapshot_name == "scope/w/read:0"
        assert message.initializer_name == "scope/w/Assign" and message.initial_value_name == "scope/w/initial_value:0"
        again = VariableV1.from_proto(protos.VariableDef.FromString(message.SerializeToString()))
        assert isinstance(again, RefVariable) and again.op is variable.op and not again.trainable
        assert variable.to_proto("other") is None
        assert variable.to_proto("scope").variable_name == "w:0"
        assert VariableV1.from_proto(variable.to_proto("scope"), import_scope="scope").op is variable.op


def test_wrong_arguments_are_refused() -> None:
    with Graph().as_default():
        with pytest.raises(ValueError, match="initial_value must be specified"):
            VariableV1()
        with pytest.raises(ValueError, match="must have a shape specified"):
            VariableV1(placeholder(np.float32))
        assert VariableV1(placeholder(np.float32), validate_shape=False).shape.rank is None
        with pytest.raises(ValueError, match="must be a list, tuple, or set"):
            VariableV1(1.0, collections="variables")
        with pytest.raises(ValueError, match="constraint"):
            VariableV1(1.0, constraint=3)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="must agree"):
            VariableV1([1.0, 2.0]).assign([1.0, 2.0, 3.0])
        with pytest.raises(NotImplementedError, match="eager"):
            VariableV1(1.0).numpy()


def test_it_is_a_key_and_equal_to_itself_alone() -> None:
    with Graph().as_default():
        first, second = VariableV1(1.0), VariableV1(1.0)
        assert {first: 1, second: 2}[first] == 1
        assert first == first and first != second
        assert first.ref() == first.ref() and first.ref().deref() is first
