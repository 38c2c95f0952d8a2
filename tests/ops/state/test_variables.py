from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from penstock.core import array, context, dtypes
from penstock.core.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError, OutOfRangeError
from penstock.core.gradients import gradients
from penstock.core.graph import Graph, get_default_graph
from penstock.core.indexed_slices import IndexedSlices
from penstock.core.op_def import lookup
from penstock.core.resources import VariableStorage
from penstock.core.tape import GradientTape
from penstock.core.tensor import EagerTensor
from penstock.language.control_flow import cond
from penstock.language.control_flow import while_loop_v1 as while_loop
from penstock.language.variables import Variable, VariableV1, global_variables_initializer
from penstock.ops.constant import identity
from penstock.ops.state import variables as state
from penstock.runtime.session import Session


def _handle(value: Any = None, dtype: Any = dtypes.float32) -> EagerTensor:
    storage = VariableStorage("w", dtypes.as_dtype(dtype), None)
    if value is not None:
        storage.assign(array.from_numpy(np.asarray(value, storage.dtype.as_numpy_dtype), copy=True))
    return EagerTensor(storage, dtypes.resource)


def _value(handle: EagerTensor) -> np.ndarray:
    return array.to_numpy(handle.value.value, copy=True)


# Reading and updating in place


COVERS = (
    "Assign",
    "AssignAdd",
    "AssignAddVariableOp",
    "AssignSub",
    "AssignSubVariableOp",
    "AssignVariableOp",
    "CountUpTo",
    "DestroyResourceOp",
    "DestroyTemporaryVariable",
    "DisableCopyOnRead",
    "IsVariableInitialized",
    "ReadVariableOp",
    "ResourceCountUpTo",
    "ResourceGather",
    "ResourceGatherNd",
    "ResourceStridedSliceAssign",
    "StridedSliceAssign",
    "TemporaryVariable",
    "VarHandleOp",
    "VarIsInitializedOp",
    "Variable",
    "VariableShape",
    "VariableV2",
)


def test_a_value_read_eagerly_never_changes() -> None:
    handle = _handle([1.0, 2.0])
    before = state.read_variable_op(handle, dtype=np.float32)
    state.assign_add_variable_op(handle, [1.0, 1.0], dtype=np.float32)
    between = state.read_variable_op(handle, dtype=np.float32)
    state.assign_sub_variable_op(handle, [5.0, 5.0], dtype=np.float32)
    np.testing.assert_array_equal(before.numpy(), [1, 2])
    np.testing.assert_array_equal(between.numpy(), [2, 3])
    np.testing.assert_array_equal(_value(handle), [-3, -2])


@pytest.mark.parametrize("use_resource", [False, True])
def test_a_value_read_before_an_update_in_a_step_is_the_old_one(use_resource: bool) -> None:
    with Graph().as_default() as graph, Session() as session:
        variable = VariableV1([1.0, 2.0], use_resource=use_resource)
        old = variable.read_value()
        with graph.control_dependencies([old]):
            update = variable.assign_add([10.0, 10.0], read_value=False)
        with graph.control_dependencies([update]):
            late = identity(old)
            new = variable.read_value()
        session.run(global_variables_initializer())
        for step in range(2):
            late_value, new_value = session.run([late, new])
            np.testing.assert_array_equal(late_value, [1 + 10 * step, 2 + 10 * step])
            np.testing.assert_array_equal(new_value, [11 + 10 * step, 12 + 10 * step])


@pytest.mark.parametrize("use_resource", [False, True])
def test_fetched_values_do_not_change_with_later_steps(use_resource: bool) -> None:
    with Graph().as_default(), Session() as session:
        variable = VariableV1([1.0, 2.0], use_resource=use_resource)
        update = variable.assign_add([1.0, 1.0])
        session.run(global_variables_initializer())
        first, through_view = session.run([variable, lookup("Reshape")(variable.value(), [2, 1])])  # type: ignore[operator]
        session.run(update)
        np.testing.assert_array_equal(first, [1, 2])
        np.testing.assert_array_equal(through_view, [[1], [2]])


def test_a_read_that_is_used_up_costs_no_copy_of_the_variable() -> None:
    with Graph().as_default(), Session() as session:
        variable = VariableV1([1.0, 2.0], use_resource=True)
        update = variable.assign_sub(lookup("Mul")(variable, 0.5), read_value=False)  # type: ignore[operator]
        session.run(global_variables_initializer())
        program = session.program(update)
        assert ".read()" in program.source
        assert "detach" not in program.source


def test_gathering_rows_before_an_update_costs_no_copy_of_the_variable() -> None:
    with Graph().as_default(), Session() as session:
        variable = VariableV1(np.zeros((3, 2), np.float32), use_resource=True)
        rows = variable.sparse_read([0])
        update = variable.scatter_add(IndexedSlices(rows + 1.0, [0])).op
        late = identity(rows)
        session.run(global_variables_initializer())
        assert "detach" not in session.program([late, update]).source
        np.testing.assert_array_equal(session.run([late, update])[0], [[0, 0]])
        np.testing.assert_array_equal(session.run(variable), [[1, 1], [0, 0], [0, 0]])


def test_a_value_carried_round_a_loop_does_not_change_with_the_variable() -> None:
    with Graph().as_default(), Session() as session:
        variable = VariableV1([0.0, 0.0], use_resource=True)

        def body(i: Any, carried: Any, seen: Any) -> Any:
            update = variable.assign_add([1.0, 1.0], read_value=False)
            with get_default_graph().control_dependencies([update]):
                return i + 1, variable.read_value(), seen + lookup("Sum")(carried, [0])  # type: ignore[operator]

        _, _, seen = while_loop(lambda i, carried, seen: i < 4, body, [0, variable.read_value(), 0.0])
        session.run(global_variables_initializer())
        assert session.run(seen) == 2 * (0 + 1 + 2 + 3)


def test_reading_before_initialization_names_the_variable() -> None:
    with Graph().as_default(), Session() as session:
        variable = VariableV1(1.0, name="weights", use_resource=True)
        with pytest.raises(FailedPreconditionError, match="weights"):
            session.run(variable)
    with pytest.raises(FailedPreconditionError, match="uninitialized value w"):
        state.read_variable_op(_handle(), dtype=np.float32)


def test_reading_as_another_type_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="wrong dtype. Expected float32 got int32"):
        state.read_variable_op(_handle(1.0), dtype=np.int32)


# Assigning


def test_an_assigned_value_is_a_copy() -> None:
    source = EagerTensor(array.from_numpy(np.ones(2, np.float32)))
    handle = _handle([0.0, 0.0])
    state.assign_variable_op(handle, source, dtype=np.float32)
    state.assign_add_variable_op(handle, [1.0, 1.0], dtype=np.float32)
    np.testing.assert_array_equal(source.numpy(), [1, 1])


def test_assigning_another_type_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="wrong dtype"):
        state.assign_variable_op(_handle(1.0), 1, dtype=np.int32)


def test_assigning_another_shape_is_refused_where_shapes_are_validated() -> None:
    storage = VariableStorage("w", dtypes.float32, (2, None))
    handle = EagerTensor(storage, dtypes.resource)
    with pytest.raises(InvalidArgumentError, match="wrong shape"):
        state.assign_variable_op(handle, np.zeros((3, 1), np.float32), dtype=np.float32, validate_shape=True)
    state.assign_variable_op(handle, np.zeros((2, 5), np.float32), dtype=np.float32, validate_shape=True)


def test_a_reference_takes_another_shape_only_if_shapes_are_not_validated() -> None:
    with Graph().as_default(), Session() as session:
        variable = VariableV1([1.0, 2.0], validate_shape=False, use_resource=False)
        session.run(variable.initializer)
        fed = lookup("Placeholder")(dtype=np.float32, shape=None)  # type: ignore[operator]
        checked, free = state.assign_op(variable, fed), state.assign_op(variable, fed, validate_shape=False)
        with pytest.raises(InvalidArgumentError, match=r"lhs shape= \[2\] rhs shape= \[3\]"):
            session.run(checked, {fed: [1, 2, 3]})
        np.testing.assert_array_equal(session.run(free, {fed: [1, 2, 3]}), [1, 2, 3])


def test_adding_another_shape_is_refused_and_nothing_changes() -> None:
    handle = _handle([1.0, 2.0])
    with pytest.raises(InvalidArgumentError, match="shapes must be equal"):
        state.assign_add_variable_op(handle, 1.0, dtype=np.float32)
    np.testing.assert_array_equal(_value(handle), [1, 2])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "uint64", "int8", "float16", "complex64", "bfloat16"])
def test_all_number_types_add_and_subtract(dtype: str) -> None:
    handle = _handle([5, 7], dtype)
    state.assign_add_variable_op(handle, np.array([2, 3]).astype(handle.value.dtype.as_numpy_dtype), dtype=dtype)
    state.assign_sub_variable_op(handle, np.array([1, 1]).astype(handle.value.dtype.as_numpy_dtype), dtype=dtype)
    np.testing.assert_array_equal(_value(handle).astype(np.complex128), [6, 9])


def test_a_variable_added_to_its_own_transpose_is_summed_from_the_old_values() -> None:
    with Graph().as_default(), Session() as session:
        variable = VariableV1([[1.0, 2.0], [3.0, 4.0]], use_resource=False)
        update = variable.assign_add(lookup("Transpose")(variable.value(), [1, 0]))  # type: ignore[operator]
        session.run(global_variables_initializer())
        np.testing.assert_array_equal(session.run(update), [[2, 5], [5, 8]])


# Finding


def test_handles_of_one_name_share_a_variable_and_anonymous_ones_do_not() -> None:
    with context.eager_mode():
        first = state.var_handle_op(dtype=np.float32, shape=[], shared_name="test_handles_of_one_name")
        second = state.var_handle_op(dtype=np.float32, shape=[], shared_name="test_handles_of_one_name")
        assert first.value is second.value
        alone = [state.var_handle_op(dtype=np.float32, shape=[], shared_name=state.ANONYMOUS_NAME) for _ in range(2)]
        assert alone[0].value is not alone[1].value


def test_sessions_keep_values_apart() -> None:
    with Graph().as_default() as graph:
        variable = VariableV1(1.0)
        init, update = global_variables_initializer(), variable.assign_add(1.0)
    one, two = Session(graph=graph), Session(graph=graph)
    one.run(init), two.run(init)
    one.run(update)
    assert one.run(variable) == 2 and two.run(variable) == 1


def test_initialization_can_be_asked_for() -> None:
    assert not state.var_is_initialized_op(_handle()).numpy()
    assert state.var_is_initialized_op(_handle(1.0)).numpy()


def test_a_destroyed_variable_is_not_initialized() -> None:
    handle = _handle(1.0)
    state.destroy_resource_op(handle)
    assert not state.var_is_initialized_op(handle).numpy()
    with pytest.raises(NotFoundError):
        state.destroy_resource_op(handle, ignore_lookup_error=False)


def test_the_shape_is_that_of_the_value() -> None:
    np.testing.assert_array_equal(state.variable_shape_op(_handle(np.zeros((2, 3)))).numpy(), [2, 3])


def test_a_temporary_variable_lives_for_a_step() -> None:
    with Graph().as_default(), Session() as session:
        reference = state.temporary_variable_op(shape=[2], dtype=np.float32)
        filled = state.assign_op(reference, [1.0, 2.0])
        added = state.assign_add_op(filled, [1.0, 1.0])
        value = state.destroy_temporary_variable_op(added, var_name="t")
        for _ in range(2):
            np.testing.assert_array_equal(session.run(value), [2, 3])


# Counting, slices, gathering


@pytest.mark.parametrize("use_resource", [False, True])
def test_counting_returns_the_old_value_and_ends_at_the_limit(use_resource: bool) -> None:
    with Graph().as_default(), Session() as session:
        variable = VariableV1(0, use_resource=use_resource)
        count = variable.count_up_to(2)
        session.run(global_variables_initializer())
        assert [session.run(count), session.run(count)] == [0, 1]
        with pytest.raises(OutOfRangeError, match="Reached limit of 2"):
            session.run(count)
        assert session.run(variable) == 2


@pytest.mark.parametrize("use_resource", [False, True])
def test_a_slice_can_be_assigned(use_resource: bool) -> None:
    with Graph().as_default(), Session() as session:
        variable = VariableV1(np.zeros((3, 3), np.float32), use_resource=use_resource)
        update = variable[::-2, 1:].assign([[1.0, 2.0], [3.0, 4.0]])
        session.run(global_variables_initializer())
        expected = np.zeros((3, 3))
        expected[::-2, 1:] = [[1, 2], [3, 4]]
        np.testing.assert_array_equal(session.run(update), expected)


def test_a_slice_of_another_shape_is_refused_and_nothing_changes() -> None:
    handle = _handle([1.0, 2.0, 3.0])
    with pytest.raises(InvalidArgumentError, match="must have shape"):
        state.resource_strided_slice_assign_op(handle, [0], [2], [1], [1.0, 2.0, 3.0], T=np.float32)
    np.testing.assert_array_equal(_value(handle), [1, 2, 3])


def test_gathered_rows_have_sparse_gradients() -> None:
    variable = Variable(np.arange(6.0, dtype=np.float32).reshape(3, 2))
    with GradientTape() as tape:
        rows = variable.sparse_read([2, 0, 2])
        total = lookup("Sum")(rows * rows, [0, 1])  # type: ignore[operator]
    grad = tape.gradient(total, variable)
    assert isinstance(grad, IndexedSlices)
    np.testing.assert_array_equal(grad.indices.numpy(), [2, 0, 2])
    np.testing.assert_array_equal(grad.values.numpy(), [[8, 10], [0, 2], [8, 10]])
    np.testing.assert_array_equal(grad.dense_shape.numpy(), [3, 2])


def test_sparse_gradients_are_found_where_shapes_are_unknown() -> None:
    with Graph().as_default(), Session() as session:
        variable = VariableV1(np.ones((3, 2), np.float32), use_resource=True)
        indices = lookup("Placeholder")(dtype=np.int32, shape=None)  # type: ignore[operator]
        rows = state.resource_gather_op(variable.handle, indices, dtype=np.float32)
        (grad,) = gradients(rows, variable)
        session.run(global_variables_initializer())
        found = session.run(grad, {indices: [[1, 0]]})
        np.testing.assert_array_equal(found.indices, [1, 0])
        np.testing.assert_array_equal(found.values, np.ones((2, 2)))


def test_gathered_elements_have_gradients() -> None:
    variable = Variable([[1.0, 2.0], [3.0, 4.0]])
    with GradientTape() as tape:
        found = variable.gather_nd([[1, 0], [1, 0]])
        total = lookup("Sum")(found * found, [0])  # type: ignore[operator]
    np.testing.assert_array_equal(tape.gradient(total, variable).numpy(), [[0, 0], [12, 0]])


def test_gathering_out_of_range_names_the_index() -> None:
    with pytest.raises(InvalidArgumentError, match=r"indices\[1\] = 5 is not in \[0, 2\)"):
        state.resource_gather_op(_handle([1.0, 2.0]), [0, 5], dtype=np.float32)


@pytest.mark.parametrize("use_resource", [False, True])
def test_gradients_reach_the_variable(use_resource: bool) -> None:
    with Graph().as_default(), Session() as session:
        variable = VariableV1([1.0, 2.0], use_resource=use_resource)
        loss = lookup("Sum")(variable * variable, [0])  # type: ignore[operator]
        (grad,) = gradients(loss, [variable])
        session.run(global_variables_initializer())
        np.testing.assert_array_equal(session.run(grad), [2, 4])


@pytest.mark.parametrize("use_resource", [False, True])
def test_gradients_of_variables_read_in_one_branch_only_are_zero_in_the_other(use_resource: bool) -> None:
    with Graph().as_default(), Session() as session:
        first, second = (
            VariableV1([1.0, 2.0], use_resource=use_resource),
            VariableV1([3.0, 4.0], use_resource=use_resource),
        )
        chosen = lookup("Placeholder")(dtype=np.bool_, shape=[])  # type: ignore[operator]
        grads = gradients(cond(chosen, lambda: first * first, lambda: second * second), [first, second])
        session.run(global_variables_initializer())
        np.testing.assert_array_equal(session.run(grads, {chosen: True}), [[2, 4], [0, 0]])
        np.testing.assert_array_equal(session.run(grads, {chosen: False}), [[0, 0], [6, 8]])


def test_disabling_copies_on_read_leaves_the_value() -> None:
    variable = Variable([1.0, 2.0])
    state.disable_copy_on_read_op(variable.handle)
    assert variable.numpy().tolist() == [1.0, 2.0]
