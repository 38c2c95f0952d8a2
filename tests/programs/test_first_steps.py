"""The first programs of every TensorFlow 1 course, as they are typed."""

from __future__ import annotations

import numpy as np
import pytest

import penstock.v1 as tf

pytestmark = pytest.mark.usefixtures("graph_mode")


def test_hello_world():
    a = tf.constant(3)
    b = tf.constant(5)
    y = tf.add(a, b)
    with tf.Session() as sess:
        assert sess.run(y) == 8


def test_the_smallest_program_with_placeholders(capsys):
    a = tf.placeholder(tf.float32, name="a")
    b = tf.placeholder(tf.float32, name="b")
    y = a + b
    with tf.Session() as sess:
        result = sess.run(y, feed_dict={a: 4, b: 5})
        print("Result: ", result)
    assert capsys.readouterr().out == "Result:  9.0\n"


def test_constants_broadcast():
    a = tf.constant(2, name="a")
    b = tf.constant([2, 3], name="b")
    y = tf.add(a, b, name="add")
    with tf.Session() as sess:
        assert sess.run(y).tolist() == [4, 5]
    assert [t.name for t in (a, b, y)] == ["a:0", "b:0", "add:0"]


def test_intermediate_results_need_no_names():
    x = tf.placeholder(tf.float32, name="x")
    z = x + 8
    y = z / 2
    with tf.Session() as sess:
        assert sess.run(y, {x: 4.0}) == 6.0
        assert sess.run([z, y], {x: 0.0}) == [8.0, 4.0]


def test_printing_an_unevaluated_sum_prints_a_symbol():
    a, b = tf.Variable(2), tf.Variable(3)
    c = a + b
    assert str(c) == 'Tensor("add:0", shape=(), dtype=int32)'
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        assert sess.run(c) == 5


def test_a_placeholder_takes_a_vector():
    a = tf.placeholder(tf.float32, shape=[3])
    b = tf.constant([5, 5, 5], tf.float32)
    with tf.Session() as sess:
        assert sess.run(a + b, {a: [1, 2, 3]}).tolist() == [6.0, 7.0, 8.0]
        with pytest.raises(ValueError, match=r"\(2,\).*\(3,\)"):
            sess.run(a + b, {a: [1, 2]})


def test_random_constants_have_their_shapes_and_ranges():
    tf.set_random_seed(1)
    values = [
        tf.random_normal([3, 4]),
        tf.truncated_normal([100]),
        tf.random_uniform([5], minval=2, maxval=3),
        tf.random_shuffle(tf.range(6)),
        tf.random_crop(tf.ones([4, 4]), [2, 2]),
        tf.multinomial(tf.math.log([[0.2, 0.8]]), 7),
        tf.random_gamma([4], alpha=2.0),
    ]
    with tf.Session() as sess:
        normal, truncated, uniform, shuffled, crop, drawn, gamma = sess.run(values)
    assert normal.shape == (3, 4) and np.abs(truncated).max() <= 2.0
    assert ((uniform >= 2) & (uniform < 3)).all() and sorted(shuffled) == [0, 1, 2, 3, 4, 5]
    assert (
        crop.tolist() == [[1, 1], [1, 1]]
        and drawn.shape == (1, 7)
        and set(drawn.ravel()) <= {0, 1}
        and (gamma > 0).all()
    )


def test_a_seed_makes_random_numbers_repeatable():
    def draw():
        with tf.Graph().as_default(), tf.Session() as sess:
            tf.set_random_seed(42)
            x = tf.random_normal([3])
            return [sess.run(x).tolist(), sess.run(x).tolist()]

    first, second = draw(), draw()
    assert first == second and first[0] != first[1]


def test_three_ways_to_initialize_variables():
    a = tf.Variable(2, name="scalar")
    b = tf.Variable([[0, 1], [2, 3]], name="matrix")
    W = tf.Variable(tf.zeros([784, 10]))
    with tf.Session() as sess:
        sess.run(W.initializer)
        assert sess.run(W).shape == (784, 10)
        with pytest.raises(tf.errors.FailedPreconditionError, match="scalar"):
            sess.run(a)
    with tf.Session() as sess:
        sess.run(tf.variables_initializer([a, b]))
        assert sess.run([a, b])[1].tolist() == [[0, 1], [2, 3]]
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        assert sess.run(tf.report_uninitialized_variables()).tolist() == []


def test_get_variable_with_its_initializers():
    s = tf.get_variable("scalar", initializer=tf.constant(2))
    m = tf.get_variable("matrix", initializer=tf.constant([[0, 1], [2, 3]]))
    W = tf.get_variable("big_matrix", shape=(10, 10), initializer=tf.zeros_initializer())
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        assert sess.run(s) == 2 and sess.run(m).tolist() == [[0, 1], [2, 3]] and sess.run(W).sum() == 0
    with pytest.raises(ValueError, match="big_matrix"):
        tf.get_variable("big_matrix", shape=(10, 10))


def test_a_new_session_starts_afresh():
    x = tf.Variable(10)
    with tf.Session() as first:
        first.run(x.initializer)
        first.run(x.assign(100))
        assert first.run(x) == 100
    with tf.Session() as second:
        second.run(x.initializer)
        assert second.run(x) == 10


def test_numpy_arrays_go_in_and_out():
    a = tf.zeros([2, 3], np.int32)
    assert a.dtype == tf.int32 and a.dtype == np.int32
    with tf.Session() as sess:
        out = sess.run(a)
    assert type(out) is np.ndarray and out.dtype == np.int32 and out.shape == (2, 3)
    with tf.Session() as sess:
        array = np.arange(6, dtype=np.float32).reshape(2, 3)
        np.testing.assert_array_equal(sess.run(tf.constant(array)), array)


def test_control_dependencies_order_operations():
    g = tf.get_default_graph()
    x = tf.Variable(1, name="x")
    a, b = tf.assign_add(x, 10), tf.constant(0)
    with g.control_dependencies([a, b]):
        d = tf.identity(x)
        e = tf.multiply(x, 2)
    with tf.Session() as sess:
        sess.run(x.initializer)
        assert sess.run([d, e]) == [11, 22]
        assert sess.run(x) == 11


def test_lazy_loading_adds_an_operation_a_call_and_works():
    x, y = tf.Variable(10, name="x"), tf.Variable(20, name="y")
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        before = len(tf.get_default_graph().get_operations())
        for _ in range(10):
            assert sess.run(tf.add(x, y)) == 30
        assert len(tf.get_default_graph().get_operations()) == before + 10


def test_normal_loading_adds_none_and_survives_finalizing():
    x, y = tf.Variable(10, name="x"), tf.Variable(20, name="y")
    z = tf.add(x, y)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        tf.get_default_graph().finalize()
        assert [sess.run(z) for _ in range(10)] == [30] * 10
        with pytest.raises(RuntimeError, match="finalized.*before"):
            sess.run(tf.add(x, y))


def test_an_interactive_session_needs_not_be_passed():
    sess = tf.InteractiveSession()
    x = tf.Variable([1.0, 2.0])
    x.initializer.run()
    assert (x - 3.0).eval().tolist() == [-2.0, -1.0]
    sess.close()


def test_name_scopes_group_operations():
    with tf.name_scope("layer1"):
        a = tf.constant(1.0, name="a")
        with tf.name_scope("inner"):
            b = tf.identity(a, name="b")
    with tf.name_scope("layer1"):
        c = tf.constant(1.0, name="a")
    assert [t.op.name for t in (a, b, c)] == ["layer1/a", "layer1/inner/b", "layer1_1/a"]


def test_arithmetic_operations():
    x = tf.constant([-2.5, 4.0])
    with tf.Session() as sess:
        results = sess.run([tf.abs(x), tf.negative(x), tf.square(x), tf.round(x), tf.sqrt(tf.abs(x)), tf.exp(x)])
    expected = [np.abs, np.negative, np.square, np.round, lambda v: np.sqrt(np.abs(v)), np.exp]
    for got, function in zip(results, expected, strict=True):
        np.testing.assert_allclose(got, function(np.array([-2.5, 4.0], np.float32)), rtol=1e-6)


def test_a_condition_and_a_loop_make_it_a_programming_language():
    x, y = tf.constant(2), tf.constant(5)
    r = tf.cond(tf.less(x, y), lambda: tf.multiply(x, 17), lambda: tf.add(y, 23))
    i = tf.while_loop(lambda i: tf.less(i, 10), lambda i: tf.add(i, 1), [tf.constant(0)])
    with tf.Session() as sess:
        assert sess.run([r, i]) == [34, 10]
        assert sess.run(r, {x: 9}) == 28
