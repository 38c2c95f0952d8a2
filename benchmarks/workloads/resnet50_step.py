"""A Momentum step of ResNet-50 from raw operations: batch 8, 128×128 images, 1,000 classes, batch norm in training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

FLOPS = 8 * 3 * 2 * 1.343e9  # three products for each convolution, a multiplication and an addition each
STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))


def batch() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    return generator.random((8, 128, 128, 3), dtype=np.float32), generator.integers(0, 1000, 8).astype(np.int64)


def network(tf: Any, x: Any) -> Any:
    """Return the logits of shape [batch, 1000]."""

    def convolution(h: Any, filters: int, size: int, stride: int, rectified: bool = True) -> Any:
        channels = int(h.shape[-1])
        deviation = (2 / (size * size * channels)) ** 0.5
        weight = tf.Variable(tf.truncated_normal([size, size, channels, filters], stddev=deviation))
        h = tf.nn.conv2d(h, weight, strides=[1, stride, stride, 1], padding="SAME")
        scale, offset = tf.Variable(tf.ones([filters])), tf.Variable(tf.zeros([filters]))
        h, _, _ = tf.nn.fused_batch_norm(h, scale, offset, epsilon=1e-5, is_training=True)
        return tf.nn.relu(h) if rectified else h

    h = convolution(x, 64, 7, 2)
    h = tf.nn.max_pool(h, ksize=[1, 3, 3, 1], strides=[1, 2, 2, 1], padding="SAME")
    for stage, (filters, blocks) in enumerate(STAGES):
        for block in range(blocks):
            stride = 2 if stage and not block else 1
            shortcut = h if block else convolution(h, 4 * filters, 1, stride, rectified=False)
            h = convolution(h, filters, 1, 1)
            h = convolution(h, filters, 3, stride)
            h = tf.nn.relu(convolution(h, 4 * filters, 1, 1, rectified=False) + shortcut)
    h = tf.reduce_mean(h, [1, 2])
    weight = tf.Variable(tf.truncated_normal([2048, 1000], stddev=0.02))
    return tf.matmul(h, weight) + tf.Variable(tf.zeros([1000]))


def tensorflow(tf: Any) -> Callable[[], Any]:
    images, labels = batch()
    x, y = tf.placeholder(tf.float32, [8, 128, 128, 3]), tf.placeholder(tf.int64, [8])
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=network(tf, x)))
    train = tf.train.MomentumOptimizer(0.01, 0.9).minimize(loss)
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    return lambda: session.run(train, {x: images, y: labels})


def model(torch: Any) -> Any:
    """Return the network as a module, with images in the layout that is faster there."""
    nn = torch.nn

    def convolution(channels: int, filters: int, size: int, stride: int) -> tuple[Any, Any]:
        return nn.Conv2d(channels, filters, size, stride, size // 2, bias=False), nn.BatchNorm2d(filters)

    class Block(nn.Module):  # type: ignore[name-defined,misc]
        def __init__(self, channels: int, filters: int, stride: int, first: bool) -> None:
            super().__init__()
            self.shortcut = nn.Sequential(*convolution(channels, 4 * filters, 1, stride)) if first else nn.Identity()
            self.body = nn.Sequential(
                *(*convolution(channels, filters, 1, 1), nn.ReLU()),
                *(*convolution(filters, filters, 3, stride), nn.ReLU()),
                *convolution(filters, 4 * filters, 1, 1),
            )

        def forward(self, x: Any) -> Any:
            return nn.functional.relu(self.body(x) + self.shortcut(x))

    layers: list[Any] = [*convolution(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    channels = 64
    for stage, (filters, blocks) in enumerate(STAGES):
        for block in range(blocks):
            layers.append(Block(channels, filters, 2 if stage and not block else 1, not block))
            channels = 4 * filters
    layers.extend([nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000)])
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)


def pytorch(torch: Any) -> Callable[[], Any]:
    images, labels = map(torch.from_numpy, batch())
    network = model(torch)
    optimizer = torch.optim.SGD(network.parameters(), 0.01, momentum=0.9)
    images = images.permute(0, 3, 1, 2)

    def step() -> None:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(images), labels).backward()
        optimizer.step()

    return step
