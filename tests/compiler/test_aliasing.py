"""The two invariants: what was returned never changes, what was fed is never written; and reads keep their value within
a step."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from penstock.core.graph import get_default_graph
from penstock.language.control_flow import cond, group
from penstock.language.variables import Variable, VariableV1, global_variables_initializer
from penstock.ops.array.shaping import reshape
from penstock.ops.constant import constant, identity, placeholder
from penstock.ops.state.variables import assign_add_op
from penstock.runtime.session import Session

pytestmark = pytest.mark.usefixtures("graph_mode")


@pytest.fixture(params=[False, True], ids=["ref", "resource"])
def variable(request):
    return VariableV1(np.zeros(3, np.float32), use_resource=request.param, name="v")


@pytest.fixture
def session(variable):
    with Session() as session:
        session.run(global_variables_initializer())
        yield session


def test_a_value_read_before_an_update_keeps_its_value(variable, session):
    before = variable.read_value()
    view = reshape(before, [3, 1])
    with get_default_graph().control_dependencies([before, view]):
        update = variable.assign_add([1.0, 1.0, 1.0])
    with get_default_graph().control_dependencies([update]):
        after = view * 10.0
    old, late = session.run([before, after])
    assert old.tolist() == [0.0] * 3 and late.ravel().tolist() == [0.0] * 3
    assert session.run(variable).tolist() == [1.0] * 3


def test_an_update_that_nobody_watches_runs_in_place(variable, session):
    update = variable.assign_add([1.0, 1.0, 1.0])
    assert "detach" not in session.program(update.op if hasattr(update, "op") else update).source
    before = variable.read_value()
    with get_default_graph().control_dependencies([before]):
        update = variable.assign_add([1.0, 1.0, 1.0])
    both = group(update)
    with get_default_graph().control_dependencies([both]):
        late = identity(before)
    assert "detach" in session.program(late).source


def test_what_was_returned_never_changes(variable, session):
    update = variable.assign_add([1.0, 1.0, 1.0])
    returned = [session.run(variable), session.run(update), session.run(variable.read_value())]
    kept = [value.copy() for value in returned]
    for _ in range(3):
        session.run(update)
    for value, old in zip(returned, kept, strict=True):
        np.testing.assert_array_equal(value, old)


def test_what_the_caller_does_to_a_returned_array_does_not_reach_the_variable(variable, session):
    for fetch in (variable, variable.read_value(), variable.assign_add([0.0, 0.0, 0.0])):
        session.run(fetch)[...] = 99.0
    assert session.run(variable).tolist() == [0.0] * 3


def test_an_assigned_feed_is_neither_written_nor_followed(variable, session):
    x = placeholder("float32", [3])
    assign = variable.assign(x)
    fed = np.ones(3, np.float32)
    session.run(assign, {x: fed})
    session.run(variable.assign_add([1.0, 1.0, 1.0]))
    assert fed.tolist() == [1.0] * 3
    fed[:] = 50.0
    assert session.run(variable).tolist() == [2.0] * 3


def test_a_variable_assigned_from_another_does_not_follow_it(variable, session):
    other = VariableV1(np.ones(3, np.float32), name="other")
    session.run(other.initializer)
    session.run(variable.assign(other))
    session.run(other.assign_add([5.0, 5.0, 5.0]))
    assert session.run(variable).tolist() == [1.0] * 3


def test_updates_run_in_the_order_of_their_creation(variable, session):
    first = variable.assign([1.0, 1.0, 1.0])
    second = variable.assign_add([1.0, 1.0, 1.0])
    with get_default_graph().control_dependencies([first, second]):
        third = variable.assign_sub([0.5, 0.5, 0.5])
    session.run([third, second, first])
    assert session.run(variable).tolist() == [1.5] * 3


def test_an_update_inside_a_conditional_runs_only_when_chosen(session, variable):
    p = placeholder("bool", [])
    result = cond(p, lambda: identity(variable.assign_add([1.0, 1.0, 1.0])), lambda: identity(variable.read_value()))
    session.run(result, {p: False})
    assert session.run(variable).tolist() == [0.0] * 3
    session.run(result, {p: True})
    assert session.run(variable).tolist() == [1.0] * 3


def test_a_failing_step_leaves_a_variable_as_before_or_after_a_whole_update(variable, session):
    x = placeholder("float32", None)
    update = variable.assign_add(constant([1.0, 1.0, 1.0]))
    with get_default_graph().control_dependencies([update]):
        fails = identity(x + [1.0, 2.0])
    with pytest.raises(Exception, match="broadcast"):
        session.run(fails, {x: np.zeros(5)})
    assert session.run(variable).tolist() == [1.0] * 3


def test_concurrent_updates_leave_returned_values_alone(variable, session):
    update = variable.assign_add([1.0, 1.0, 1.0])
    failures = []

    def work():
        for _ in range(100):
            value = session.run(variable)
            copy = value.copy()
            session.run(update)
            if not (value == copy).all():
                failures.append(value)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_eager_reads_keep_their_value():
    from penstock.core import context

    context.set_default_eager(True)
    variable = Variable([1.0, 2.0])
    before, array = variable.read_value(), variable.numpy()
    variable.assign_add([10.0, 10.0])
    assert before.numpy().tolist() == [1.0, 2.0] and array.tolist() == [1.0, 2.0]
    assert variable.numpy().tolist() == [11.0, 12.0]


def test_the_reference_operations_update_the_same_memory():
    variable = VariableV1([1.0], name="v")
    with Session() as session:
        session.run(variable.initializer)
        assert session.run(assign_add_op(variable._ref(), [1.0])).tolist() == [2.0]


def test_an_operation_that_waits_for_an_update_sees_the_updated_value(variable, session):
    update = variable.assign_add([1.0, 1.0, 1.0])
    with get_default_graph().control_dependencies([update]):
        copied, doubled = identity(variable), variable * 2.0
    for step in range(3):
        assert [value[0] for value in session.run([copied, doubled])] == [step + 1, 2 * (step + 1)]


def test_operations_that_no_edge_orders_share_one_read_of_a_reference_variable():
    variable = VariableV1([0.0], name="v", use_resource=False)
    update = variable.assign_add([1.0])
    tripled = variable * 3.0
    with Session() as session:
        session.run(variable.initializer)
        assert [session.run([update, tripled])[1][0] for _ in range(3)] == [0.0, 3.0, 6.0]


def test_a_value_fed_for_a_reference_variable_stands_in_for_it_during_the_step():
    variable = VariableV1(np.zeros(3, np.float32), use_resource=False)
    doubled = variable * 2.0
    with Session() as session:
        session.run(variable.initializer)
        assert session.run(doubled, {variable: [1.0, 2.0, 3.0]}).tolist() == [2.0, 4.0, 6.0]
        assert session.run([variable, doubled])[1].tolist() == [0.0] * 3
