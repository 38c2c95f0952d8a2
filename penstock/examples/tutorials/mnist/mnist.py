"""The fully connected MNIST network of the TensorFlow 1 tutorials, in its four steps.

`inference` builds the network up to the logits, `loss` adds the loss, `training` the operation that takes one step, and
`evaluation` counts the right answers.
"""

from __future__ import annotations

import math
from typing import Any

import penstock.v1 as tf

NUM_CLASSES = 10
IMAGE_SIZE = 28
IMAGE_PIXELS = IMAGE_SIZE * IMAGE_SIZE


def inference(images: Any, hidden1_units: int, hidden2_units: int) -> Any:
    """Build two hidden layers with ReLU and a linear one.

    Args:
        images: float32 of shape (n, IMAGE_PIXELS).
        hidden1_units: width of the first hidden layer.
        hidden2_units: width of the second.
    Returns:
        The logits, float32 of shape (n, NUM_CLASSES).
    """
    with tf.name_scope("hidden1"):
        hidden1 = tf.nn.relu(_linear(images, IMAGE_PIXELS, hidden1_units))
    with tf.name_scope("hidden2"):
        hidden2 = tf.nn.relu(_linear(hidden1, hidden1_units, hidden2_units))
    with tf.name_scope("softmax_linear"):
        return _linear(hidden2, hidden2_units, NUM_CLASSES)


def loss(logits: Any, labels: Any) -> Any:
    """Return the mean cross entropy, of shape ().

    Args:
        logits: float32 of shape (n, NUM_CLASSES).
        labels: class numbers, integers of shape (n,).
    """
    cross_entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=tf.cast(labels, tf.int64), logits=logits, name="xentropy"
    )
    return tf.reduce_mean(cross_entropy, name="xentropy_mean")


def training(loss: Any, learning_rate: float) -> Any:
    """Return the operation that takes one step of gradient descent and counts it in `global_step`.

    Args:
        loss: of shape (), summarized as "loss".
        learning_rate: factor of the gradients.
    """
    tf.summary.scalar("loss", loss)
    global_step = tf.Variable(0, name="global_step", trainable=False)
    return tf.train.GradientDescentOptimizer(learning_rate).minimize(loss, global_step=global_step)


def evaluation(logits: Any, labels: Any) -> Any:
    """Return how many examples have the right class first, int32 of shape ().

    Args:
        logits: float32 of shape (n, NUM_CLASSES).
        labels: class numbers, int32 or int64 of shape (n,).
    """
    return tf.reduce_sum(tf.cast(tf.nn.in_top_k(logits, labels, 1), tf.int32))


def _linear(inputs: Any, num_inputs: int, num_outputs: int) -> Any:
    """Return inputs * weights + biases, with the variables in the current name scope."""
    weights = tf.Variable(
        tf.truncated_normal([num_inputs, num_outputs], stddev=1.0 / math.sqrt(num_inputs)), name="weights"
    )
    biases = tf.Variable(tf.zeros([num_outputs]), name="biases")
    return tf.matmul(inputs, weights) + biases
