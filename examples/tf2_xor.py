"""A network with one hidden layer learns which points of a square have coordinates of one sign: XOR."""

from __future__ import annotations

import argparse

import numpy as np
import tensorflow as tf

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=30)
arguments = parser.parse_args()

tf.keras.backend.clear_session()
tf.keras.utils.set_random_seed(7)

points = np.random.uniform(-1, 1, (400, 2)).astype("float32")
labels = (points[:, 0] * points[:, 1] > 0).astype("int32")

model = tf.keras.Sequential(
    [
        tf.keras.layers.Dense(10, input_shape=(2,), activation="relu"),
        tf.keras.layers.Dense(2, activation="softmax"),
    ]
)
model.compile(
    optimizer=tf.keras.optimizers.SGD(learning_rate=1),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
history = model.fit(points, labels, batch_size=40, epochs=arguments.epochs, verbose=0)
print(f"loss {history.history['loss'][-1]:.4f}, accuracy {history.history['accuracy'][-1]:.3f}")
