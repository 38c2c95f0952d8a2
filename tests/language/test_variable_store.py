from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from penstock.core import dtypes
from penstock.core.graph import Graph
from penstock.language.partitioners import fixed_size_partitioner
from penstock.language.variable_scope import (
    VariableScope,
    create_partitioned_variables,
    get_variable,
    variable_scope,
)
from penstock.language.variable_store import AUTO_REUSE, EagerVariableStore
from penstock.language.variables import global_variables_initializer
from penstock.ops.array.filling import ones, zeros
from penstock.ops.constant import constant
from penstock.runtime.session import Session

graph_mode = pytest.mark.usefixtures("graph_mode")


@graph_mode
def test_the_default_initializer_is_bounded_by_the_fans() -> None:
    with Session() as session:
        variable = get_variable("w", [30, 20])
        session.run(global_variables_initializer())
        value = session.run(variable)
        limit = np.sqrt(6 / 50)
        assert np.abs(value).max() <= limit < np.abs(value).max() * 1.1


@graph_mode
def test_a_variable_exists_once_and_says_where_it_was_made() -> None:
    get_variable("w", [2])
    with pytest.raises(ValueError, match=r"(?s)Variable w already exists, disallowed.*test_variable_store.py"):
        get_variable("w", [2])


@graph_mode
def test_reuse_finds_what_fits() -> None:
    with variable_scope("scope"):
        variable = get_variable("w", [2])
    with variable_scope("scope", reuse=True):
        assert get_variable("w", [2]) is variable and get_variable("w") is variable
        with pytest.raises(ValueError, match=r"specified shape \(3,\) and found shape \(2,\)"):
            get_variable("w", [3])
        with pytest.raises(ValueError, match="specified dtype int32 and found dtype float32_ref"):
            get_variable("w", [2], dtype=dtypes.int32)
        with pytest.raises(ValueError, match="Variable scope/other does not exist"):
            get_variable("other", [2])
    with variable_scope("scope", reuse=AUTO_REUSE):
        assert get_variable("w", [2]) is variable
        assert get_variable("other", [2]).name == "scope/other:0"
    with variable_scope("scope") as scope:
        scope.reuse_variables()
        assert get_variable("w", [2]) is variable


@graph_mode
def test_initializers_are_values_functions_or_classes() -> None:
    class Ones:
        def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
            return ones(shape, dtype)

    with Session() as session:
        made = [
            get_variable("value", initializer=3),
            get_variable("array", initializer=np.array([1.0, 2.0])),
            get_variable("function", initializer=lambda: constant([4.0])),
            get_variable("class", [2], initializer=Ones),
            get_variable("object", [2], initializer=Ones()),
        ]
        session.run(global_variables_initializer())
        assert [np.asarray(v).tolist() for v in session.run(made)] == [3, [1, 2], [4], [1, 1], [1, 1]]
        assert [v.dtype.base_dtype.name for v in made] == ["int32", "float64", "float32", "float32", "float32"]


@graph_mode
def test_a_partitioner_cuts_variables() -> None:
    with Graph().as_default() as graph, Session() as session:
        with variable_scope("a", partitioner=fixed_size_partitioner(2)):
            whole = get_variable("w", [3, 2], initializer=lambda shape, dtype: ones(shape, dtype))
            scalar = get_variable("s", [], initializer=lambda shape, dtype: zeros(shape, dtype))
        assert [piece.name for piece in whole] == ["a/w/part_0:0", "a/w/part_1:0"] and whole.name == "a/w"
        assert [piece._get_save_slice_info().spec for piece in whole] == ["3 2 0,2:0,2", "3 2 2,1:0,2"]
        assert scalar.name == "a/s:0" and len(graph.get_collection("variables")) == 3
        session.run(global_variables_initializer())
        np.testing.assert_array_equal(session.run(whole.as_tensor()), np.ones((3, 2)))
        with variable_scope("a", reuse=True):
            assert get_variable("w", partitioner=fixed_size_partitioner(2), shape=[3, 2]) is whole
            assert get_variable("w") is whole
        with variable_scope("a"), pytest.raises(ValueError, match="partitioned version"):
            get_variable("w", [3, 2])
        assert [piece.shape.as_list() for piece in create_partitioned_variables([4, 2], [1, 2], zeros([4, 2]))] == [
            [4, 1],
            [4, 1],
        ]


def test_eager_variables_are_made_anew_unless_a_store_keeps_them() -> None:
    assert get_variable("w", [2]) is not get_variable("w", [2])
    store = EagerVariableStore()
    with store.as_default():
        first = get_variable("w", [2])
        assert get_variable("w", [2]) is first
    assert len(store.variables()) == len(store.trainable_variables()) == 1 and store.non_trainable_variables() == []
    with pytest.raises(ValueError, match="use_resource"):
        VariableScope(None).set_use_resource(False)
