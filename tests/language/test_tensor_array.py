"""TensorArrays in both ways of execution: every method, errors as TensorFlow raises them, gradients, loops."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core import context, dtypes
from penstock.core.errors import InvalidArgumentError, OutOfRangeError
from penstock.core.gradients import gradients
from penstock.core.graph import Graph
from penstock.core.tape import GradientTape
from penstock.core.type_spec import type_spec_from_value
from penstock.language.control_flow import cond, while_loop
from penstock.language.tensor_array import TensorArray, TensorArraySpec
from penstock.ops.constant import constant, placeholder
from penstock.ops.math.reduce import reduce_sum
from penstock.runtime.session import Session

f32 = dtypes.float32


def evaluate(build):
    """Return what `build` makes in eager execution and in a graph, which must agree."""
    with context.eager_mode():
        eager = [np.asarray(tensor.numpy()) for tensor in build()]
    with Graph().as_default(), Session() as session:
        graph = session.run(list(build()))
    for a, b in zip(eager, graph, strict=True):
        np.testing.assert_array_equal(a, b)
    return [value.tolist() for value in eager]


def test_elements_are_written_read_and_stacked():
    def build():
        array = TensorArray(f32, 3, clear_after_read=False)
        for i in range(3):
            array = array.write(i, constant([1.0, 2.0]) * float(i))
        return array.stack(), array.read(1), array.size(), array.concat(), array.gather([2, 0])

    assert evaluate(build) == [
        [[0, 0], [1, 2], [2, 4]],
        [1, 2],
        3,
        [0, 0, 1, 2, 2, 4],
        [[2, 4], [0, 0]],
    ]


def test_rows_are_unstacked_scattered_and_split():
    rows = np.array([[1], [2], [3]], np.int32)

    def build():
        unstacked = TensorArray(dtypes.int32, 3).unstack(rows)
        scattered = TensorArray(dtypes.int32, 3).scatter([2, 0, 1], rows)
        split = TensorArray(dtypes.int32, 2, infer_shape=False, clear_after_read=False).split(rows, [1, 2])
        return unstacked.read(1), scattered.stack(), split.read(0), split.read(1), split.concat(), split.size()

    assert evaluate(build) == [[2], [[2], [3], [1]], [[1]], [[2], [3]], [[1], [2], [3]], 2]


def test_writes_make_a_dynamic_array_longer_and_gaps_read_as_zeros():
    def build():
        array = TensorArray(f32, 0, dynamic_size=True).write(3, 1.0)
        return array.stack(), array.size(), TensorArray(f32, 2, element_shape=[2]).read(1)

    assert evaluate(build) == [[0, 0, 0, 1], 4, [0, 0]]


def test_elements_of_several_shapes_can_be_joined():
    def build():
        array = TensorArray(f32, 2, infer_shape=False).write(0, [1.0]).write(1, [1.0, 2.0])
        return (array.concat(),)

    assert evaluate(build) == [[1, 1, 2]]


def test_an_array_knows_what_it_is():
    for mode in (context.eager_mode(), Graph().as_default()):
        with mode:
            array = TensorArray(f32, 2, dynamic_size=True, element_shape=[None, 2])
            assert (array.dtype, array.dynamic_size, array.handle) == (f32, True, None)
            assert isinstance(array, TensorArray)
            assert array.element_shape.as_list() == [None, 2]
            assert array.write(0, [[1.0, 2.0]]).element_shape.as_list() == [1, 2]
            assert array.identity().element_shape.as_list() == [1, 2]
            array.close()
            with pytest.raises(NotImplementedError, match="gradient"):
                array.grad("loss")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: TensorArray(f32, 3).read(5), OutOfRangeError, "read from index 5 but array size is: 3"),
        (lambda: TensorArray(f32, 3).read(-1), OutOfRangeError, "negative"),
        (lambda: TensorArray(f32, 3).read(1), ValueError, "not written"),
        (lambda: TensorArray(f32, 3).write(3, 1.0), OutOfRangeError, "write to index 3 but array is not resizeable"),
        (lambda: TensorArray(f32, 3).write(-1, 1.0), OutOfRangeError, "negative"),
        (lambda: TensorArray(f32, 3).write(0, constant(1)), InvalidArgumentError, "float32.*int32"),
        (lambda: TensorArray(f32, 3).write(0, [1.0]).write(1, [1.0, 2.0]), ValueError, r"\(2,\).*\(1,\)"),
        (lambda: TensorArray(f32, 2).unstack([1.0, 2.0, 3.0]), ValueError, "Cannot unstack 3 tensors"),
        (lambda: TensorArray(f32, 2).unstack([1.0, 2.0]).gather([5]), IndexError, "index 5"),
        (lambda: TensorArray(f32, 2).scatter([1, 3], [[1.0], [2.0]]), OutOfRangeError, "index 3"),
        (lambda: TensorArray(f32, 2).split([1.0, 2.0, 3.0], [1, 1]), InvalidArgumentError, "sum of lengths is 2"),
        (lambda: TensorArray(f32, 2, infer_shape=False).split([1.0, 2.0], [1, 1, 0]), InvalidArgumentError, "2 vs. 3"),
        (lambda: TensorArray(f32), ValueError, "Size must be declared"),
    ],
)
def test_eager_mistakes_are_refused(call, error, message):
    with context.eager_mode(), pytest.raises(error, match=message):
        call()


def test_an_element_cannot_be_read_twice_where_reads_clear():
    with context.eager_mode():
        array = TensorArray(f32, 1).write(0, 1.0)
        array.read(0)
        with pytest.raises(InvalidArgumentError, match="Could not read index 0 twice"):
            array.read(0)
        assert float(array.write(0, 2.0).read(0)) == 2.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: TensorArray(f32, 3, element_shape=[]).read(5), "element 5 in a list with 3 elements"),
        (lambda: TensorArray(f32, 3).write(3, 1.0).stack(), "element 3 in a list with 3 elements"),
        (lambda: TensorArray(f32, 2).unstack([1.0, 2.0]).gather([5]), "element 5"),
        (lambda: TensorArray(f32, 2).stack(), "only contains uninitialized"),
        (lambda: TensorArray(f32, 3).write(0, constant(1)).stack(), "int32"),
    ],
)
def test_mistakes_in_a_graph_are_refused_when_it_runs(call, message):
    with Graph().as_default(), Session() as session:
        tensor = call()
        with pytest.raises(InvalidArgumentError, match=message):
            session.run(tensor)


def test_mistakes_in_a_graph_are_refused_when_it_is_built():
    with Graph().as_default():
        with pytest.raises(ValueError, match="size"):
            TensorArray(f32)
        with pytest.raises(ValueError, match="Inconsistent shapes: saw .2,. but expected .1,."):
            TensorArray(f32, 3).write(0, [1.0]).write(1, [1.0, 2.0])


def test_a_loop_writes_an_array_and_gradients_reach_what_was_written():
    with Graph().as_default(), Session() as session:
        n, x = placeholder("int32", []), constant([1.0, 2.0, 3.0])
        rows = TensorArray(f32, 3, clear_after_read=False).unstack(x)
        _, array, _ = while_loop(
            lambda i, *_: i < n,
            lambda i, array, product: (i + 1, array.write(i, product * rows.read(i)), product + rows.read(i)),
            [0, TensorArray(f32, n), constant(1.0)],
        )
        y = array.stack()
        (first,) = gradients(y, x)
        (second,) = gradients(first * first, x)
        # y = x0, (1 + x0) x1, (1 + x0 + x1) x2
        assert session.run(y, {n: 3}).tolist() == [1.0, 4.0, 12.0]
        assert session.run(first, {n: 3}).tolist() == [1 + 2 + 3, 2 + 3, 4.0]
        assert session.run(second, {n: 3}).tolist() == [2 * (5 + 4), 2 * (6 + 4), 2 * (6 + 5)]
        assert session.run([y, first], {n: 2})[1].tolist() == [3.0, 2.0, 0.0]
        assert y.shape.as_list() == [None]


def test_a_loop_reads_what_it_wrote_to_a_growing_array():
    with Graph().as_default(), Session() as session:
        x = constant(2.0)
        array = TensorArray(f32, 1, dynamic_size=True, clear_after_read=False).write(0, x)
        _, array = while_loop(
            lambda i, _: i < 4, lambda i, a: (i + 1, a.write(i, a.read(i - 1) * x + a.read(0))), [1, array]
        )
        y = array.stack()
        (first,) = gradients(y, x)
        # x, x^2 + x, x^3 + x^2 + x, ...
        assert session.run([y, array.size()])[0].tolist() == [2.0, 6.0, 14.0, 30.0]
        assert session.run(first) == 1 + (1 + 4) + (1 + 4 + 12) + (1 + 4 + 12 + 32)


def test_branches_return_arrays():
    with Graph().as_default(), Session() as session:
        p, x = placeholder("bool", []), constant(3.0)
        array = TensorArray(f32, 2).write(0, x)
        array = cond(p, lambda: array.write(1, x * x), lambda: array.write(1, x))
        y = array.stack()
        (first,) = gradients(y, x)
        assert [v.tolist() for v in session.run([y, first], {p: True})] == [[3.0, 9.0], 7.0]
        assert [v.tolist() for v in session.run([y, first], {p: False})] == [[3.0, 3.0], 2.0]


def test_an_eager_loop_carries_an_array_and_a_tape_sees_through_it():
    with context.eager_mode():
        x = constant([1.0, 2.0])
        with GradientTape() as tape:
            tape.watch(x)
            rows = TensorArray(f32, 2).unstack(x)
            _, array = while_loop(
                lambda i, _: i < 2, lambda i, a: (i + 1, a.write(i, rows.read(i) ** 2.0)), [0, TensorArray(f32, 2)]
            )
            y = reduce_sum(array.stack())
        assert tape.gradient(y, x).numpy().tolist() == [2.0, 4.0]


def test_a_spec_says_what_is_known_of_an_array():
    with context.eager_mode():
        spec = type_spec_from_value(TensorArray(f32, 2, element_shape=[3]))
        assert spec == TensorArraySpec([3], f32) != TensorArraySpec([3], f32, dynamic_size=True)
        assert spec.is_compatible_with(TensorArraySpec([None], f32)) and spec.value_type is TensorArray
        with pytest.raises(TypeError, match="TensorArray"):
            TensorArraySpec.from_value(3)
