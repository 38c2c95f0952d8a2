"""An Adam step of an LSTM: 28 steps of 28 numbers, 128 units, batch 100, 10 classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

FLOPS = 3 * 28 * 2 * 100 * (28 + 128) * 4 * 128


def batch() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    return generator.random((100, 28, 28), dtype=np.float32), generator.integers(0, 10, 100).astype(np.int64)


def tensorflow(tf: Any) -> Callable[[], Any]:
    values, labels = batch()
    x, y = tf.placeholder(tf.float32, [100, 28, 28]), tf.placeholder(tf.int64, [100])
    outputs = recurrent(tf, x)
    logits = tf.matmul(outputs[:, -1], tf.Variable(tf.truncated_normal([128, 10], stddev=0.1))) + tf.Variable(
        tf.zeros([10])
    )
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
    train = tf.train.AdamOptimizer(1e-3).minimize(loss)
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    return lambda: session.run(train, {x: values, y: labels})


def recurrent(tf: Any, x: Any) -> Any:
    """Return the outputs of dynamic_rnn with a BasicLSTMCell, [batch, time, 128].

    TensorFlow has no cells any more where Keras 3 is installed: there the same cell and loop are written out.
    """
    cells = getattr(tf.nn, "rnn_cell", None)
    if hasattr(cells, "BasicLSTMCell"):
        try:
            return tf.nn.dynamic_rnn(cells.BasicLSTMCell(128), x, dtype=tf.float32)[0]
        except (AttributeError, ImportError):
            pass
    kernel = tf.get_variable("kernel", [28 + 128, 4 * 128])
    bias = tf.get_variable("bias", [4 * 128], initializer=tf.zeros_initializer())
    steps = tf.TensorArray(tf.float32, 28).unstack(tf.transpose(x, [1, 0, 2]))

    def body(time: Any, c: Any, h: Any, outputs: Any) -> tuple[Any, ...]:
        gates = tf.nn.bias_add(tf.matmul(tf.concat([steps.read(time), h], 1), kernel), bias)
        i, j, f, o = tf.split(gates, 4, axis=1)
        c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
        h = tf.tanh(c) * tf.sigmoid(o)
        return time + 1, c, h, outputs.write(time, h)

    zeros = tf.zeros([100, 128])
    start = (tf.constant(0), zeros, zeros, tf.TensorArray(tf.float32, 28))
    outputs = tf.while_loop(lambda time, *_: time < 28, body, start)[3].stack()
    return tf.transpose(outputs, [1, 0, 2])


def pytorch(torch: Any) -> Callable[[], Any]:
    values, labels = map(torch.from_numpy, batch())
    nn = torch.nn
    lstm, dense = nn.LSTM(28, 128, batch_first=True), nn.Linear(128, 10)
    optimizer = torch.optim.Adam([*lstm.parameters(), *dense.parameters()], 1e-3)

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(dense(lstm(values)[0][:, -1]), labels).backward()
        optimizer.step()

    return step
