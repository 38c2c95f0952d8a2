"""A step of Keras's `fit`: two convolutions with pooling, batches of 32 images of 28 x 28; seconds a step."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

FACE = "v2"
KIND = "seconds"
STEPS, BATCH = 40, 32


def tensorflow(tf: Any) -> float:
    keras = tf.keras
    generator = np.random.default_rng(0)
    x = generator.normal(size=(STEPS * BATCH, 28, 28, 1)).astype(np.float32)
    y = generator.integers(0, 10, STEPS * BATCH)
    model = keras.Sequential(
        [
            keras.layers.Input((28, 28, 1)),
            keras.layers.Conv2D(32, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(64, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=BATCH, verbose=0)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        model.fit(x, y, batch_size=BATCH, verbose=0)
        times.append(time.perf_counter() - start)
    return min(times) / STEPS
