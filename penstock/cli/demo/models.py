"""The two digit readers, each in a graph of its own, as the TensorFlow 1 courses write them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import penstock.v1 as tf

NUM_CLASSES = 10
HIDDEN_UNITS = 1024
TRAINING_KEEP_PROBABILITY = 0.5


@dataclass(frozen=True)
class Model:
    """A graph and the tensors and operations that a training program asks for.

    Attributes:
        name: what to call it in the report.
        graph: holds everything below.
        images: placeholder, float32 of shape (n, side * side).
        labels: placeholder, float32 one-hot of shape (n, NUM_CLASSES).
        keep_probability: placeholder of shape () for dropout; 1 unless fed.
        predictions: the classes, int64 of shape (n,).
        loss: mean cross entropy, float32 of shape ().
        accuracy: share of right predictions, float32 of shape ().
        train_step: runs one step of the optimizer.
        initialize: gives all variables their initial values.
        summaries: all summaries, serialized, of shape ().
        saver: saves and restores the variables.
        num_parameters: how many numbers are trained.
    """

    name: str
    graph: Any
    images: Any
    labels: Any
    keep_probability: Any
    predictions: Any
    loss: Any
    accuracy: Any
    train_step: Any
    initialize: Any
    summaries: Any
    saver: Any
    num_parameters: int


def softmax_regression(side: int, seed: int, learning_rate: float = 0.5) -> Model:
    """Build softmax regression, trained by gradient descent.

    Args:
        side: rows and columns of an image.
        seed: of the graph.
        learning_rate: factor of the gradients.
    """
    graph = tf.Graph()
    with graph.as_default():
        tf.set_random_seed(seed)
        images, labels, keep_probability = _inputs(side)
        with tf.name_scope("softmax"):
            weights = tf.Variable(tf.zeros([side * side, NUM_CLASSES]), name="weights")
            biases = tf.Variable(tf.zeros([NUM_CLASSES]), name="biases")
            logits = tf.matmul(images, weights) + biases
        optimizer = tf.train.GradientDescentOptimizer(learning_rate)
        return _trained_by(optimizer, "softmax regression", images, labels, keep_probability, logits)


def convolutional(side: int, seed: int, steps_per_epoch: int) -> Model:
    """Build the two-layer CNN: 5x5x32, pool, 5x5x64, pool, 1024 units, dropout, 10; trained by Adam.

    Args:
        side: rows and columns of an image.
        seed: of the graph.
        steps_per_epoch: the learning rate shrinks by a fifth after every so many steps (on large data sets).
    """
    graph = tf.Graph()
    with graph.as_default():
        tf.set_random_seed(seed)
        images, labels, keep_probability = _inputs(side)
        with tf.name_scope("conv1"):
            hidden = _pooled_convolution(tf.reshape(images, [-1, side, side, 1]), 1, 32)
        with tf.name_scope("conv2"):
            hidden = _pooled_convolution(hidden, 32, 64)
        pooled_side = math.ceil(math.ceil(side / 2) / 2)
        num_features = pooled_side * pooled_side * 64
        with tf.name_scope("dense"):
            weights = _weights([num_features, HIDDEN_UNITS], num_features)
            biases = tf.Variable(tf.constant(0.1, shape=[HIDDEN_UNITS]), name="biases")
            hidden = tf.nn.relu(tf.matmul(tf.reshape(hidden, [-1, num_features]), weights) + biases)
            hidden = tf.nn.dropout(hidden, keep_prob=keep_probability)
        with tf.name_scope("readout"):
            weights = _weights([HIDDEN_UNITS, NUM_CLASSES], HIDDEN_UNITS)
            biases = tf.Variable(tf.zeros([NUM_CLASSES]), name="biases")
            logits = tf.matmul(hidden, weights) + biases
        global_step = tf.train.get_or_create_global_step()
        # Small data sets have short epochs; a decay every 100 steps at most leaves them time to learn.
        learning_rate = tf.train.exponential_decay(1e-3, global_step, max(steps_per_epoch, 100), 0.8, staircase=True)
        optimizer = tf.train.AdamOptimizer(learning_rate)
        return _trained_by(optimizer, "two-layer CNN", images, labels, keep_probability, logits)


def _inputs(side: int) -> tuple[Any, Any, Any]:
    """Create the placeholders of a digit reader in the default graph."""
    with tf.name_scope("input"):
        images = tf.placeholder(tf.float32, [None, side * side], name="images")
        labels = tf.placeholder(tf.float32, [None, NUM_CLASSES], name="labels")
        keep_probability = tf.placeholder_with_default(tf.constant(1.0), [], name="keep_probability")
        tf.summary.image("digits", tf.reshape(images, [-1, side, side, 1]), max_outputs=4)
    return images, labels, keep_probability


def _weights(shape: list[int], num_inputs: int) -> Any:
    """Create weights scaled so that ReLU layers keep the variance of their inputs (He et al. 2015)."""
    return tf.Variable(tf.truncated_normal(shape, stddev=math.sqrt(2.0 / num_inputs)), name="weights")


def _pooled_convolution(images: Any, num_inputs: int, num_outputs: int) -> Any:
    """Return the 5 x 5 convolution of (n, rows, columns, num_inputs), with ReLU, max-pooled to half the size."""
    weights = _weights([5, 5, num_inputs, num_outputs], 25 * num_inputs)
    biases = tf.Variable(tf.constant(0.1, shape=[num_outputs]), name="biases")
    convolved = tf.nn.relu(tf.nn.conv2d(images, weights, strides=[1, 1, 1, 1], padding="SAME") + biases)
    return tf.nn.max_pool(convolved, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")


def _trained_by(optimizer: Any, name: str, images: Any, labels: Any, keep_probability: Any, logits: Any) -> Model:
    """Complete the default graph with loss, accuracy, training step, summaries and saver."""
    with tf.name_scope("cross_entropy"):
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits))
    with tf.name_scope("evaluation"):
        predictions = tf.argmax(logits, 1, name="predictions")
        is_right = tf.equal(predictions, tf.argmax(labels, 1))
        accuracy = tf.reduce_mean(tf.cast(is_right, tf.float32))
    with tf.name_scope("train"):
        train_step = optimizer.minimize(loss, global_step=tf.train.get_or_create_global_step())
    tf.summary.scalar("loss", loss)
    tf.summary.scalar("accuracy", accuracy)
    for variable in tf.trainable_variables():
        tf.summary.histogram(variable.op.name, variable)
    return Model(
        name=name,
        graph=tf.get_default_graph(),
        images=images,
        labels=labels,
        keep_probability=keep_probability,
        predictions=predictions,
        loss=loss,
        accuracy=accuracy,
        train_step=train_step,
        initialize=tf.global_variables_initializer(),
        summaries=tf.summary.merge_all(),
        saver=tf.train.Saver(),
        num_parameters=sum(math.prod(variable.get_shape().as_list()) for variable in tf.trainable_variables()),
    )
