"""Programs run on a GPU as they do on the CPU, tried on a device that is merely pretended."""

from __future__ import annotations

import numpy as np
import pytest

import penstock.v1 as tf
from penstock.core.local_devices import Device, local_devices
from penstock.ops.fused.native import elementwise, elementwise_update
from penstock.runtime import session as session_module
from penstock.runtime.partitioned import Workers
from penstock.testing.pretended_device import LOCATION, PretendedDevice

GPU = Device("/job:localhost/replica:0/task:0/device:GPU:0", "GPU", LOCATION, 1 << 30, 7)
SOFT = tf.ConfigProto(allow_soft_placement=True)


@pytest.fixture
def gpu(monkeypatch):
    """A session's second device. Values exist on it within the block that this gives."""
    submit = Workers.submit

    def with_device(self, function, *args):
        def run(*args):
            with PretendedDevice():
                return function(*args)

        return submit(self, run, *args)

    def start():
        for module in (elementwise, elementwise_update):
            monkeypatch.setattr(module, "CPU_ONLY", False)
        monkeypatch.setattr(session_module, "local_devices", lambda counts=None: [*local_devices(counts), GPU])
        monkeypatch.setattr(Workers, "submit", with_device)
        return PretendedDevice()

    return start


def normal(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def dense_layers():
    x, y = tf.placeholder(tf.float32, [None, 20]), tf.placeholder(tf.int32, [None])
    hidden = tf.nn.dropout(tf.layers.dense(x, 30, tf.nn.relu), rate=0.3, seed=1)
    logits = tf.layers.dense(hidden, 5)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
    right = tf.reduce_mean(tf.cast(tf.equal(tf.cast(tf.argmax(logits, 1), tf.int32), y), tf.float32))
    return [loss, right], {x: normal(8, 20), y: np.arange(8) % 5}, tf.train.AdamOptimizer(0.01).minimize(loss)


def convolutions():
    x, y = tf.placeholder(tf.float32, [None, 12, 12, 1]), tf.placeholder(tf.float32, [None, 5])
    h = tf.layers.conv2d(x, 8, 3, activation=tf.nn.relu, padding="same")
    h = tf.layers.batch_normalization(tf.layers.max_pooling2d(h, 2, 2), training=True)
    h = tf.layers.average_pooling2d(tf.layers.conv2d(h, 8, 3, activation=tf.nn.relu), 2, 2)
    logits = tf.layers.dense(tf.layers.flatten(h), 5)
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(labels=y, logits=logits))
    feeds = {x: normal(4, 12, 12, 1), y: np.eye(5)[:4]}
    return [loss], feeds, tf.train.MomentumOptimizer(0.01, 0.9).minimize(loss)


def recurrence():
    x, sizes = tf.placeholder(tf.float32, [None, 6, 4]), tf.placeholder(tf.int32, [None])
    outputs, _ = tf.nn.dynamic_rnn(tf.nn.rnn_cell.LSTMCell(8), x, sequence_length=sizes, dtype=tf.float32)
    loss = tf.reduce_mean(tf.square(outputs))
    feeds = {x: normal(3, 6, 4), sizes: [6, 2, 4]}
    return [loss, outputs], feeds, tf.train.GradientDescentOptimizer(0.1).minimize(loss)


def attention():
    x = tf.placeholder(tf.float32, [None, 5, 8])
    query, key, value = (tf.einsum("bti,io->bto", x, tf.get_variable(name, [8, 8])) for name in "qkv")
    read = tf.matmul(tf.nn.softmax(tf.matmul(query, key, transpose_b=True) / 3.0), value)
    mean, variance = tf.nn.moments(read, [-1], keepdims=True)
    loss = tf.reduce_mean(tf.square((read - mean) * tf.rsqrt(variance + 1e-5) - x))
    return [loss], {x: normal(2, 5, 8)}, tf.train.RMSPropOptimizer(0.01).minimize(loss)


def rows_of_a_table():
    table, ids = tf.get_variable("table", [10, 4]), tf.placeholder(tf.int32, [None])
    found = tf.nn.embedding_lookup(table, ids)
    loss = tf.reduce_sum(tf.square(found))
    others = [tf.unique(ids)[0], tf.boolean_mask(found, tf.equal(ids, 3)), tf.segment_sum(found, tf.range(4))]
    return [loss, *others], {ids: [3, 1, 3, 7]}, tf.train.AdagradOptimizer(0.1).minimize(loss)


def branches_and_loops():
    x = tf.placeholder(tf.float32, [4])
    count, grown = tf.while_loop(
        lambda i, v: tf.logical_and(i < 10, tf.reduce_sum(v) < 50.0),
        lambda i, v: (i + 1, v * 1.5 + tf.cast(i, tf.float32)),
        [0, x],
    )
    chosen = tf.cond(tf.reduce_sum(grown) > 3.0, lambda: tf.exp(-grown), lambda: grown * 2.0)
    series = tf.TensorArray(tf.float32, 2).write(0, grown).write(1, chosen).stack()
    return [count, chosen, tf.gradients(chosen, x)[0], series, tf.map_fn(tf.square, grown)], {x: [1, 2, 3, 4]}, []


def shapes_as_values():
    x = tf.placeholder(tf.float32, [None, 4])
    shape = tf.shape(x)
    wide = tf.cast(shape, tf.float32) * 2.0 + tf.ones([2])
    results = [tf.reshape(x, [shape[0] * 2, 2]), wide, tf.fill(shape, 2.0) + x, tf.stack([shape, shape]), tf.size(x)]
    return (
        [*results, tf.tile(x, [1, shape[0]]), shape + tf.constant([1, 2]), x[:, 1:3], tf.rank(x)],
        {x: normal(3, 4)},
        [],
    )


def random_numbers():
    drawn = [tf.random.uniform([4], seed=2), tf.random.normal([4], seed=2), tf.random.truncated_normal([4], seed=3)]
    drawn += [tf.random.shuffle(tf.range(5), seed=1), tf.random.gamma([2], [1.0, 2.0], seed=4)]
    return [value + tf.cast(1, value.dtype) for value in drawn], {}, []


def several_devices():
    x = tf.placeholder(tf.float32, [3])
    a = tf.exp(x)
    with tf.device("/cpu:0"):
        b, started = a * 2.0, tf.TensorArray(tf.float32, 2, dynamic_size=True).write(0, x)
    text = tf.string_to_number(tf.as_string(a))
    return [a + b, text * 2.0 + a, started.write(1, b).stack()], {x: [1.0, 2.0, 3.0]}, []


def kernels_of_the_host():
    logits = tf.placeholder(tf.float32, [6, 2, 4])
    labels = tf.SparseTensor([[0, 0], [1, 0]], [1, 2], [2, 1])
    loss = tf.reduce_sum(tf.nn.ctc_loss(labels, logits, [6, 6]))
    return [loss, tf.gradients(loss, logits)[0]], {logits: normal(6, 2, 4)}, []


def elements_of_a_dataset():
    numbers = tf.data.Dataset.range(100).map(lambda i: tf.cast(i, tf.float32)).batch(4)
    return [tf.data.make_one_shot_iterator(numbers).get_next() + tf.ones([4])], {}, []


def steps(build):
    """Return the fetches of three steps, and where the nodes of one ran."""
    with tf.Graph().as_default():
        tf.set_random_seed(3)
        with tf.device("/gpu:0"):
            fetches, feeds, updates = build()
        with tf.Session(config=SOFT) as session:
            session.run(tf.global_variables_initializer())
            results = []
            for _ in range(3):
                session.run(updates, feeds)
                results.extend(session.run(fetches, feeds))
            metadata = tf.RunMetadata()
            options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
            session.run([fetches, updates], feeds, options=options, run_metadata=metadata)
    return results, {stats.device.partition("/device:")[2] for stats in metadata.step_stats.dev_stats}


PROGRAMS = [
    *(dense_layers, convolutions, recurrence, attention, rows_of_a_table, branches_and_loops, shapes_as_values),
    *(random_numbers, several_devices, kernels_of_the_host, elements_of_a_dataset),
]


@pytest.mark.parametrize("build", PROGRAMS)
def test_a_program_gives_the_same_on_another_device(build, gpu):
    expected, devices = steps(build)
    assert devices == {"CPU:0"}
    with gpu():
        found, devices = steps(build)
    assert "GPU:0" in devices
    for value, other in zip(found, expected, strict=True):
        assert value.dtype == other.dtype
        np.testing.assert_allclose(value, other, rtol=2e-4, atol=1e-5)


def test_a_value_that_goes_to_the_cpu_is_brought_there(gpu):
    with tf.Graph().as_default(), gpu():
        x = tf.placeholder(tf.float32, [2], name="x")
        with tf.device("/gpu:0"):
            y = tf.exp(x, name="y")
        with tf.device("/cpu:0"):
            z = tf.identity(y, name="z")
        with tf.Session() as session:
            source = session.program(z, [x]).source
            assert "y_1 = to_device(rendezvous.receive(edge_0_y_key), 'cpu')" in source.replace("y__1", "y_1")
            np.testing.assert_allclose(session.run(z, {x: [0.0, 1.0]}), [1.0, np.e], rtol=1e-6)


def test_what_was_fed_and_fetched_stays_as_it_is(gpu):
    with tf.Graph().as_default(), tf.device("/gpu:0"), gpu():
        v = tf.Variable(np.zeros(100, np.float32), use_resource=True)
        x = tf.placeholder(tf.float32, [100])
        update = v.assign_add(x)
        with tf.Session(config=SOFT) as session:
            session.run(v.initializer)
            fed = np.ones(100, np.float32)
            kept = [session.run([update, v], {x: fed})[1] for _ in range(3)]
            last = session.run(v)
    assert (fed == 1).all() and (last == 3).all()
    assert all((value == value[0]).all() for value in kept)
