from __future__ import annotations

import functools
import gc
import weakref
from collections import namedtuple
from typing import Any

import numpy as np
import pytest

import penstock as tf
from penstock.language.autograph import control_status_ctx
from penstock.language.function import function, functions_run_eagerly, run_functions_eagerly

Pair = namedtuple("Pair", "a b")


def counted() -> tuple[Any, list[Any]]:
    seen: list[Any] = []

    def double(x: Any, k: Any = None) -> Any:
        seen.append((x, k))
        return x + x

    return function(double), seen


def test_tensors_of_one_type_and_shape_share_a_trace() -> None:
    f, seen = counted()
    assert float(f(tf.constant(1.0))) == 2
    assert float(f(tf.constant(2.0))) == 4
    assert len(seen) == 1 and f.experimental_get_tracing_count() == 1


@pytest.mark.parametrize(
    ("first", "second", "traces"),
    [
        (np.ones(2), np.zeros(2), 1),
        (np.ones(2), np.ones(3), 2),
        (1, 1, 1),
        (1, 2, 2),
        (1, 1.0, 2),
        (np.ones(2, np.float32), np.ones(2), 2),
        ([1.0, 2.0], [1.0, 2.0], 1),
    ],
)
def test_arguments_choose_the_trace(first: Any, second: Any, traces: int) -> None:
    f, seen = counted()
    f(first)
    f(second)
    assert len(seen) == traces


def test_a_python_number_is_passed_as_it_is_and_an_array_as_a_tensor() -> None:
    f, seen = counted()
    assert int(f(3)) == 6
    f(np.ones(2))
    assert seen[0][0] == 3 and type(seen[0][0]) is int
    assert not isinstance(seen[1][0], np.ndarray)


def test_defaults_and_names_lead_to_the_same_trace() -> None:
    f, seen = counted()
    x = tf.constant(1.0)
    f(x)
    f(x, None)
    f(x=x, k=None)
    assert len(seen) == 1
    f(x, k="other")
    assert len(seen) == 2


def test_a_wider_trace_serves_other_shapes() -> None:
    f, seen = counted()
    f.get_concrete_function(tf.TensorSpec([None], tf.float32))
    assert f(tf.ones([2])).shape == [2]
    assert f(tf.ones([5])).shape == [5]
    assert len(seen) == 1


def test_reduced_retracing_traces_once_more_for_any_size() -> None:
    seen = []

    @function(reduce_retracing=True)
    def f(x: Any) -> Any:
        seen.append(x.shape)
        return x + 1

    for size in (1, 2, 3, 4):
        assert f(tf.ones([size, 2])).shape == [size, 2]
    assert [shape.as_list() for shape in seen] == [[1, 2], [None, 2]]


def test_an_object_counts_by_identity_and_is_not_kept_alive() -> None:
    class Factor:
        value = 3.0

    f = function(lambda factor, x: factor.value * x)
    factor = Factor()
    x = tf.constant(2.0)
    assert float(f(factor, x)) == 6 and float(f(factor, x)) == 6
    assert f.experimental_get_tracing_count() == 1
    gone = weakref.ref(factor)
    del factor
    gc.collect()
    assert gone() is None
    f(Factor(), x)
    assert f.experimental_get_tracing_count() == 2


def test_each_object_has_traces_of_its_methods_and_is_not_kept_alive() -> None:
    class Scale:
        def __init__(self, by: float) -> None:
            self.by = tf.Variable(by)

        @function
        def __call__(self, x: Any) -> Any:
            return self.by * x

        @function(input_signature=[tf.TensorSpec([None])])
        def rows(self, x: Any) -> Any:
            return self.by * x

    two, three = Scale(2.0), Scale(3.0)
    assert float(two(tf.constant(1.0))) == 2 and float(three(tf.constant(1.0))) == 3
    assert two.rows([1.0, 2.0]).numpy().tolist() == [2, 4]
    assert two.rows([1.0]).numpy().tolist() == [2]
    assert two.rows.experimental_get_tracing_count() == 1
    gone = weakref.ref(two)
    del two
    gc.collect()
    assert gone() is None


def test_partials_and_callable_objects_can_be_decorated() -> None:
    class Adds:
        def __call__(self, x: Any) -> Any:
            return x + 1

    assert float(function(functools.partial(lambda a, b: a - b, 5.0))(tf.constant(2.0))) == 3
    assert float(function(Adds())(tf.constant(2.0))) == 3


def test_nested_arguments_and_results_keep_their_structure() -> None:
    x = tf.constant(2.0)
    result = function(lambda d, p: ({"z": d["b"], "n": None}, [Pair(p.a + 1, d["a"])]))(
        {"b": x, "a": np.ones(2)}, Pair(x, 1)
    )
    assert float(result[0]["z"]) == 2 and result[0]["n"] is None
    assert isinstance(result[1][0], Pair) and float(result[1][0].a) == 3


def test_composite_arguments_and_results_are_of_their_class() -> None:
    def double(s: Any) -> Any:
        return tf.SparseTensor(s.indices, s.values * 2, s.dense_shape)

    f = function(double)
    assert f(tf.SparseTensor([[0, 0], [1, 2]], [1.0, 2.0], [3, 4])).values.numpy().tolist() == [2, 4]
    assert f(tf.SparseTensor([[0, 0]], [5.0], [3, 4])).values.numpy().tolist() == [10]
    assert f.experimental_get_tracing_count() == 1


def test_a_tensor_array_is_returned_and_taken() -> None:
    def build(x: Any) -> Any:
        array = tf.TensorArray(tf.float32, 3)
        for i in range(3):
            array = array.write(i, x * i)
        return array

    array = function(build)(tf.constant(2.0))
    assert array.stack().numpy().tolist() == [0, 2, 4]
    assert function(lambda a: a.stack())(array).numpy().tolist() == [0, 2, 4]


def test_an_input_signature_casts_and_checks() -> None:
    @function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def f(x: Any) -> Any:
        return x * 2

    assert f([1.0, 2.0]).numpy().tolist() == [2, 4]
    assert f(np.ones(3)).shape == [3]
    for args in [(tf.constant([1]),), (tf.constant(1.0),), ("a",), (None,), (), (1, 2)]:
        with pytest.raises(TypeError, match="Binding inputs to tf.function failed"):
            f(*args)
    with pytest.raises(TypeError, match="Binding inputs to tf.function failed"):
        f(y=tf.ones([2]))
    assert f.experimental_get_tracing_count() == 1


def test_an_input_signature_must_fit_the_parameters() -> None:
    with pytest.raises(TypeError, match="neither an entry nor a default"):
        function(lambda x, y: x, input_signature=[tf.TensorSpec([])])
    with pytest.raises(TypeError, match="either a tuple or a list"):
        function(lambda x: x, input_signature=tf.TensorSpec([]))


def test_python_code_runs_while_tracing_only_unless_functions_run_eagerly() -> None:
    f, seen = counted()
    x = tf.constant(1.0)
    f(x)
    f(x)
    assert len(seen) == 1
    run_functions_eagerly(True)
    try:
        assert functions_run_eagerly()
        f(x)
        f(x)
    finally:
        run_functions_eagerly(False)
    assert len(seen) == 3
    f(x)
    assert len(seen) == 3


def test_a_function_that_calls_itself_says_so() -> None:
    @function
    def f(x: Any) -> Any:
        return f(x)

    with pytest.raises(RecursionError, match="calls itself"):
        f(tf.constant(1.0))


def test_a_failed_trace_can_be_repeated() -> None:
    broken = [True]

    @function
    def f(x: Any) -> Any:
        if broken[0]:
            raise KeyError("not yet")
        return x

    with pytest.raises(KeyError):
        f(tf.constant(1.0))
    broken[0] = False
    assert float(f(tf.constant(1.0))) == 1


def test_effects_run_in_the_order_of_the_program(capfd: pytest.CaptureFixture[str]) -> None:
    v = tf.Variable(1.0)

    @function
    def f(x: Any) -> Any:
        v.assign_add(x)
        before = v.read_value()
        tf.print("one", v)
        v.assign(v * 10.0)
        tf.print("two", v)
        return before

    assert float(f(tf.constant(1.0))) == 2
    assert float(v) == 20
    assert capfd.readouterr().err.split("\n")[:2] == ["one 2", "two 20"]


def test_values_returned_never_change() -> None:
    v = tf.Variable([1.0, 2.0])

    @function
    def f() -> Any:
        v.assign_add([1.0, 1.0])
        return v.read_value(), tf.reshape(v, [1, 2])

    first = f()
    f()
    assert first[0].numpy().tolist() == [2, 3] and first[1].numpy().tolist() == [[2, 3]]


def test_an_argument_read_from_the_variable_that_is_updated_keeps_its_value() -> None:
    v = tf.Variable([1.0])

    @function
    def f(x: Any) -> Any:
        v.assign_add([5.0])
        return x + 0.0

    before = v.read_value()
    assert f(before).numpy().tolist() == [1] and before.numpy().tolist() == [1]


def test_init_scope_leaves_the_function() -> None:
    @function
    def f(x: Any) -> Any:
        with tf.init_scope():
            assert tf.executing_eagerly()
            five = tf.constant(5.0)
        assert not tf.executing_eagerly()
        return x + five

    assert float(f(tf.constant(1.0))) == 6


def test_py_function_sees_values() -> None:
    f = function(lambda x: tf.py_function(lambda a: a.numpy() * 2, [x], tf.float32))
    assert float(f(tf.constant(3.0))) == 6


def test_failing_assertions_and_kernels_name_the_line() -> None:
    @function(input_signature=[tf.TensorSpec(None), tf.TensorSpec(None)])
    def f(x: Any, y: Any) -> Any:
        return tf.matmul(x, y)

    with pytest.raises(tf.errors.InvalidArgumentError, match="test_polymorphic.py"):
        f(tf.ones([2, 3]), tf.ones([2, 3]))
    with pytest.raises(ValueError, match="test_polymorphic.py"):
        function(lambda x: tf.matmul(x, x))(tf.ones([2, 3]))


def test_random_streams_start_again_with_the_seed_and_are_a_function_s_own() -> None:
    def draw() -> Any:
        return tf.random.uniform([2])

    f, g = function(draw), function(draw)
    tf.random.set_seed(1)
    first, second = f().numpy().tolist(), f().numpy().tolist()
    assert first != second
    assert g().numpy().tolist() == first
    tf.random.set_seed(1)
    assert f().numpy().tolist() == first


def test_functions_call_functions_in_branches_and_loops() -> None:
    v = tf.Variable(3.0)
    square = function(lambda x: x * x * v)

    @function
    def branch(x: Any) -> Any:
        return square(x) if x > 1.0 else v * 1.0

    @function
    def loop(x: Any) -> Any:
        for _ in tf.range(2):
            x = square(x)
        return x

    assert float(branch(tf.constant(2.0))) == 12 and float(branch(tf.constant(0.0))) == 3
    assert float(loop(tf.constant(2.0))) == 432


def test_a_function_is_called_in_the_graphs_of_tensorflow_1() -> None:
    cube = function(lambda x: x * x * x)
    assert float(cube(tf.constant(2.0))) == 8
    with tf.Graph().as_default():
        x = tf.compat.v1.placeholder(tf.float32, [])
        y = cube(x)
        (dx,) = tf.gradients(y, x)
        with tf.compat.v1.Session() as session:
            assert session.run([y, dx], {x: 3.0}) == [27, 27]


def test_a_property_and_a_number_cannot_be_decorated() -> None:
    with pytest.raises(TypeError):
        function(3)
    with pytest.raises(TypeError, match="property"):
        function(property(lambda self: 1))


def test_a_function_called_where_conversion_is_off_is_converted_all_the_same() -> None:
    @tf.function
    def sign(x: Any) -> Any:
        if x > 0:
            return 1
        return -1

    @tf.autograph.experimental.do_not_convert
    def plain(x: Any) -> Any:
        return sign(x) * 10

    outer = tf.function(plain)
    assert [int(outer(tf.constant(x))) for x in (3.0, -3.0)] == [10, -10]


def test_autograph_features_hold_while_a_function_is_traced() -> None:
    @tf.function(experimental_autograph_options=tf.autograph.experimental.Feature.EQUALITY_OPERATORS)
    def features() -> Any:
        seen.append(control_status_ctx().features)
        return 0

    seen: list[Any] = []
    features()
    assert tf.autograph.experimental.Feature.EQUALITY_OPERATORS in seen[0]


def test_raw_operations_run_functions() -> None:
    spec = tf.TensorSpec([])
    double = tf.function(lambda x: x * 2.0).get_concrete_function(spec)
    triple = tf.function(lambda x: x * 3.0).get_concrete_function(spec)
    small = tf.function(lambda x: x < 10.0).get_concrete_function(spec)
    one, raw = tf.constant(1.0), tf.raw_ops

    def choose(wanted: Any) -> Any:
        return raw.If(cond=wanted, input=[one], Tout=[tf.float32], then_branch=double, else_branch=triple)[0]

    assert (float(choose(tf.constant(True))), float(tf.function(choose)(tf.constant(False)))) == (2, 3)
    assert (
        float(raw.Case(branch_index=tf.constant(1), input=[one], Tout=[tf.float32], branches=[double, triple])[0]) == 3
    )
    assert float(raw.While(input=[one], cond=small, body=double)[0]) == 16
    assert float(raw.StatefulPartitionedCall(args=[one], Tout=[tf.float32], f=triple)[0]) == 3
    with tf.GradientTape() as tape:
        tape.watch(one)
        y = raw.StatelessWhile(input=[one], cond=small, body=double)[0]
    assert float(tape.gradient(y, one)) == 16
