"""An Adam step of the courses' MNIST network: 5x5x32, pool, 5x5x64, pool, 1024, dropout, 10; batch 100."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def batch() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    return generator.random((100, 28, 28, 1), dtype=np.float32), generator.integers(0, 10, 100).astype(np.int64)


def network(tf: Any, x: Any, keep: Any) -> Any:
    def weight(*shape: int) -> Any:
        return tf.Variable(tf.truncated_normal(shape, stddev=0.1))

    def bias(*shape: int) -> Any:
        return tf.Variable(tf.constant(0.1, shape=shape))

    h = x
    for channels, filters in ((1, 32), (32, 64)):
        h = tf.nn.conv2d(h, weight(5, 5, channels, filters), strides=[1, 1, 1, 1], padding="SAME")
        h = tf.nn.relu(h + bias(filters))
        h = tf.nn.max_pool(h, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")
    h = tf.nn.relu(tf.matmul(tf.reshape(h, [-1, 7 * 7 * 64]), weight(7 * 7 * 64, 1024)) + bias(1024))
    h = tf.nn.dropout(h, keep_prob=keep)
    return tf.matmul(h, weight(1024, 10)) + bias(10)


def tensorflow(tf: Any) -> Callable[[], Any]:
    images, labels = batch()
    x, y = tf.placeholder(tf.float32, [None, 28, 28, 1]), tf.placeholder(tf.int64, [None])
    keep = tf.placeholder(tf.float32)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=network(tf, x, keep)))
    train = tf.train.AdamOptimizer(1e-4).minimize(loss)
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    return lambda: session.run(train, {x: images, y: labels, keep: 0.5})


def pytorch(torch: Any) -> Callable[[], Any]:
    images, labels = map(torch.from_numpy, batch())
    nn = torch.nn
    model = nn.Sequential(
        *(nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(3136, 1024), nn.ReLU(), nn.Dropout(0.5), nn.Linear(1024, 10)),
    )
    optimizer = torch.optim.Adam(model.parameters(), 1e-4)
    images = images.permute(0, 3, 1, 2)

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()

    return step
