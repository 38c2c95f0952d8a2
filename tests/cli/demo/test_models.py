from __future__ import annotations

import numpy as np
import pytest

import penstock.v1 as tf
from penstock.cli.demo import models

pytestmark = pytest.mark.usefixtures("graph_mode")


@pytest.mark.parametrize(
    ("side", "num_parameters"), [(8, 64 * 10 + 10), (28, 784 * 10 + 10)], ids=["small digits", "MNIST"]
)
def test_softmax_regression_has_one_weight_per_pixel_and_class(side: int, num_parameters: int) -> None:
    assert models.softmax_regression(side, seed=0).num_parameters == num_parameters


@pytest.mark.parametrize(("side", "num_parameters"), [(8, 325_514), (28, 3_274_634)], ids=["small digits", "MNIST"])
def test_the_cnn_is_the_courses_one(side: int, num_parameters: int) -> None:
    assert models.convolutional(side, seed=0, steps_per_epoch=10).num_parameters == num_parameters


@pytest.mark.parametrize("side", [5, 8])
def test_a_model_learns_a_batch_by_heart(side: int) -> None:
    random = np.random.RandomState(0)
    images = random.rand(20, side * side).astype(np.float32)
    labels = np.eye(10, dtype=np.float32)[random.randint(0, 10, 20)]
    model = models.convolutional(side, seed=0, steps_per_epoch=10)
    feeds = {model.images: images, model.labels: labels}
    with tf.Session(graph=model.graph) as session:
        session.run(model.initialize)
        before = session.run(model.loss, feeds)
        for _ in range(40):
            session.run(model.train_step, feeds)
        after, accuracy = session.run([model.loss, model.accuracy], feeds)
    assert after < before / 10
    assert accuracy == 1.0


def test_untrained_softmax_regression_gives_every_class_the_same_probability() -> None:
    model = models.softmax_regression(4, seed=0)
    feeds = {model.images: np.ones((3, 16)), model.labels: np.eye(10)[:3]}
    with tf.Session(graph=model.graph) as session:
        session.run(model.initialize)
        assert session.run(model.loss, feeds) == pytest.approx(np.log(10), rel=1e-6)


def test_dropout_acts_only_when_its_probability_is_fed() -> None:
    model = models.convolutional(8, seed=0, steps_per_epoch=10)
    feeds = {model.images: np.ones((4, 64)), model.labels: np.eye(10)[:4]}
    with tf.Session(graph=model.graph) as session:
        session.run(model.initialize)
        assert session.run(model.loss, feeds) == session.run(model.loss, feeds)
        dropped = {**feeds, model.keep_probability: 0.5}
        assert session.run(model.loss, dropped) != session.run(model.loss, dropped)


def test_the_same_seed_gives_the_same_weights() -> None:
    def weights(seed: int) -> np.ndarray:
        model = models.convolutional(4, seed, steps_per_epoch=10)
        with tf.Session(graph=model.graph) as session:
            session.run(model.initialize)
            return session.run(model.graph.get_tensor_by_name("conv1/weights:0"))

    assert np.array_equal(weights(1), weights(1))
    assert not np.array_equal(weights(1), weights(2))
