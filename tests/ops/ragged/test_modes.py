"""Ragged tensors in graphs, sessions, functions, loops and gradients."""

from __future__ import annotations

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1
Value = v1.ragged.RaggedTensorValue


def value(rows: list) -> Value:
    return v1.ragged.constant_value(rows)


def run(build):
    """Return what a session makes of a ragged placeholder's function."""
    with tf.Graph().as_default() as graph:
        x = v1.ragged.placeholder(tf.float64, 1, [])
        result = build(x)
        with v1.Session(graph=graph) as session:
            return session.run(result, {x: value([[1.0, 2.0], [], [3.0, 4.0, 5.0]])})


CASES = [
    (lambda x: x + 1, [[2, 3], [], [4, 5, 6]]),
    (lambda x: x * x, [[1, 4], [], [9, 16, 25]]),
    (lambda x: x + tf.constant([[1.0], [2.0], [3.0]], tf.float64), [[2, 3], [], [6, 7, 8]]),
    (lambda x: x[1:], [[], [3, 4, 5]]),
    (lambda x: x[:, ::-1], [[2, 1], [], [5, 4, 3]]),
    (lambda x: x[:, -1:], [[2], [], [5]]),
    (lambda x: tf.concat([x, x], 1), [[1, 2, 1, 2], [], [3, 4, 5, 3, 4, 5]]),
    (lambda x: tf.concat([x, x[:1]], 0), [[1, 2], [], [3, 4, 5], [1, 2]]),
    (lambda x: tf.gather(x, [2, 0]), [[3, 4, 5], [1, 2]]),
    (lambda x: tf.reverse(x, [0]), [[3, 4, 5], [], [1, 2]]),
    (lambda x: tf.tile(x, [1, 2]), [[1, 2, 1, 2], [], [3, 4, 5, 3, 4, 5]]),
    (lambda x: tf.ragged.boolean_mask(x, x > 1), [[2], [], [3, 4, 5]]),
    (lambda x: tf.where(x > 2, x, -x), [[-1, -2], [], [3, 4, 5]]),
    (lambda x: tf.cumsum(x, axis=1), [[1, 3], [], [3, 7, 12]]),
    (lambda x: tf.RaggedTensor.from_tensor(x.to_tensor(), padding=0), [[1, 2], [], [3, 4, 5]]),
    (lambda x: tf.RaggedTensor.from_sparse(x.to_sparse()), [[1, 2], [], [3, 4, 5]]),
    (lambda x: tf.cond(tf.constant(True), lambda: x, lambda: x + 1), [[1, 2], [], [3, 4, 5]]),
    (lambda x: tf.while_loop(lambda i, _: i < 3, lambda i, y: (i + 1, y + 1), [0, x])[1], [[4, 5], [], [6, 7, 8]]),
    (lambda x: tf.map_fn(lambda row: row * 2, x), [[2, 4], [], [6, 8, 10]]),
]


@pytest.mark.parametrize(("build", "expected"), CASES)
def test_graph_gives_the_rows_of_eager_execution(build, expected):
    result = run(build)
    assert isinstance(result, Value)
    assert result.to_list() == expected


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda x: tf.reduce_sum(x, 1), [3, 0, 12]),
        (lambda x: tf.reduce_max(x, 0), [3, 4, 5]),
        (lambda x: x.bounding_shape(), [3, 3]),
        (lambda x: x.row_lengths(), [2, 0, 3]),
        (lambda x: x.nrows(), 3),
        (lambda x: x.value_rowids(), [0, 0, 2, 2, 2]),
        (lambda x: x[0], [1, 2]),
        (lambda x: x.to_tensor(), [[1, 2, 0], [0, 0, 0], [3, 4, 5]]),
        (lambda x: tf.map_fn(tf.reduce_sum, x, fn_output_signature=tf.float64), [3, 0, 12]),
        (lambda x: tf.strings.format("{}", tf.cast(x, tf.int32)), b"[[1, 2], [], [3, 4, 5]]"),
    ],
)
def test_graph_gives_the_numbers_of_eager_execution(build, expected):
    result = run(build)
    assert (result if isinstance(result, bytes) else np.asarray(result).tolist()) == expected


def test_a_fed_value_must_have_the_placeholders_ragged_axes():
    with tf.Graph().as_default() as graph:
        x = v1.ragged.placeholder(tf.float64, 1, [])
        with v1.Session(graph=graph) as session:
            with pytest.raises(TypeError):
                session.run(x.values, {x: [[1.0]]})
            with pytest.raises(ValueError):
                session.run(x.values, {x: value([[[1.0]]])})


def test_a_bad_partition_fails_when_the_graph_runs():
    with tf.Graph().as_default() as graph:
        splits = v1.placeholder(tf.int64, [None])
        x = tf.RaggedTensor.from_row_splits(tf.constant([1, 2, 3]), splits)
        with v1.Session(graph=graph) as session, pytest.raises(tf.errors.InvalidArgumentError):
            session.run(x, {splits: [0, 2]})


GRADIENTS = [
    (lambda x: tf.reduce_sum(x * x), [2, 4, 6, 8, 10]),
    (lambda x: tf.reduce_sum(tf.reduce_max(x, 1)[::2]), [0, 1, 0, 0, 1]),
    (lambda x: tf.reduce_sum(x.to_tensor() * 3), [3, 3, 3, 3, 3]),
    (lambda x: tf.reduce_sum(x[:, :1].flat_values), [1, 0, 1, 0, 0]),
    (lambda x: tf.reduce_sum(tf.gather(x, [2, 2]).flat_values), [0, 0, 2, 2, 2]),
    (lambda x: tf.reduce_sum(tf.concat([x, 2 * x], 1).flat_values), [3, 3, 3, 3, 3]),
    (lambda x: tf.reduce_sum((x + tf.constant([[1.0], [2.0], [3.0]])).flat_values ** 2), [4, 6, 12, 14, 16]),
    (lambda x: tf.reduce_sum(tf.map_fn(lambda r: r * r, x).flat_values), [2, 4, 6, 8, 10]),
]


@pytest.mark.parametrize(("function", "expected"), GRADIENTS)
def test_gradients_flow_through_the_values(function, expected):
    values = tf.constant([1.0, 2.0, 3.0, 4.0, 5.0])
    with tf.GradientTape() as tape:
        tape.watch(values)
        loss = function(tf.RaggedTensor.from_row_splits(values, [0, 2, 2, 5]))
    assert tf.convert_to_tensor(tape.gradient(loss, values)).numpy().tolist() == expected


def test_a_spec_makes_a_value_of_its_tensors():
    ragged = tf.ragged.constant([[[1], [2, 3]], []])
    spec = tf.type_spec_from_value(ragged)
    assert spec == tf.RaggedTensorSpec([2, None, None], tf.int32)
    parts = tf.nest.flatten(ragged, expand_composites=True)
    assert len(parts) == 3
    assert tf.nest.pack_sequence_as(ragged, parts, expand_composites=True).to_list() == ragged.to_list()


def test_specs_widen_to_what_holds_both():
    x = tf.type_spec_from_value(tf.ragged.constant([[1], []]))
    y = tf.type_spec_from_value(tf.ragged.constant([[1], [], []]))
    assert x.most_specific_compatible_type(y) == tf.RaggedTensorSpec([None, None], tf.int32)


def test_gathering_and_tiling_forget_that_rows_have_one_length_and_slices_keep_it():
    x = tf.RaggedTensor.from_tensor(tf.zeros([3, 4]))
    forgetting = tf.gather(x, [0, 2]), tf.gather_nd(x, [[0], [1]]), tf.tile(x, [2, 1])
    assert [t.shape.as_list() for t in forgetting] == [[2, None], [2, None], [6, None]]
    assert [t.shape.as_list() for t in (x[:2], x[::2], tf.reverse(x, [0]), x + 1.0)] == [[2, 4], [2, 4], [3, 4], [3, 4]]
