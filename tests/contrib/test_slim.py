"""`tf.contrib.slim`'s training and evaluation, and the losses and metrics that go with them."""

from __future__ import annotations

import os

import numpy as np
import pytest

import penstock.v1 as tf
from penstock.core.graph import Graph
from penstock.summary.writer import FileWriterCache

pytestmark = pytest.mark.usefixtures("graph_mode")
slim = tf.contrib.slim


@pytest.fixture(autouse=True)
def graph():
    with Graph().as_default() as made:
        tf.set_random_seed(1)
        yield made
    FileWriterCache.clear()


def classifier():
    """Return the logits of an image classifier, and the classes of its images."""
    labels = np.arange(8) % 2
    images = tf.constant(labels[:, None, None, None] + np.zeros([8, 6, 6, 1]), tf.float32)
    with slim.arg_scope(
        [slim.conv2d, slim.fully_connected],
        weights_initializer=slim.initializers.xavier_initializer(),
        weights_regularizer=slim.regularizers.l2_regularizer(1e-4),
    ):
        net = slim.conv2d(images, 4, 3, scope="conv", normalizer_fn=slim.batch_norm)
        return slim.fully_connected(slim.flatten(net), 2, activation_fn=None, scope="logits"), tf.constant(labels)


def test_a_classifier_is_trained_saved_and_evaluated(tmp_path):
    folder = str(tmp_path)
    with Graph().as_default():
        logits, labels = classifier()
        loss = slim.losses.sparse_softmax_cross_entropy(logits, labels)
        tf.summary.scalar("loss", loss)
        total = slim.losses.get_total_loss()
        train_op = slim.learning.create_train_op(total, tf.train.GradientDescentOptimizer(0.2), clip_gradient_norm=4)
        last = slim.learning.train(train_op, folder, number_of_steps=20, log_every_n_steps=10)
        assert 0 < float(last) < 0.2
        assert tf.get_collection(tf.GraphKeys.TRAIN_OP)[-1] is train_op
    assert "model.ckpt-20.index" in os.listdir(folder)

    logits, labels = classifier()
    values, updates = slim.metrics.aggregate_metric_map(
        {"accuracy": slim.metrics.streaming_accuracy(tf.argmax(logits, 1), labels)}
    )
    tf.train.get_or_create_global_step()
    tf.summary.scalar("accuracy", values["accuracy"])
    path = tf.train.latest_checkpoint(folder)
    found = slim.evaluation.evaluate_once(
        "", path, folder, num_evals=2, eval_op=list(updates.values()), final_op=values["accuracy"]
    )
    assert float(found) > 0.4


def test_gradients_are_multiplied_and_clipped():
    w = tf.get_variable("w", initializer=[3.0, 4.0])
    u = tf.get_variable("u", initializer=1.0)
    pairs = [(tf.constant([3.0, 4.0]), w), (tf.constant(2.0), u)]
    changed = slim.learning.multiply_gradients(pairs, {"w": 2.0, u: 0.5})
    clipped = slim.learning.clip_gradient_norms([*changed, (None, u)], 1.0)
    with tf.Session() as session:
        assert np.allclose(session.run(changed[0][0]), [6, 8]) and session.run(changed[1][0]) == 1
        assert np.allclose(session.run(clipped[0][0]), [0.6, 0.8]) and clipped[2] == (None, u)
    with pytest.raises(ValueError, match="None"):
        slim.learning.multiply_gradients([(None, w)], {w: 2.0})
    with pytest.raises(ValueError, match="empty"):
        slim.learning.multiply_gradients(pairs, {})
    assert len(tf.contrib.training.add_gradients_summaries(pairs)) == 4


def test_a_loss_that_is_not_finite_is_an_error():
    w = tf.get_variable("w", initializer=0.0)
    train_op = tf.contrib.training.create_train_op(tf.log(w), tf.train.GradientDescentOptimizer(0.1), global_step=None)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        with pytest.raises(tf.errors.InvalidArgumentError, match="LossTensor is inf or nan"):
            session.run(train_op)


def test_updates_run_before_the_loss():
    w = tf.get_variable("w", initializer=1.0)
    seen = tf.get_variable("seen", initializer=0.0, trainable=False, use_resource=True)
    tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, tf.assign_add(seen, 1.0))
    train_op = slim.learning.create_train_op(tf.square(w), tf.train.GradientDescentOptimizer(0.5))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(train_op) == 1.0
        assert session.run([w, seen, tf.train.get_global_step()]) == [0.0, 1.0, 1]


def test_losses_take_predictions_first():
    logits, labels = tf.constant([[1.0, 2.0]]), tf.constant([[0.0, 1.0]])
    pairs = [
        (slim.losses.softmax_cross_entropy(logits, labels), tf.losses.softmax_cross_entropy(labels, logits)),
        (slim.losses.sigmoid_cross_entropy(logits, labels), tf.losses.sigmoid_cross_entropy(labels, logits)),
        (slim.losses.absolute_difference(logits, labels), tf.losses.absolute_difference(labels, logits)),
        (slim.losses.mean_squared_error(logits, labels, 2.0), tf.losses.mean_squared_error(labels, logits, 2.0)),
        (slim.losses.log_loss(logits / 4, labels), tf.losses.log_loss(labels, logits / 4)),
        (slim.losses.cosine_distance(logits, labels, dim=1), tf.losses.cosine_distance(labels, logits, axis=1)),
        (
            slim.losses.mean_pairwise_squared_error(logits, labels),
            tf.losses.mean_pairwise_squared_error(labels, logits),
        ),
        (tf.reduce_mean(slim.losses.hinge_loss(logits, labels)), tf.losses.hinge_loss(labels, logits)),
    ]
    with tf.Session() as session:
        for ours, theirs in session.run(pairs):
            assert ours == theirs


def test_metrics_take_predictions_first():
    metrics = tf.contrib.metrics
    predictions, labels = tf.constant([1, 1, 0, 0]), tf.constant([1, 0, 0, 0])
    (precision, recall), updates = metrics.aggregate_metrics(
        metrics.streaming_precision(predictions, labels), metrics.streaming_recall(predictions, labels)
    )
    with tf.Session() as session:
        session.run(tf.local_variables_initializer())
        session.run(updates)
        assert session.run([precision, recall]) == [0.5, 1.0]
        assert session.run(metrics.accuracy(predictions, labels)) == 0.75
        assert session.run(metrics.accuracy(predictions, labels, [1, 3, 0, 0])) == 0.25
    with pytest.raises(ValueError, match="Dtypes"):
        metrics.accuracy(tf.constant([1.0]), labels)
    with pytest.raises(ValueError, match="at least one"):
        metrics.aggregate_metrics()


def test_the_sizes_of_a_model_are_counted(graph, capsys):
    tf.get_variable("w", [2, 3])
    assert slim.model_analyzer.analyze_vars(tf.global_variables(), print_info=True) == (6, 24)
    assert "Total size of variables: 6" in capsys.readouterr().out
    assert slim.model_analyzer.analyze_ops(graph) > 6
