from __future__ import annotations

from typing import Any

import pytest

import penstock as tf


class Masked(tf.experimental.ExtensionType):
    values: tf.Tensor
    mask: tf.Tensor
    fill: float = 0.0
    more: tuple[tf.Tensor, ...] = ()

    def __validate__(self) -> None:
        self.values.shape.assert_is_compatible_with(self.mask.shape)

    def filled(self) -> Any:
        return tf.where(self.mask, self.values, self.fill)


class Rows(tf.experimental.BatchableExtensionType):
    rows: tf.Tensor
    names: tuple[str, str]

    def __init__(self, rows: Any) -> None:
        self.rows = rows
        self.names = ("a", "b")


def masked() -> Any:
    return Masked([1.0, 2.0], [True, False], more=[1, 2])


def test_fields_are_converted_and_printed() -> None:
    value = masked()
    assert value.values.dtype == tf.float32 and [int(t) for t in value.more] == [1, 2]
    assert repr(value).startswith("Masked(values=<tf.Tensor: shape=(2,), dtype=float32")


@pytest.mark.parametrize(
    ("error", "make"),
    [
        (ValueError, lambda: Masked([1.0], [True, False])),
        (TypeError, lambda: Masked([1.0])),
        (TypeError, lambda: Masked([1.0], [True], "a")),
        (TypeError, lambda: Masked([1.0], [True], 1.0, (), 5)),
        (TypeError, lambda: Masked([1.0], [True], unknown=1)),
        (AttributeError, lambda: setattr(masked(), "fill", 2.0)),
        (AttributeError, lambda: delattr(masked(), "fill")),
    ],
)
def test_wrong_fields_and_changes_are_refused(error: Any, make: Any) -> None:
    with pytest.raises(error):
        make()


@pytest.mark.parametrize("annotation", [object, Any, list, list[int], tf.TensorSpec([2]), tuple, int | str])
def test_fields_are_annotated_with_types_that_values_are_checked_against(annotation: Any) -> None:
    with pytest.raises(TypeError, match="In field 'x': Unsupported type annotation"):
        type(Masked)("Wrong", (tf.experimental.ExtensionType,), {"__annotations__": {"x": annotation}})


@pytest.mark.parametrize("name", ["Spec", "self", "_type_spec", "value_type", "_tf_extension_type_x"])
def test_some_names_of_fields_are_reserved(name: str) -> None:
    with pytest.raises(ValueError, match=f"Field '{name}' is reserved"):
        type(Masked)("Wrong", (tf.experimental.ExtensionType,), {"__annotations__": {name: int}})


def test_a_constructor_sets_all_fields() -> None:
    class Forgetful(tf.experimental.ExtensionType):
        x: tf.Tensor

        def __init__(self) -> None:
            pass

    with pytest.raises(ValueError, match="Missing required fields: 'x'"):
        Forgetful()


def test_values_that_can_be_stacked_are_mapped_batched_and_taken_apart() -> None:
    rows = Rows(tf.constant([[1.0, 2.0], [3.0, 4.0]]))
    doubled = tf.map_fn(lambda row: Rows(row.rows * 2.0), rows)
    assert doubled.rows.numpy().tolist() == [[2.0, 4.0], [6.0, 8.0]] and doubled.names == ("a", "b")
    sums = tf.map_fn(lambda row: tf.reduce_sum(row.rows), rows, fn_output_signature=tf.float32)
    assert sums.numpy().tolist() == [3.0, 7.0]
    dataset = tf.data.Dataset.from_tensor_slices(rows)
    assert [row.rows.numpy().tolist() for row in dataset] == [[1.0, 2.0], [3.0, 4.0]]
    (batch,) = dataset.batch(2)
    assert batch.rows.numpy().tolist() == rows.rows.numpy().tolist()
    assert len(list(dataset.batch(2).unbatch())) == 2


def test_functions_take_and_return_values_and_trace_once_for_a_spec() -> None:
    f = tf.function(lambda m: (m.filled(), Masked(m.values * 2, m.mask, m.fill)))
    filled, doubled = f(masked())
    assert filled.numpy().tolist() == [1, 0] and doubled.values.numpy().tolist() == [2, 4]
    f(Masked([3.0, 4.0], [True, True], more=[5, 6]))
    assert f.experimental_get_tracing_count() == 1
    f(Masked([3.0, 4.0], [True, True], fill=1.0, more=[5, 6]))
    assert f.experimental_get_tracing_count() == 2


def test_branches_and_loops_carry_values() -> None:
    @tf.function
    def f(x: Any) -> Any:
        value = Masked([1.0, x], [True, True])
        if x < 0.0:
            value = Masked([2.0, x], [True, False])
        for _ in tf.range(2):
            value = Masked(value.values * 2.0, value.mask)
        return value.filled()

    assert f(tf.constant(1.0)).numpy().tolist() == [4, 4]
    assert f(tf.constant(-1.0)).numpy().tolist() == [8, 0]


def test_equality_looks_at_fields() -> None:
    assert bool(masked() == masked()) and not bool(masked() != masked())
    assert not bool(masked() == Masked([1.0, 3.0], [True, False], more=[1, 2]))
    assert masked() != 3


def test_specs_compare_and_can_be_made() -> None:
    spec = Masked.Spec(
        values=tf.TensorSpec([2]), mask=tf.TensorSpec([2], tf.bool), fill=0.0, more=(tf.TensorSpec([], tf.int32),) * 2
    )
    assert spec == masked()._type_spec and hash(spec) == hash(masked()._type_spec)
    assert spec.is_compatible_with(masked())
    wide = Masked.Spec(tf.TensorSpec([None]), tf.TensorSpec([None], tf.bool), 0.0, spec.more)
    assert spec.is_subtype_of(wide) and not wide.is_subtype_of(spec)
    assert spec.most_specific_compatible_type(wide) == wide


def test_a_batchable_spec_gains_and_loses_a_dimension() -> None:
    spec = Rows(tf.ones([3]))._type_spec
    assert spec._batch(5).rows == tf.TensorSpec([5, 3])
    assert spec._batch(5)._unbatch() == spec
    assert Rows([1.0]).names == ("a", "b")
