from __future__ import annotations

from penstock.core import context
from penstock.core.func_graph import FuncGraph
from penstock.core.graph import Graph, current_graph, get_default_graph
from penstock.language.init_scope import executing_eagerly_outside_functions, init_scope, outermost_graph
from penstock.ops.constant import constant, no_op


def test_a_function_is_left_for_the_graph_around_it() -> None:
    with Graph().as_default() as graph, FuncGraph("f", graph).as_default(), FuncGraph("g", graph).as_default():
        assert outermost_graph() is graph
        with init_scope():
            assert current_graph() is graph


def test_a_function_is_left_for_eager_execution() -> None:
    with FuncGraph("f").as_default():
        assert executing_eagerly_outside_functions()
        with init_scope():
            assert context.executing_eagerly()
            assert constant(1.0).numpy() == 1.0
        assert not context.executing_eagerly()


def test_a_plain_graph_is_not_left() -> None:
    with Graph().as_default() as graph:
        assert not executing_eagerly_outside_functions()
        with init_scope():
            assert current_graph() is graph


def test_control_dependencies_are_left() -> None:
    with Graph().as_default() as graph, graph.control_dependencies([no_op()]):
        with init_scope():
            assert constant(1.0).op.control_inputs == []
        assert constant(1.0).op.control_inputs != []


def test_the_name_scope_stays() -> None:
    with Graph().as_default() as graph:
        function = FuncGraph("f", graph)
        with function.as_default(), function.name_scope("inner"), init_scope():
            assert constant(1.0, name="c").name == "inner/c:0"
        with graph.name_scope("scope"), init_scope():
            assert constant(1.0, name="c").name == "scope/c:0"


def test_the_graph_is_entered_again_after_an_error() -> None:
    with Graph().as_default() as graph, FuncGraph("f", graph).as_default() as function:
        try:
            with init_scope():
                raise KeyError
        except KeyError:
            pass
        assert current_graph() is function


def test_a_function_of_the_default_graph_is_left_for_it(graph_mode) -> None:
    graph = get_default_graph()
    with FuncGraph("f", graph).as_default():
        assert outermost_graph() is graph
        with init_scope():
            assert current_graph() is graph
