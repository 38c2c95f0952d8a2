"""Whole programs, written for either TensorFlow: each builds nodes in the default graph.

A program returns feeds (a list of dictionaries from tensor to value, one a step) and what to fetch in each step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Built = tuple[list[dict[Any, Any]], list[Any]]


def _values(*shape: int) -> np.ndarray:
    return np.sin(np.arange(np.prod(shape, dtype=int)) + 1.0).reshape(shape).astype(np.float32)


def nested_loops(tf: Any) -> Built:
    n = tf.placeholder(tf.int32, [])

    def outer(i: Any, total: Any) -> Any:
        def inner(j: Any, total: Any) -> Any:
            return j + 1, total + i * j

        return i + 1, tf.while_loop(lambda j, total: j < i, inner, [0, total])[1]

    return [{n: 5}, {n: 0}], list(tf.while_loop(lambda i, total: i < n, outer, [0, 0]))


def branches_in_a_loop(tf: Any) -> Built:
    n, x = tf.placeholder(tf.int32, []), tf.placeholder(tf.float32, [3])
    w = tf.get_variable("w", initializer=_values(3, 3))

    def body(i: Any, a: Any) -> Any:
        a = tf.cond(
            tf.equal(i % 2, 0),
            lambda: tf.tanh(tf.matmul(a[None], w)[0]),
            lambda: tf.cond(tf.reduce_sum(a) > 1.0, lambda: a * x, lambda: a - x),
        )
        return i + 1, a

    i, a = tf.while_loop(lambda i, a: i < n, body, [0, x])
    return [{n: 5, x: [1, 2, 3]}, {n: 3, x: [0.1, -0.2, 0.3]}], [i, a, *tf.gradients(a, [x, w])]


def nested_branches(tf: Any) -> Built:
    p, q, x = tf.placeholder(tf.bool, []), tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, [])
    y = tf.cond(
        p,
        lambda: tf.cond(q, lambda: x * 2, lambda: x * x),
        lambda: tf.cond(q, lambda: tf.sin(x), lambda: -x),
    )
    z = tf.cond(q, lambda: [y + 1, x], lambda: [y * y, y])
    feeds: list[dict[Any, Any]] = [{p: a, q: b, x: 3.0} for a in (True, False) for b in (True, False)]
    return feeds, [y, z[0], z[1], *tf.gradients(z[0], [x])]


def updates_in_branches_and_loops(tf: Any) -> Built:
    p = tf.placeholder(tf.bool, [])
    v, w = tf.get_variable("v", initializer=1.0), tf.get_variable("w", initializer=0.0)
    r = tf.cond(p, lambda: tf.assign_add(v, 2.0), lambda: tf.assign(v, v * 3))

    def body(i: Any) -> Any:
        with tf.control_dependencies([tf.assign_add(w, tf.cast(i, tf.float32))]):
            return i + 1

    with tf.control_dependencies([r]):
        s = tf.while_loop(lambda i: i < 3, body, [0])
    with tf.control_dependencies([s]):
        return [{p: True}, {p: False}, {p: True}], [tf.identity(r), s, w.read_value()]


def growing_shape(tf: Any) -> Built:
    n = tf.placeholder(tf.int32, [])
    _, a = tf.while_loop(
        lambda i, a: i < n,
        lambda i, a: (i + 1, tf.concat([a, tf.cast([i], tf.float32)], 0)),
        [0, tf.zeros([1])],
        shape_invariants=[tf.TensorShape([]), tf.TensorShape([None])],
    )
    return [{n: 4}, {n: 0}], [a]


def tensor_arrays(tf: Any) -> Built:
    x = tf.placeholder(tf.float32, [None, 2])
    size = tf.shape(x)[0]
    arriving = tf.TensorArray(tf.float32, size).unstack(x)

    def body(i: Any, s: Any, leaving: Any) -> Any:
        s = s * 0.5 + arriving.read(i)
        return i + 1, s, leaving.write(i, tf.sin(s))

    _, s, leaving = tf.while_loop(lambda i, *_: i < size, body, [0, tf.zeros([2]), tf.TensorArray(tf.float32, size)])
    y = leaving.stack()
    return [{x: _values(4, 2)}, {x: _values(1, 2)}], [y, s, *tf.gradients(y, [x])]


def lstm_with_adam(tf: Any) -> Built:
    x, length = tf.placeholder(tf.float32, [2, 5, 3]), tf.placeholder(tf.int32, [2])
    w, b = tf.get_variable("w", initializer=_values(7, 16) / 3), tf.get_variable("b", initializer=_values(16))
    arriving = tf.TensorArray(tf.float32, 5).unstack(tf.transpose(x, [1, 0, 2]))

    def body(t: Any, c: Any, h: Any, leaving: Any) -> Any:
        i, j, f, o = tf.split(tf.matmul(tf.concat([arriving.read(t), h], 1), w) + b, 4, 1)
        next_c = tf.sigmoid(f + 1) * c + tf.sigmoid(i) * tf.tanh(j)
        next_h = tf.tanh(next_c) * tf.sigmoid(o)
        goes_on = tf.tile((t < length)[:, None], [1, 4])
        c, h = tf.where(goes_on, next_c, c), tf.where(goes_on, next_h, h)
        return t + 1, c, h, leaving.write(t, h)

    start = [0, tf.zeros([2, 4]), tf.zeros([2, 4]), tf.TensorArray(tf.float32, 5)]
    y = tf.while_loop(lambda t, *_: t < 5, body, start)[-1].stack()
    loss = tf.reduce_mean(tf.square(y))
    gradients = tf.gradients(loss, [w, b, x])
    train = tf.train.AdamOptimizer(0.01).apply_gradients(list(zip(gradients[:2], [w, b], strict=True)))
    with tf.control_dependencies([train]):
        before = tf.identity(loss)
    feed = {x: _values(2, 5, 3), length: [5, 3]}
    return [feed, feed, feed], [before, y, *gradients]


def choices_and_maps(tf: Any) -> Built:
    x = tf.placeholder(tf.int32, [])
    y = tf.case([(tf.equal(x, 1), lambda: tf.constant(10)), (x > 5, lambda: x * 2)], default=lambda: -x)
    mapped = tf.map_fn(lambda t: t * x, tf.range(4))
    scanned = tf.scan(lambda a, t: a + t * x, tf.range(4))
    folded = tf.foldl(lambda a, t: a - t, tf.range(4) + x)
    return [{x: 1}, {x: 7}, {x: 3}], [y, mapped, scanned, folded]


def assertions(tf: Any) -> Built:
    x = tf.placeholder(tf.float32, [None])
    with tf.control_dependencies([tf.Assert(tf.reduce_all(x > 0), [x]), tf.debugging.assert_less(x, 100.0)]):
        return [{x: [1, 2]}], [x * 2]


def dropout_in_training(tf: Any) -> Built:
    training = tf.placeholder(tf.bool, [])
    w = tf.get_variable("w", initializer=_values(3, 2))
    h = tf.cond(training, lambda: tf.nn.dropout(tf.ones([4, 3]), rate=0.5, seed=3), lambda: tf.ones([4, 3]))
    y = tf.reduce_sum(tf.matmul(h, w) * tf.constant([1.0, 2.0]))
    return [{training: True}, {training: False}], [y, *tf.gradients(y, [w])]


def convolutions_with_adam(tf: Any) -> Built:
    images, labels = tf.placeholder(tf.float32, [None, 8, 8, 1]), tf.placeholder(tf.int64, [None])
    filters = tf.get_variable("filters", initializer=_values(3, 3, 1, 4))
    weights = tf.get_variable("weights", initializer=_values(64, 5))
    bias = tf.get_variable("bias", initializer=_values(5))
    hidden = tf.nn.max_pool(tf.nn.relu(tf.nn.conv2d(images, filters, [1, 1, 1, 1], "SAME")), 2, 2, "SAME")
    logits = tf.matmul(tf.reshape(hidden, [-1, 64]), weights) + bias
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
    train = tf.train.AdamOptimizer(0.01).minimize(loss)
    with tf.control_dependencies([train]):
        before = tf.identity(loss)
    feed = {images: _values(3, 8, 8, 1), labels: [0, 3, 4]}
    return [feed, feed, feed], [before]


def momentum_and_embeddings(tf: Any) -> Built:
    ids = tf.placeholder(tf.int32, [None])
    table = tf.get_variable("table", initializer=_values(6, 3))
    loss = tf.reduce_sum(tf.square(tf.nn.embedding_lookup(table, ids)))
    train = tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss)
    with tf.control_dependencies([train]):
        before = tf.identity(loss)
    return [{ids: [0, 2, 2]}, {ids: [5]}], [before]


PROGRAMS: dict[str, Callable[[Any], Built]] = {
    function.__name__: function
    for function in (
        nested_loops,
        branches_in_a_loop,
        nested_branches,
        updates_in_branches_and_loops,
        growing_shape,
        tensor_arrays,
        lstm_with_adam,
        choices_and_maps,
        assertions,
        dropout_in_training,
        convolutions_with_adam,
        momentum_and_embeddings,
    )
}
