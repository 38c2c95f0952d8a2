"""A small encoder in the manner of BERT: embeddings of tokens and positions, attention, a classifier on the first
token.

The task: does a sequence hold token 1 before token 2?
"""

from __future__ import annotations

import argparse

import numpy as np
import tensorflow as tf

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=8)
arguments = parser.parse_args()
tf.keras.utils.set_random_seed(11)

LENGTH, TOKENS, WIDTH = 12, 20, 32


class Embedding(tf.keras.layers.Layer):
    """Embeds tokens and their positions."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = tf.keras.layers.Embedding(TOKENS, WIDTH)
        self.positions = tf.keras.layers.Embedding(LENGTH, WIDTH)

    def call(self, tokens: tf.Tensor) -> tf.Tensor:
        """Return embeddings of shape (batch, length, width)."""
        return self.tokens(tokens) + self.positions(tf.range(LENGTH))


def encoder_block(x: tf.Tensor) -> tf.Tensor:
    """Return one layer of the encoder."""
    attended = tf.keras.layers.MultiHeadAttention(num_heads=4, key_dim=8, dropout=0.1)(x, x)
    x = tf.keras.layers.LayerNormalization()(x + attended)
    hidden = tf.keras.layers.Dense(64, activation="gelu")(x)
    return tf.keras.layers.LayerNormalization()(x + tf.keras.layers.Dense(WIDTH)(hidden))


inputs = tf.keras.Input((LENGTH,), dtype="int32")
x = Embedding()(inputs)
for _ in range(2):
    x = encoder_block(x)
outputs = tf.keras.layers.Dense(2)(tf.keras.layers.Lambda(lambda t: t[:, 0])(x))
model = tf.keras.Model(inputs, outputs)

tokens = np.random.randint(3, TOKENS, (1024, LENGTH)).astype("int32")
first, second = np.random.randint(1, LENGTH, 1024), np.random.randint(1, LENGTH, 1024)
tokens[:, 0] = 0
tokens[np.arange(1024), first], tokens[np.arange(1024), second] = 1, 2
labels = (first < second).astype("int32")

model.compile(
    tf.keras.optimizers.Adam(2e-3),
    tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
history = model.fit(tokens, labels, batch_size=64, epochs=arguments.epochs, validation_split=0.1, verbose=0)
print(f"loss {history.history['loss'][0]:.3f} -> {history.history['loss'][-1]:.3f}")
