"""Recurrent networks tell which half of a sequence holds more: cells in a loop, unrolled, and in both directions."""

from __future__ import annotations

import argparse

import numpy as np
import tensorflow as tf
from tensorflow import keras

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=5)
arguments = parser.parse_args()
tf.keras.utils.set_random_seed(3)

sequences = np.random.uniform(0, 1, (256, 8, 1)).astype("float32")
labels = (sequences[:, :4].sum((1, 2)) > sequences[:, 4:].sum((1, 2))).astype("int32")

networks = {
    "simple, loop": keras.layers.RNN(keras.layers.SimpleRNNCell(16)),
    "simple, unrolled": keras.layers.RNN(keras.layers.SimpleRNNCell(16), unroll=True),
    "LSTM, unrolled": keras.layers.RNN(keras.layers.LSTMCell(16), unroll=True),
    "LSTM, both directions": keras.layers.Bidirectional(keras.layers.RNN(keras.layers.LSTMCell(8), unroll=True)),
}
for name, layer in networks.items():
    model = keras.Sequential([keras.layers.Input((8, 1)), layer, keras.layers.Dense(2, activation="softmax")])
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(sequences, labels, epochs=arguments.epochs, verbose=0)
    print(f"{name:22} loss {history.history['loss'][0]:.3f} -> {history.history['loss'][-1]:.3f}")
