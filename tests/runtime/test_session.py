"""Sessions: what may be fetched and fed, what is returned, and what is refused."""

from __future__ import annotations

import collections
import threading
from typing import NamedTuple

import numpy as np
import pytest

from penstock.core import errors
from penstock.core.graph import Graph, get_default_graph
from penstock.core.indexed_slices import IndexedSlices
from penstock.language.variables import Variable
from penstock.ops.constant import constant, identity, no_op, placeholder, placeholder_with_default
from penstock.runtime.session import InteractiveSession, Session, get_default_session


@pytest.fixture
def graph():
    graph = Graph()
    with graph.as_default():
        yield graph


@pytest.fixture
def session(graph):
    with Session(graph=graph) as session:
        yield session


class Pair(NamedTuple):
    first: object
    second: object


def test_the_smallest_program_adds_two_numbers(session):
    a, b = placeholder("float32", name="a"), placeholder("float32", name="b")
    result = session.run(a + b, feed_dict={a: 4, b: 5})
    assert result == 9.0 and isinstance(result, np.float32)


def test_values_are_nested_as_the_fetches(session):
    a, b, op = constant(1.0, name="a"), constant([2, 3], name="b"), no_op(name="op")
    result = session.run({"list": [a, b], "tuple": (a,), "pair": Pair(a, [b]), "op": op, "name": "a:0"})
    assert result["list"][0] == 1.0 and result["list"][1].tolist() == [2, 3]
    assert isinstance(result["tuple"], tuple) and isinstance(result["pair"], Pair)
    assert result["op"] is None and result["name"] == 1.0
    ordered = session.run(collections.OrderedDict([("z", a), ("a", b)]))
    assert isinstance(ordered, collections.OrderedDict) and list(ordered) == ["z", "a"]
    assert session.run([]) == [] and session.run([[a], []]) == [[1.0], []]


def test_sparse_slices_are_fetched_as_a_tuple_of_values(session):
    slices = IndexedSlices(constant([[1.0]]), constant([2]))
    value = session.run(slices)
    assert value.values.tolist() == [[1.0]] and value.indices.tolist() == [2] and value.dense_shape is None


def test_any_tensor_may_be_fed(session):
    a = constant(1.0)
    b = identity(a)
    assert session.run(b, {a: 5.0}) == 5.0
    assert session.run(b, {b: 6.0}) == 6.0
    assert session.run(b, {"Const:0": 7.0}) == 7.0


def test_a_default_is_used_where_nothing_is_fed(session):
    x = placeholder_with_default(constant([1.0]), [None])
    assert session.run(x).tolist() == [1.0]
    assert session.run(x, {x: [2.0, 3.0]}).tolist() == [2.0, 3.0]


def test_a_wrong_shape_names_the_placeholder_and_both_shapes(session):
    x = placeholder("float32", [None, 784], name="images")
    with pytest.raises(ValueError, match=r"\(2, 3\).*images:0.*\(\?, 784\)"):
        session.run(identity(x), {x: np.zeros((2, 3))})


@pytest.mark.parametrize("value", ["text", None, [[1], [1, 2]], object()], ids=["text", "none", "ragged", "object"])
def test_values_of_a_wrong_kind_name_the_placeholder(session, value):
    x = placeholder("float32", name="images")
    with pytest.raises((TypeError, ValueError), match="images:0"):
        session.run(identity(x), {x: value})


def test_a_number_that_does_not_fit_is_refused(session):
    x = placeholder("int32", name="x")
    with pytest.raises(TypeError, match="x:0"):
        session.run(identity(x), {x: 2**40})


def test_a_tensor_cannot_be_fed(session):
    x = placeholder("float32", name="x")
    with pytest.raises(TypeError, match="feed cannot be a tf.Tensor"):
        session.run(identity(x), {x: constant(1.0)})


def test_a_missing_feed_names_the_placeholder_and_its_line(session):
    x = placeholder("float32", [None, 3], name="x")
    with pytest.raises(errors.InvalidArgumentError, match=r"feed a value.*'x'.*float32.*\(\?, 3\)") as caught:
        session.run(identity(x))
    assert caught.value.op is x.op and "test_session.py" in str(caught.value)


@pytest.mark.parametrize("fetch", [None, 3.5, object()], ids=["none", "number", "object"])
def test_what_is_no_fetch_is_a_type_error(session, fetch):
    constant(1.0)
    with pytest.raises(TypeError, match="fetch"):
        session.run(fetch)


@pytest.mark.parametrize("fetch", ["nothing", "nothing:0", "Const:9", "Const:x"])
def test_names_that_the_graph_does_not_have_are_value_errors(session, fetch):
    constant(1.0)
    with pytest.raises(ValueError, match="cannot be interpreted"):
        session.run(fetch)


def test_tensors_of_another_graph_are_refused(session):
    constant(1.0)
    with Graph().as_default():
        foreign = constant(1.0)
    with pytest.raises(ValueError, match="not an element of this graph"):
        session.run(foreign)
    with pytest.raises(TypeError, match="Cannot interpret feed_dict key"):
        session.run("Const:0", {foreign: 1.0})


def test_an_empty_graph_and_a_closed_session_say_so():
    with Session(graph=Graph()) as session, pytest.raises(RuntimeError, match="graph is empty"):
        session.run("x:0")
    with Graph().as_default():
        x = constant(1.0)
        session = Session()
        assert session.run(x) == 1.0
        session.close()
        with pytest.raises(RuntimeError, match="closed Session"):
            session.run(x)


def test_a_with_block_makes_session_and_graph_the_default(graph):
    x = constant(2.0)
    with Session() as session:
        assert get_default_session() is session and get_default_graph() is graph
        assert x.eval() == 2.0
    assert get_default_session() is None
    with pytest.raises(RuntimeError, match="closed"):
        session.run(x)


def test_as_default_leaves_the_session_open(graph):
    x = constant(2.0)
    session = Session()
    with session.as_default():
        assert x.eval() == 2.0
    assert session.run(x) == 2.0


def test_an_interactive_session_is_the_default_until_closed(graph):
    x = constant(2.0)
    session = InteractiveSession()
    assert x.eval() == 2.0
    session.close()
    assert get_default_session() is None


def test_the_graph_may_grow_between_runs(session):
    x = constant(2.0)
    assert session.run(x) == 2.0
    assert [session.run(x + float(i)) for i in range(3)] == [2.0, 3.0, 4.0]


def test_rewiring_an_operation_is_seen_by_the_next_run(session):
    a, b = constant(1.0), constant(2.0)
    c = identity(a)
    assert session.run(c) == 1.0
    c.op._update_input(0, b)
    assert session.run(c) == 2.0


def test_a_cycle_of_control_edges_is_reported_with_its_operations(session):
    first, second = no_op(name="first"), no_op(name="second")
    first._add_control_input(second)
    second._add_control_input(first)
    with pytest.raises(errors.InvalidArgumentError, match="cycle.*first.*second|cycle.*second.*first"):
        session.run(second)


def test_make_callable_takes_feeds_in_order(session):
    a, b = placeholder("float32"), placeholder("float32")
    function = session.make_callable(a - b, [a, b])
    assert function(5.0, 3.0) == 2.0
    with pytest.raises(TypeError, match="2 values"):
        function(1.0)


def test_a_step_may_be_run_in_parts(session):
    a, b, c = (placeholder("float32", []) for _ in range(3))
    r1 = a + b
    r2 = r1 * c
    handle = session.partial_run_setup([r1, r2], [a, b, c])
    assert session.partial_run(handle, r1, {a: 1.0, b: 2.0}) == 3.0
    assert session.partial_run(handle, r2, {c: 17.0}) == 51.0
    with pytest.raises(errors.InvalidArgumentError, match="already been fed"):
        session.partial_run(handle, r2, {a: 1.0})


def test_a_part_that_needs_what_is_not_fed_yet_is_refused(session):
    a, b = placeholder("float32", [], name="a"), placeholder("float32", [], name="b")
    total = a + b
    handle = session.partial_run_setup([total], [a, b])
    with pytest.raises(errors.InvalidArgumentError, match="b:0"):
        session.partial_run(handle, total, {a: 1.0})
    assert session.partial_run(handle, total, {b: 2.0}) == 3.0


def test_what_is_returned_shares_no_memory_with_feeds_or_constants(session):
    x = placeholder("float32", [3])
    fed = np.ones(3, np.float32)
    returned = session.run(identity(x), {x: fed})
    fed[0] = 7.0
    assert returned.tolist() == [1.0, 1.0, 1.0]
    c = constant([1.0, 2.0])
    session.run(c)[0] = 9.0
    session.run(identity(c))[0] = 9.0
    assert session.run(c).tolist() == [1.0, 2.0]


def test_read_only_arrays_may_be_fed(session):
    x = placeholder("float32", [2])
    fed = np.ones(2, np.float32)
    fed.flags.writeable = False
    assert session.run(identity(x), {x: fed}).tolist() == [1.0, 1.0]


def test_many_threads_may_run_one_session(session):
    x = placeholder("float32", [])
    y = x * 2.0 + 1.0
    results: dict[int, list[float]] = {}

    def work(n):
        results[n] = [float(session.run(y, {x: float(n)})) for _ in range(100)]

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {n: [2.0 * n + 1.0] * 100 for n in range(4)}


def test_an_unreachable_target_says_so(graph):
    with pytest.raises(errors.NotFoundError, match="grpc://nowhere:1"):
        Session("grpc://nowhere:1")


def test_devices_have_names_and_types(session):
    (device,) = session.list_devices()
    assert device.name.endswith("/device:CPU:0") and device.device_type == "CPU"


def test_a_handle_of_a_resource_has_no_value_to_fetch(session):
    handle = Variable(1.0).handle
    with pytest.raises(TypeError, match="handle of a resource"):
        session.run(handle)


def test_fetches_that_cannot_be_hashed_are_never_mistaken_for_one_another(session):
    class Fields:
        __attrs_attrs__ = (type("Attribute", (), {"name": "value"}),)
        __hash__ = None

        def __init__(self, value):
            self.value = value

    constants = [constant(float(i)) for i in range(20)]
    for i, tensor in enumerate(constants):
        assert session.run(Fields(tensor)).value == float(i)
