"""A step of Keras's `fit`: two hidden layers of 128, Adam, batches of 32 digits' size; seconds a step."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

FACE = "v2"
KIND = "seconds"
STEPS, BATCH = 200, 32


def _data() -> tuple[Any, Any]:
    generator = np.random.default_rng(0)
    images = generator.normal(size=(STEPS * BATCH, 784)).astype(np.float32)
    return images, generator.integers(0, 10, STEPS * BATCH)


def best_epoch(epoch: Callable[[], Any]) -> float:
    """Return the seconds a step of the fastest of a few epochs, after one that is not counted."""
    epoch()
    times = []
    for _ in range(5):
        start = time.perf_counter()
        epoch()
        times.append(time.perf_counter() - start)
    return min(times) / STEPS


def tensorflow(tf: Any) -> float:
    keras = tf.keras
    x, y = _data()
    model = keras.Sequential(
        [
            keras.layers.Input((784,)),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return best_epoch(lambda: model.fit(x, y, batch_size=BATCH, verbose=0))


def pytorch(torch: Any) -> float:
    images, labels = _data()
    x, y = torch.from_numpy(images), torch.from_numpy(labels)
    nn = torch.nn
    model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = torch.optim.Adam(model.parameters())
    loss_of = nn.CrossEntropyLoss()
    dataset = torch.utils.data.TensorDataset(x, y)

    def epoch() -> None:
        correct = 0.0
        for batch, wanted in torch.utils.data.DataLoader(dataset, batch_size=BATCH, shuffle=True):
            optimizer.zero_grad()
            logits = model(batch)
            loss = loss_of(logits, wanted)
            loss.backward()
            optimizer.step()
            correct += float((logits.argmax(1) == wanted).float().mean())

    return best_epoch(epoch)
