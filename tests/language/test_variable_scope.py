from __future__ import annotations

from typing import Any

import pytest

from penstock.core import dtypes
from penstock.core.graph import Graph
from penstock.core.op_def import lookup
from penstock.language.variable_scope import (
    get_local_variable,
    get_variable,
    get_variable_scope,
    variable_op_scope,
    variable_scope,
)
from penstock.language.variable_store import no_regularizer
from penstock.language.variables import VariableV1, global_variables_initializer
from penstock.ops.array.filling import ones, zeros
from penstock.ops.constant import constant
from penstock.runtime.session import Session

graph_mode = pytest.mark.usefixtures("graph_mode")


def _sum(variable: Any) -> Any:
    return lookup("Sum")(variable, [0])  # type: ignore[operator]


@graph_mode
def test_the_nodes_are_those_of_tensorflow() -> None:
    with Graph().as_default() as graph:
        get_variable("w", [2, 3])
        assert [op.name for op in graph.get_operations()] == [
            "w/Initializer/random_uniform/shape",
            "w/Initializer/random_uniform/min",
            "w/Initializer/random_uniform/max",
            "w/Initializer/random_uniform/RandomUniform",
            "w/Initializer/random_uniform/sub",
            "w/Initializer/random_uniform/mul",
            "w/Initializer/random_uniform",
            "w",
            "w/Assign",
            "w/read",
        ]
    with Graph().as_default() as graph:
        get_variable("w", [2, 3], dtype=dtypes.int32)
        assert [op.name for op in graph.get_operations()] == ["w/Initializer/zeros", "w", "w/Assign", "w/read"]


@graph_mode
def test_names_of_variables_and_operations_are_those_of_tensorflow() -> None:
    with variable_scope("a") as scope:
        assert get_variable("w", [2]).name == "a/w:0" and constant(1.0).name == "a/Const:0"
    with variable_scope("a", reuse=True):
        assert get_variable("w", [2]).name == "a/w:0" and constant(1.0).name == "a_1/Const:0"
    with variable_scope(scope, reuse=True) as again:
        assert again.name == "a" and again.original_name_scope == "a/" and constant(1.0).name == "a_2/Const:0"
    with variable_scope(scope, auxiliary_name_scope=False) as again:
        assert again.original_name_scope == "a/" and constant(1.0).name == "Const:0"
    with variable_scope(None, "a") as unique:
        assert unique.name == "a_1" and get_variable("w", [2]).name == "a_1/w:0" and constant(1.0).name == "a_3/Const:0"
    with variable_scope("b"):
        with variable_scope(scope) as inner:
            assert inner.name == "a" and constant(1.0).name == "b/a/Const:0"
        with variable_scope("c"):
            assert VariableV1(1.0, name="q").name == "b/c/q:0" and get_variable_scope().name == "b/c"
        with variable_scope(None, default_name="c") as second:
            assert second.name == "b/c_1"
    assert get_variable_scope().name == ""


@graph_mode
def test_defaults_are_inherited_and_overridden() -> None:
    with variable_scope(
        "a", initializer=lambda shape, dtype: ones(shape, dtype), dtype=dtypes.float64, use_resource=True
    ) as scope:
        variable = get_variable("w", [2])
        assert variable.dtype == dtypes.float64 and variable.initial_value.op.name == "a/w/Initializer/ones"
        assert type(variable).__name__ == "ResourceVariable"
        with variable_scope("b", dtype=dtypes.float32) as inner:
            assert inner.dtype == dtypes.float32 and inner.initializer is scope.initializer and inner.use_resource
            assert get_variable("w", [2], use_resource=False).dtype == dtypes.float32._as_ref


@graph_mode
def test_regularization_losses_are_collected() -> None:
    with Graph().as_default() as graph, variable_scope("a", regularizer=_sum):
        variable = get_variable("w", [2])
        get_variable("free", [2], regularizer=no_regularizer)
        (loss,) = graph.get_collection("regularization_losses")
        assert loss.name == "a/w/Regularizer/Sum:0" and loss.op.attrs["_class"] == [b"loc:@a/w"]
        assert loss.op.inputs[0] is variable.value()


@graph_mode
def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="did not get an initializer"):
        get_variable("w")
    with pytest.raises(ValueError, match="do not specify shape"):
        get_variable("w", [2], initializer=constant([1.0, 2.0]))
    with pytest.raises(ValueError, match="initializer passed is not valid"):
        get_variable("w", [None, 2])
    with pytest.raises(ValueError, match="don't match"):
        get_variable("w", dtype=dtypes.int32, initializer=1.5)
    with pytest.raises(TypeError, match="name_or_scope is required"):
        variable_scope(None)
    with pytest.raises(ValueError, match="reuse parameter"):
        variable_scope("a", reuse=3)
    with (
        pytest.raises(ValueError, match="cannot be used without a name_or_scope"),
        variable_scope(None, "a", reuse=True),
    ):
        pass
    with pytest.raises(ValueError, match="not callable"):
        get_variable("w", [2], custom_getter=3)


@graph_mode
def test_custom_getters_wrap_one_another() -> None:
    def times(factor: float) -> Any:
        return lambda getter, name, *args, **kwargs: getter(name, *args, **kwargs) * factor

    with (
        Session() as session,
        variable_scope("a", custom_getter=times(2.0)),
        variable_scope("b", custom_getter=times(3.0)),
    ):
        value = get_variable("w", initializer=1.0)
        session.run(global_variables_initializer())
        assert session.run(value) == 6


@graph_mode
def test_local_variables_are_not_trained_and_not_global() -> None:
    with Graph().as_default() as graph:
        local = get_local_variable("count", [], initializer=lambda shape, dtype: zeros(shape, dtype))
        assert graph.get_collection("local_variables") == [local] and graph.get_collection("variables") == []
        assert not local.trainable


@graph_mode
def test_scopes_list_their_variables() -> None:
    with variable_scope("a") as scope:
        first = get_variable("w", [2])
    get_variable("ab", [2])
    assert scope.global_variables() == scope.trainable_variables() == [first] and scope.local_variables() == []


@graph_mode
def test_the_older_argument_order_is_understood() -> None:
    with variable_op_scope([constant(1.0)], None, "default") as scope:
        assert scope.name == "default"


@graph_mode
def test_scopes_must_be_nested() -> None:
    outer, inner = variable_scope("outer"), variable_scope("inner")
    outer.__enter__()
    inner.__enter__()
    with pytest.raises(RuntimeError, match="Improper nesting"):
        outer.__exit__(None, None, None)
