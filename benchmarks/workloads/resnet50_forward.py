"""The forward pass of ResNet-50 from raw operations, batch 8, 128×128 images, batch norm in training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.workloads import resnet50_step

FLOPS = resnet50_step.FLOPS / 3


def tensorflow(tf: Any) -> Callable[[], Any]:
    images, _ = resnet50_step.batch()
    x = tf.placeholder(tf.float32, [8, 128, 128, 3])
    logits = resnet50_step.network(tf, x)
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    return lambda: session.run(logits, {x: images})


def pytorch(torch: Any) -> Callable[[], Any]:
    images = torch.from_numpy(resnet50_step.batch()[0]).permute(0, 3, 1, 2)
    network = resnet50_step.model(torch)

    def step() -> Any:
        with torch.no_grad():
            return network(images)

    return step
