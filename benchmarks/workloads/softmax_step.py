"""A step of softmax regression on MNIST's shapes, batch 100."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def batch() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    images = generator.random((100, 784), dtype=np.float32)
    return images, np.eye(10, dtype=np.float32)[generator.integers(0, 10, 100)]


def tensorflow(tf: Any) -> Callable[[], Any]:
    images, labels = batch()
    x, y_ = tf.placeholder(tf.float32, [None, 784]), tf.placeholder(tf.float32, [None, 10])
    w, b = tf.Variable(tf.zeros([784, 10])), tf.Variable(tf.zeros([10]))
    y = tf.matmul(x, w) + b
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(labels=y_, logits=y))
    train = tf.train.GradientDescentOptimizer(0.5).minimize(loss)
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    return lambda: session.run(train, {x: images, y_: labels})


def pytorch(torch: Any) -> Callable[[], Any]:
    images, labels = map(torch.from_numpy, batch())
    w = torch.zeros(784, 10, requires_grad=True)
    b = torch.zeros(10, requires_grad=True)
    optimizer = torch.optim.SGD([w, b], lr=0.5)

    def step() -> None:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(images @ w + b, labels).backward()
        optimizer.step()

    return step
