"""The courses' worked examples of learning, with the numbers that they print."""

from __future__ import annotations

import numpy as np
import pytest

import penstock.v1 as tf

pytestmark = pytest.mark.usefixtures("graph_mode")


def test_reverse_mode_differentiation_of_x2y_plus_y_plus_2():
    x, y = tf.Variable(3.0, name="x"), tf.Variable(4.0, name="y")
    f = x * x * y + y + 2
    gradients = tf.gradients(f, [x, y])
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        assert sess.run(f) == 42.0
        assert sess.run(gradients) == [24.0, 10.0]
        second = tf.gradients(gradients[0], [x, y])
        assert sess.run(second) == [8.0, 6.0]


def test_the_worked_sigmoid_network_prints_its_numbers():
    inputs = tf.constant([[0.5, 0.9, -0.3]])
    hidden_weights = tf.constant([[1.0, 2.0, 1.0], [-2.0, 1.0, -1.0], [2.0, -4.0, 0.0]])
    output_weights = tf.constant([[-3.0, 0.0], [1.0, 1.0], [-3.0, 2.0]])
    hidden = tf.sigmoid(tf.matmul(inputs, hidden_weights))
    output = tf.sigmoid(tf.matmul(hidden, output_weights))
    biased = tf.sigmoid(tf.matmul(inputs, hidden_weights) + 0.1)
    with tf.Session() as sess:
        h, o, b = sess.run([hidden, output, biased])
    assert [round(float(v), 2) for v in h[0]] == [0.13, 0.96, 0.40]
    assert [round(float(v), 2) for v in o[0]] == [0.35, 0.85]
    assert [round(float(v), 2) for v in b[0]] == [0.14, 0.96, 0.43]


def test_softmax_of_three_digits():
    with tf.Session() as sess:
        values = sess.run(tf.nn.softmax([4.8, -2.6, 2.9]))
    assert [round(float(v), 2) for v in values] == [0.87, 0.0, 0.13]


def test_gradient_descent_written_by_hand():
    examples = tf.placeholder(tf.float32, [None, 4])
    labels = tf.placeholder(tf.float32, [None, 3])
    weight = tf.Variable(tf.zeros([4, 3]))
    bias = tf.Variable(tf.zeros([3]))
    y = tf.matmul(examples, weight) + bias
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=y))
    weight_grad, bias_grad = tf.gradients(loss, [weight, bias])
    lr = 0.5
    new_weights = tf.assign_sub(weight, lr * weight_grad)
    new_bias = tf.assign_sub(bias, lr * bias_grad)
    train_op = tf.group(new_weights, new_bias)
    generator = np.random.default_rng(0)
    xs = generator.normal(size=(60, 4)).astype(np.float32)
    ys = np.eye(3, dtype=np.float32)[xs[:, :3].argmax(1)]
    with tf.Session() as sess:
        sess.run(tf.initialize_all_variables())
        losses = []
        for _ in range(200):
            sess.run(train_op, feed_dict={examples: xs, labels: ys})
            losses.append(sess.run(loss, {examples: xs, labels: ys}))
    assert losses[-1] < 0.3 < losses[0] and all(b <= a + 1e-6 for a, b in zip(losses, losses[1:], strict=False))


def test_linear_regression_finds_slope_and_intercept():
    x = np.linspace(0, 1, 50, dtype=np.float32)
    noise = np.random.default_rng(1).normal(size=50).astype(np.float32) * 0.01
    X, Y = tf.placeholder(tf.float32), tf.placeholder(tf.float32)
    w, b = tf.Variable(0.0, name="weight"), tf.Variable(0.0, name="bias")
    cost = tf.reduce_mean(tf.square(X * w + b - Y))
    optimizer = tf.train.GradientDescentOptimizer(0.5).minimize(cost)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(300):
            sess.run(optimizer, {X: x, Y: 3 * x + 2 + noise})
        slope, intercept = sess.run([w, b])
    assert abs(slope - 3) < 0.05 and abs(intercept - 2) < 0.05


def blobs(count=300, seed=0):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 3, count)
    centres = np.array([[0, 2], [2, -1], [-2, -1]])
    return (centres[labels] + generator.normal(size=(count, 2)) * 0.5).astype(np.float32), labels.astype(np.int64)


@pytest.mark.parametrize(
    "make",
    [
        lambda: tf.train.GradientDescentOptimizer(0.5),
        lambda: tf.train.MomentumOptimizer(0.1, 0.9, use_nesterov=True),
        lambda: tf.train.AdagradOptimizer(0.5),
        lambda: tf.train.AdamOptimizer(0.05),
        lambda: tf.train.RMSPropOptimizer(0.05, centered=True),
        lambda: tf.train.FtrlOptimizer(0.5),
        lambda: tf.train.AdadeltaOptimizer(10.0),
    ],
    ids=["sgd", "nesterov", "adagrad", "adam", "rmsprop", "ftrl", "adadelta"],
)
def test_every_optimizer_learns_three_blobs(make):
    tf.set_random_seed(0)
    xs, ys = blobs()
    x, y = tf.placeholder(tf.float32, [None, 2]), tf.placeholder(tf.int64, [None])
    hidden = tf.layers.dense(x, 8, activation=tf.nn.relu)
    logits = tf.layers.dense(hidden, 3)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
    step = tf.train.get_or_create_global_step()
    train = make().minimize(loss, global_step=step)
    accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), y), tf.float32))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(150):
            sess.run(train, {x: xs, y: ys})
        assert sess.run(step) == 150
        assert sess.run(accuracy, {x: xs, y: ys}) > 0.95


def test_sessions_are_saved_and_restored(tmp_path):
    xs, ys = blobs()
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    w = tf.get_variable("w", [2, 3], initializer=tf.truncated_normal_initializer(seed=1))
    prediction = tf.argmax(tf.matmul(x, w), 1)
    saver = tf.train.Saver()
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        before = sess.run(prediction, {x: xs})
        path = saver.save(sess, str(tmp_path / "model"), global_step=7)
    assert path.endswith("model-7") and tf.train.latest_checkpoint(str(tmp_path)) == path
    with tf.Session() as sess:
        saver.restore(sess, path)
        np.testing.assert_array_equal(sess.run(prediction, {x: xs}), before)


@pytest.mark.needs_tensorboard
def test_loss_curves_for_three_learning_rates_open_in_tensorboard(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    xs, ys = blobs()
    for rate in (0.1, 0.01, 0.001):
        with tf.Graph().as_default(), tf.Session() as sess:
            x, y = tf.placeholder(tf.float32, [None, 2]), tf.placeholder(tf.int64, [None])
            with tf.name_scope("model"):
                w = tf.Variable(tf.zeros([2, 3]), name="w")
                logits = tf.matmul(x, w)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
            train = tf.train.GradientDescentOptimizer(rate).minimize(loss)
            tf.summary.scalar("loss", loss)
            tf.summary.histogram("weights", w)
            merged = tf.summary.merge_all()
            sess.run(tf.global_variables_initializer())
            with tf.summary.FileWriter(str(tmp_path / f"lr_{rate}"), sess.graph) as writer:
                for step in range(10):
                    summary, _ = sess.run([merged, train], {x: xs, y: ys})
                    writer.add_summary(summary, step)
    finals = {}
    for rate in (0.1, 0.01, 0.001):
        events = EventAccumulator(str(tmp_path / f"lr_{rate}"), {"histograms": 0, "scalars": 0, "graph": 1})
        events.Reload()
        curve = [event.value for event in events.Scalars("loss")]
        assert len(curve) == 10 and curve[-1] < curve[0]
        assert len(events.Histograms("weights")) == 10
        assert any(node.name == "model/w" for node in events.Graph().node)
        finals[rate] = curve[-1]
    assert finals[0.1] < finals[0.01] < finals[0.001]


def small_digits(count=200):
    generator = np.random.default_rng(3)
    labels = generator.integers(0, 4, count)
    images = generator.normal(size=(count, 12, 12, 1)).astype(np.float32) * 0.1
    for image, label in zip(images, labels, strict=True):
        row, column = divmod(int(label), 2)
        image[row * 6 : row * 6 + 6, column * 6 : column * 6 + 6] += 1.0
    return images, labels


def test_a_convolutional_network_of_layers_learns_with_dropout_and_batch_normalization():
    tf.set_random_seed(0)
    images, labels = small_digits()
    x, y = tf.placeholder(tf.float32, [None, 12, 12, 1]), tf.placeholder(tf.int32, [None])
    training = tf.placeholder_with_default(False, [])
    net = tf.layers.conv2d(x, 4, 5, padding="same", activation=tf.nn.relu)
    net = tf.layers.max_pooling2d(net, 2, 2)
    net = tf.layers.batch_normalization(net, training=training)
    net = tf.layers.flatten(net)
    net = tf.layers.dropout(net, 0.4, training=training)
    logits = tf.layers.dense(net, 4)
    loss = tf.losses.sparse_softmax_cross_entropy(labels=y, logits=logits)
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        train = tf.train.AdamOptimizer(0.01).minimize(loss)
    correct = tf.reduce_mean(tf.cast(tf.nn.in_top_k(logits, y, 1), tf.float32))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(40):
            sess.run(train, {x: images, y: labels, training: True})
        assert sess.run(correct, {x: images, y: labels}) > 0.95
        moving_mean = [v for v in tf.global_variables() if v.op.name.endswith("moving_mean")]
        assert len(moving_mean) == 1 and np.abs(sess.run(moving_mean[0])).max() > 0
