"""The courses' digit readers as they are typed: on MNIST where its files are at hand, on blurred strokes elsewhere."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

import penstock.v1 as tf
from penstock.examples.tutorials.mnist import input_data

pytestmark = pytest.mark.usefixtures("graph_mode")

MNIST = Path(__file__).parents[3] / "shared" / "data" / "mnist"


def write_idx(path: Path, array: np.ndarray) -> None:
    with gzip.open(path, "wb") as file:
        file.write(struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes())


@pytest.fixture(scope="module")
def strokes(tmp_path_factory):
    """Return a folder with small files in MNIST's format: each digit is a bright square at a place of its own."""
    folder = tmp_path_factory.mktemp("strokes")
    random = np.random.RandomState(0)
    for prefix, count in (("train", 1000), ("t10k", 300)):
        labels = random.randint(0, 10, count).astype(np.uint8)
        images = random.randint(0, 60, (count, 28, 28)).astype(np.uint8)
        for image, label in zip(images, labels, strict=True):
            row, column = divmod(int(label), 4)
            image[row * 9 : row * 9 + 8, column * 7 : column * 7 + 6] += 150
        write_idx(folder / f"{prefix}-images-idx3-ubyte.gz", images)
        write_idx(folder / f"{prefix}-labels-idx1-ubyte.gz", labels)
    return str(folder)


def softmax_regression(mnist, steps: int, batch: int) -> float:
    x = tf.placeholder(tf.float32, [None, 784])
    w = tf.Variable(tf.zeros([784, 10]))
    b = tf.Variable(tf.zeros([10]))
    y = tf.matmul(x, w) + b
    y_ = tf.placeholder(tf.float32, [None, 10])
    cross_entropy = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(labels=y_, logits=y))
    train_step = tf.train.GradientDescentOptimizer(0.5).minimize(cross_entropy)
    sess = tf.InteractiveSession()
    tf.global_variables_initializer().run()
    for _ in range(steps):
        batch_xs, batch_ys = mnist.train.next_batch(batch)
        sess.run(train_step, feed_dict={x: batch_xs, y_: batch_ys})
    correct_prediction = tf.equal(tf.argmax(y, 1), tf.argmax(y_, 1))
    accuracy = tf.reduce_mean(tf.cast(correct_prediction, tf.float32))
    result = sess.run(accuracy, feed_dict={x: mnist.test.images, y_: mnist.test.labels})
    sess.close()
    return float(result)


def test_softmax_regression_reads_strokes(strokes):
    mnist = input_data.read_data_sets(strokes, one_hot=True, validation_size=100, seed=1)
    assert softmax_regression(mnist, steps=60, batch=50) > 0.95


@pytest.mark.needs_data
def test_softmax_regression_reads_mnist_as_well_as_the_courses_report():
    if not MNIST.exists():
        pytest.skip("MNIST's files are not beside this repository")
    mnist = input_data.read_data_sets(str(MNIST), one_hot=True, seed=1)
    assert softmax_regression(mnist, steps=1000, batch=100) > 0.91


def test_the_convolutional_network_of_single_operations_learns_strokes(strokes):
    mnist = input_data.read_data_sets(strokes, one_hot=True, validation_size=100, seed=1)
    tf.set_random_seed(1)

    def weight_variable(shape):
        return tf.Variable(tf.truncated_normal(shape, stddev=0.1))

    def bias_variable(shape):
        return tf.Variable(tf.constant(0.1, shape=shape))

    def conv2d(x, W):
        return tf.nn.conv2d(x, W, strides=[1, 1, 1, 1], padding="SAME")

    def max_pool_2x2(x):
        return tf.nn.max_pool(x, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")

    x = tf.placeholder(tf.float32, [None, 784])
    y_ = tf.placeholder(tf.float32, [None, 10])
    keep_prob = tf.placeholder(tf.float32)
    x_image = tf.reshape(x, [-1, 28, 28, 1])
    with tf.name_scope("conv1"):
        h_conv1 = tf.nn.relu(conv2d(x_image, weight_variable([5, 5, 1, 4])) + bias_variable([4]))
        h_pool1 = max_pool_2x2(h_conv1)
    with tf.name_scope("conv2"):
        h_conv2 = tf.nn.relu(conv2d(h_pool1, weight_variable([5, 5, 4, 8])) + bias_variable([8]))
        h_pool2 = max_pool_2x2(h_conv2)
    assert h_pool2.shape.as_list() == [None, 7, 7, 8]
    h_flat = tf.reshape(h_pool2, [-1, 7 * 7 * 8])
    h_fc1 = tf.nn.relu(tf.matmul(h_flat, weight_variable([7 * 7 * 8, 32])) + bias_variable([32]))
    h_drop = tf.nn.dropout(h_fc1, keep_prob)
    y_conv = tf.matmul(h_drop, weight_variable([32, 10])) + bias_variable([10])
    cross_entropy = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y_, logits=y_conv))
    train_step = tf.train.AdamOptimizer(5e-3).minimize(cross_entropy)
    accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(y_conv, 1), tf.argmax(y_, 1)), tf.float32))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(80):
            images, labels = mnist.train.next_batch(50)
            train_step.run(feed_dict={x: images, y_: labels, keep_prob: 0.8})
        assert accuracy.eval(feed_dict={x: mnist.test.images, y_: mnist.test.labels, keep_prob: 1.0}) > 0.9
