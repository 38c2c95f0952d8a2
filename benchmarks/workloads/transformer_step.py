"""An Adam step of four transformer encoder blocks from raw operations: batch 8, 128 positions, width 256, 4 heads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

BATCH, LENGTH, WIDTH, HEADS, BLOCKS = 8, 128, 256, 4, 4
# A block's four square products, two of four times the width, and the two products of attention; three of each a step.
FLOPS = 3 * BLOCKS * 2 * BATCH * LENGTH * (12 * WIDTH * WIDTH + 2 * LENGTH * WIDTH)


def batch() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    values = generator.standard_normal((2, BATCH, LENGTH, WIDTH)).astype(np.float32)
    return values[0], values[1]


def network(tf: Any, x: Any) -> Any:
    """Return encoded positions, of the shape of `x`: [batch, length, width]."""
    size = WIDTH // HEADS

    def dense(h: Any, outputs: int) -> Any:
        inputs = int(h.shape[-1])
        weight = tf.Variable(tf.truncated_normal([inputs, outputs], stddev=inputs**-0.5))
        flat = tf.matmul(tf.reshape(h, [-1, inputs]), weight) + tf.Variable(tf.zeros([outputs]))
        return tf.reshape(flat, [BATCH, LENGTH, outputs])

    def heads(h: Any) -> Any:
        return tf.transpose(tf.reshape(h, [BATCH, LENGTH, HEADS, size]), [0, 2, 1, 3])

    def normalized(h: Any) -> Any:
        mean, variance = tf.nn.moments(h, [-1], keep_dims=True)
        scale, offset = tf.Variable(tf.ones([WIDTH])), tf.Variable(tf.zeros([WIDTH]))
        return (h - mean) * tf.rsqrt(variance + 1e-5) * scale + offset

    h = x
    for _ in range(BLOCKS):
        query, key, value = heads(dense(h, WIDTH)), heads(dense(h, WIDTH)), heads(dense(h, WIDTH))
        weights = tf.nn.softmax(tf.matmul(query, key, transpose_b=True) * size**-0.5)
        attended = tf.reshape(tf.transpose(tf.matmul(weights, value), [0, 2, 1, 3]), [BATCH, LENGTH, WIDTH])
        h = normalized(h + dense(attended, WIDTH))
        inner = dense(h, 4 * WIDTH)
        inner = 0.5 * inner * (1.0 + tf.erf(inner * 0.5**0.5))
        h = normalized(h + dense(inner, WIDTH))
    return h


def tensorflow(tf: Any) -> Callable[[], Any]:
    values, targets = batch()
    x, y = tf.placeholder(tf.float32, values.shape), tf.placeholder(tf.float32, values.shape)
    loss = tf.reduce_mean(tf.square(network(tf, x) - y))
    train = tf.train.AdamOptimizer(1e-4).minimize(loss)
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    return lambda: session.run(train, {x: values, y: targets})


def pytorch(torch: Any) -> Callable[[], Any]:
    values, targets = map(torch.from_numpy, batch())
    nn = torch.nn
    block = nn.TransformerEncoderLayer(WIDTH, HEADS, 4 * WIDTH, dropout=0.0, activation="gelu", batch_first=True)
    encoder = nn.TransformerEncoder(block, BLOCKS, enable_nested_tensor=False)
    optimizer = torch.optim.Adam(encoder.parameters(), 1e-4)

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.mse_loss(encoder(values), targets).backward()
        optimizer.step()

    return step
