from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from penstock.core import array, dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
from penstock.core.op_def import lookup
from penstock.core.resources import VariableStorage
from penstock.core.tensor import EagerTensor
from penstock.language.variables import VariableV1, global_variables_initializer
from penstock.ops.state import scatter
from penstock.runtime.session import Session

COMBINE: dict[str, Any] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Div": np.divide,
    "Min": np.minimum,
    "Max": np.maximum,
    "Update": lambda old, new: new,
}


def _handle(value: np.ndarray) -> EagerTensor:
    storage = VariableStorage("w", dtypes.as_dtype(value.dtype), None)
    storage.assign(array.from_numpy(value, copy=True))
    return EagerTensor(storage, dtypes.resource)


def _value(handle: EagerTensor) -> np.ndarray:
    return array.to_numpy(handle.value.value, copy=True)


def _expected(start: np.ndarray, indices: np.ndarray, updates: np.ndarray, name: str) -> np.ndarray:
    result = start.copy()
    for place in np.ndindex(*indices.shape):
        row = indices[place]
        result[row] = COMBINE[name](result[row], updates if updates.ndim == 0 else updates[place])
    return result


COVERS = [f"{kind}Scatter{name}" for kind in ("", "Resource") for name in COMBINE] + [
    f"{kind}ScatterNd{name}" for kind in ("", "Resource") for name in ("Update", "Add", "Sub", "Min", "Max")
]


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "uint8", "uint16", "uint32", "float16"])
@pytest.mark.parametrize("name", list(COMBINE))
def test_rows_are_updated_one_after_another(name: str, dtype: str) -> None:
    rng = np.random.default_rng(3)
    start = rng.integers(4, 40, (5, 2)).astype(dtype)
    indices = np.array([[1, 3], [0, 4]]) if name == "Update" else np.array([[1, 3], [1, 1]])
    updates = rng.integers(1, 4, (2, 2, 2)).astype(dtype)
    if name == "Div" and np.issubdtype(start.dtype, np.integer):
        expected = start.copy()
        for place in np.ndindex(*indices.shape):
            expected[indices[place]] //= updates[place]
    else:
        expected = _expected(start, indices, updates, name)
    op: Any = lookup(f"ResourceScatter{name}")
    handle = _handle(start)
    op(handle, indices, updates, dtype=start.dtype)
    np.testing.assert_allclose(_value(handle), expected, rtol=2e-3 if dtype == "float16" else 1e-6)


@pytest.mark.parametrize("name", list(COMBINE))
def test_references_are_updated_as_resources_are(name: str) -> None:
    start = np.arange(1.0, 7.0, dtype=np.float32).reshape(3, 2)
    updates = np.array([[2.0, 3.0]], np.float32)
    with Graph().as_default(), Session() as session:
        variable = VariableV1(start, use_resource=False)
        op: Any = lookup(f"Scatter{name}")
        updated = op(variable, [1], updates)
        session.run(global_variables_initializer())
        expected = _expected(start, np.array([1]), updates, name)
        np.testing.assert_allclose(session.run(updated), expected)
        np.testing.assert_allclose(session.run(variable), expected)


def test_a_scalar_update_fills_rows() -> None:
    handle = _handle(np.zeros((3, 2), np.float32))
    scatter.resource_scatter_update_op(handle, [0, 2], 5.0, dtype=np.float32)
    np.testing.assert_array_equal(_value(handle), [[5, 5], [0, 0], [5, 5]])


def test_strings_are_updated() -> None:
    storage = VariableStorage("s", dtypes.string, None)
    storage.assign(np.array([b"a", b"b", b"c"], dtype=object))
    scatter.resource_scatter_update_op(EagerTensor(storage, dtypes.resource), [1], ["z"], dtype="string")
    assert storage.value.tolist() == [b"a", b"z", b"c"]


def test_an_index_out_of_range_is_refused_before_anything_is_written() -> None:
    handle = _handle(np.zeros((3, 2), np.float32))
    with pytest.raises(InvalidArgumentError, match=r"indices\[1\] = 3 is not in \[0, 3\)"):
        scatter.resource_scatter_add_op(handle, [0, 3], np.ones((2, 2), np.float32), dtype=np.float32)
    assert not _value(handle).any()


def test_updates_of_another_shape_are_refused() -> None:
    handle = _handle(np.zeros((3, 2), np.float32))
    with pytest.raises(InvalidArgumentError, match=r"updates.shape \[2,1\]"):
        scatter.resource_scatter_add_op(handle, [0, 1], np.ones((2, 1), np.float32), dtype=np.float32)


def test_an_integer_division_by_zero_is_refused_before_anything_is_written() -> None:
    handle = _handle(np.array([4, 6], np.int32))
    with pytest.raises(InvalidArgumentError, match="division by zero"):
        scatter.resource_scatter_div_op(handle, [0, 1], [2, 0], dtype=np.int32)
    np.testing.assert_array_equal(_value(handle), [4, 6])


@pytest.mark.parametrize("name", ["Update", "Add", "Sub", "Min", "Max"])
def test_elements_are_updated_by_coordinates(name: str) -> None:
    start = np.arange(6.0, dtype=np.float32).reshape(3, 2)
    coordinates = np.array([[0, 1], [2, 0]])
    updates = np.array([3.0, 1.0], np.float32)
    handle = _handle(start)
    op: Any = lookup(f"ResourceScatterNd{name}")
    op(handle, coordinates, updates, T=np.float32)
    expected = start.copy()
    for (row, column), new in zip(coordinates, updates, strict=True):
        expected[row, column] = COMBINE[name](expected[row, column], new)
    np.testing.assert_allclose(_value(handle), expected)


def test_coordinates_of_rows_update_slices() -> None:
    handle = _handle(np.zeros((3, 2), np.float32))
    scatter.resource_scatter_nd_update_op(handle, [[2]], [[1.0, 2.0]], T=np.float32)
    np.testing.assert_array_equal(_value(handle), [[0, 0], [0, 0], [1, 2]])


def test_coordinates_out_of_range_raise_or_are_left_out_as_asked() -> None:
    handle = _handle(np.zeros(3, np.float32))
    with pytest.raises(InvalidArgumentError, match=r"indices\[1\] = \[7\] does not index into shape \[3\]"):
        scatter.resource_scatter_nd_add_op(handle, [[1], [7]], [1.0, 1.0], T=np.float32)
    assert not _value(handle).any()
    scatter.resource_scatter_nd_add_op(handle, [[1], [7]], [1.0, 1.0], T=np.float32, bad_indices_policy="IGNORE")
    np.testing.assert_array_equal(_value(handle), [0, 1, 0])


def test_a_variable_whose_memory_is_transposed_is_updated() -> None:
    handle = _handle(np.zeros((2, 3), np.float32))
    handle.value.value = torch.zeros(3, 2).t()
    scatter.resource_scatter_add_op(handle, [1], np.ones((1, 3), np.float32), dtype=np.float32)
    np.testing.assert_array_equal(_value(handle), [[0, 0, 0], [1, 1, 1]])


def test_occurrences_counts_repetitions_in_order() -> None:
    assert scatter.occurrences(torch.tensor([3, 1, 2])) is None
    found = scatter.occurrences(torch.tensor([2, 0, 2, 2, 0]))
    assert found is not None and found.tolist() == [0, 0, 1, 2, 1]


def test_shapes_are_checked_when_the_graph_is_built() -> None:
    with Graph().as_default():
        variable = VariableV1(np.zeros((3, 2), np.float32), use_resource=False)
        with pytest.raises(ValueError, match="must agree"):
            scatter.scatter_add_op(variable, [0], np.ones((1, 3), np.float32))
        with pytest.raises(ValueError, match="must be at most the rank"):
            scatter.scatter_nd_add_op(variable, [[0, 0, 0]], [1.0])
