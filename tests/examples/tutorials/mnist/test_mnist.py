from __future__ import annotations

import numpy as np
import pytest

import penstock.v1 as tf
from penstock.examples.tutorials.mnist import mnist

pytestmark = pytest.mark.usefixtures("graph_mode")


def test_the_network_learns_a_batch_and_counts_the_right_answers() -> None:
    random = np.random.RandomState(0)
    images = random.rand(16, mnist.IMAGE_PIXELS).astype(np.float32)
    labels = random.randint(0, mnist.NUM_CLASSES, 16).astype(np.int32)
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(0)
        images_placeholder = tf.placeholder(tf.float32, [16, mnist.IMAGE_PIXELS])
        labels_placeholder = tf.placeholder(tf.int32, [16])
        logits = mnist.inference(images_placeholder, 32, 16)
        loss = mnist.loss(logits, labels_placeholder)
        train_op = mnist.training(loss, 0.1)
        num_right = mnist.evaluation(logits, labels_placeholder)
        session.run(tf.global_variables_initializer())
        feeds = {images_placeholder: images, labels_placeholder: labels}
        assert session.run(loss, feeds) == pytest.approx(np.log(10), abs=1.0)
        for _ in range(300):
            session.run(train_op, feeds)
        assert session.run(num_right, feeds) == 16
        assert session.run(tf.get_default_graph().get_tensor_by_name("global_step:0")) == 300


def test_variables_have_the_names_of_the_tutorials_checkpoints() -> None:
    with tf.Graph().as_default():
        mnist.inference(tf.placeholder(tf.float32, [None, mnist.IMAGE_PIXELS]), 8, 4)
        assert [(variable.op.name, variable.shape.as_list()) for variable in tf.trainable_variables()] == [
            ("hidden1/weights", [784, 8]),
            ("hidden1/biases", [8]),
            ("hidden2/weights", [8, 4]),
            ("hidden2/biases", [4]),
            ("softmax_linear/weights", [4, 10]),
            ("softmax_linear/biases", [10]),
        ]
