from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

from penstock.core import context
from penstock.core.errors import FailedPreconditionError
from penstock.core.graph import Graph
from penstock.language import variables as tf
from penstock.language.variables import Variable, VariableV1
from penstock.ops.array.filling import zeros
from penstock.ops.constant import constant
from penstock.runtime.session import Session


def test_the_face_and_the_mode_choose_the_class() -> None:
    with Graph().as_default():
        assert isinstance(VariableV1(1.0, use_resource=False), tf.RefVariable)
        assert isinstance(VariableV1(1.0, use_resource=True), tf.ResourceVariable)
        assert isinstance(Variable(1.0), tf.ResourceVariable)
        assert isinstance(VariableV1(1.0), tf.ResourceVariable)
    assert isinstance(VariableV1(1.0, use_resource=False), tf.ResourceVariable)


def test_the_process_chooses_the_default_of_graphs(graph_mode: None) -> None:
    assert isinstance(VariableV1(1.0), tf.RefVariable)
    tf.enable_resource_variables()
    assert tf.resource_variables_enabled()
    assert isinstance(VariableV1(1.0), tf.ResourceVariable)
    assert isinstance(VariableV1(1.0, use_resource=False), tf.RefVariable)
    tf.disable_resource_variables()
    assert isinstance(VariableV1(1.0), (Variable, tf.RefVariable))


def test_the_constructors_have_the_signatures_of_tensorflow() -> None:
    v1 = "initial_value trainable collections validate_shape caching_device name variable_def dtype expected_shape "
    v1 += "import_scope constraint use_resource synchronization aggregation shape"
    assert list(inspect.signature(VariableV1).parameters) == v1.split()
    v2 = "initial_value trainable validate_shape caching_device name variable_def dtype import_scope constraint "
    v2 += "synchronization aggregation shape experimental_enable_variable_lifting"
    assert list(inspect.signature(Variable).parameters) == v2.split()


def test_creators_take_part_innermost_last() -> None:
    calls = []

    def creator(label: str) -> Any:
        def create(following: Any, **keywords: Any) -> Any:
            calls.append(label)
            keywords["name"] = f"{keywords['name']}_{label}"
            return following(**keywords)

        return create

    with tf.variable_creator_scope(creator("outer")), tf.variable_creator_scope(creator("inner")):
        variable = Variable(1.0, name="w")
    assert calls == ["inner", "outer"] and variable.name == "w_inner_outer:0"
    assert Variable(1.0, name="w").name == "w:0"


def test_variables_summed_on_reading_are_not_trained() -> None:
    on_read = tf.VariableSynchronization.ON_READ
    assert not Variable(1.0, synchronization=on_read).trainable
    with pytest.raises(ValueError, match="ON_READ"):
        Variable(1.0, synchronization=on_read, trainable=True)


def test_collections_list_the_variables_of_a_graph() -> None:
    with Graph().as_default() as graph:
        first, second = VariableV1(1.0, name="a/first"), VariableV1(1.0, name="b/second", trainable=False)
        local = VariableV1(1.0, collections=["local_variables"], trainable=False)
        assert tf.global_variables() == tf.all_variables() == [first, second]
        assert tf.global_variables("b/") == [second] and tf.trainable_variables() == [first]
        assert tf.local_variables() == [local] and tf.model_variables() == tf.moving_average_variables() == []
        assert graph.get_collection("trainable_variables", "a") == [first]


def test_uninitialized_variables_are_reported() -> None:
    with Graph().as_default(), Session() as session:
        first, second = VariableV1(1.0, name="first"), VariableV1(1.0, name="second", use_resource=True)
        report, check = tf.report_uninitialized_variables(), tf.assert_variables_initialized()
        asked = [tf.is_variable_initialized(first), tf.is_variable_initialized(second)]
        assert session.run(report).tolist() == [b"first", b"second"] and session.run(asked) == [False, False]
        with pytest.raises(FailedPreconditionError):
            session.run(check)
        session.run(tf.variables_initializer([first]))
        assert session.run(report).tolist() == [b"second"]
        session.run(tf.global_variables_initializer())
        assert session.run(report).tolist() == [] and session.run(asked) == [True, True]
        session.run(check)


def test_initializers_without_variables_do_nothing() -> None:
    with Graph().as_default(), Session() as session:
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        assert session.run(tf.report_uninitialized_variables()).tolist() == []
        assert tf.assert_variables_initialized() is None
    with context.eager_mode():
        assert tf.global_variables_initializer() is None


@pytest.mark.parametrize("use_resource", [False, True])
def test_functions_update_both_kinds(use_resource: bool) -> None:
    with Graph().as_default(), Session() as session:
        vector = VariableV1([1.0, 2.0, 3.0], use_resource=use_resource)
        counter = VariableV1(0, use_resource=use_resource)

        def after(update: Any) -> list[float]:
            session.run(tf.global_variables_initializer())
            return np.asarray(session.run(update)).tolist()

        assert after(tf.assign(vector, [4.0, 5.0, 6.0])) == [4, 5, 6]
        assert after(tf.assign_add(vector, [1.0, 1.0, 1.0])) == [2, 3, 4]
        assert after(tf.assign_sub(vector, [1.0, 1.0, 1.0])) == [0, 1, 2]
        assert after(tf.scatter_update(vector, [0], [9.0])) == [9, 2, 3]
        assert after(tf.scatter_add(vector, [0], [9.0])) == [10, 2, 3]
        assert after(tf.scatter_sub(vector, [0], [9.0])) == [-8, 2, 3]
        assert after(tf.scatter_mul(vector, [1], [9.0])) == [1, 18, 3]
        assert after(tf.scatter_div(vector, [1], [2.0])) == [1, 1, 3]
        assert after(tf.scatter_min(vector, [1], [0.5])) == [1, 0.5, 3]
        assert after(tf.scatter_max(vector, [1], [7.0])) == [1, 7, 3]
        assert after(tf.scatter_nd_update(vector, [[2]], [7.0])) == [1, 2, 7]
        assert after(tf.scatter_nd_add(vector, [[2]], [7.0])) == [1, 2, 10]
        assert after(tf.scatter_nd_sub(vector, [[2]], [7.0])) == [1, 2, -4]
        assert after(tf.batch_scatter_update(vector, [2], [7.0])) == [1, 2, 7]
        assert after(tf.count_up_to(counter, 3)) == 0


def test_assignments_chain_through_references() -> None:
    with Graph().as_default(), Session() as session:
        variable = VariableV1(1.0, use_resource=False)
        session.run(tf.global_variables_initializer())
        assert session.run(tf.assign_add(tf.assign(variable, 5.0), 1.0)) == 6


def _partitioned() -> tf.PartitionedVariable:
    pieces = []
    for index, rows in enumerate((2, 1)):
        piece = VariableV1(zeros([rows, 2]), name=f"whole/part_{index}")
        piece._set_save_slice_info(tf.SaveSliceInfo("whole", [3, 2], [2 * index, 0], [rows, 2]))
        pieces.append(piece)
    return tf.PartitionedVariable("whole", [3, 2], np.float32, pieces, [2, 1])


def test_a_partitioned_variable_is_one_tensor() -> None:
    with Graph().as_default(), Session() as session:
        whole = _partitioned()
        assert len(whole) == 2 and whole.shape == [3, 2] and whole.as_tensor().name == "whole:0"
        session.run(tf.global_variables_initializer())
        session.run(whole.assign(np.array([[1, 2], [3, 4], [5, 6]], np.float32)))
        session.run(whole.assign_add(list(whole)))
        np.testing.assert_array_equal(session.run(constant([[1.0]]) * whole), [[2, 4], [6, 8], [10, 12]])


def test_a_slice_of_a_partitioned_variable_says_which() -> None:
    with Graph().as_default():
        info = list(_partitioned())[1]._get_save_slice_info()
        assert info.spec == "3 2 2,1:0,2"
        message = info.to_proto()
        assert message.full_name == "whole" and list(message.var_offset) == [2, 0] and list(message.var_shape) == [1, 2]
        assert tf.SaveSliceInfo(save_slice_info_def=message).spec == info.spec
        with pytest.raises(ValueError, match="may not be empty"):
            tf.PartitionedVariable("whole", [3, 2], np.float32, [], [2, 1])
