"""A generator learns to draw points on a circle against a discriminator that tells them from real ones."""

from __future__ import annotations

import argparse

import numpy as np
import tensorflow as tf

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int, default=500)
arguments = parser.parse_args()
tf.keras.utils.set_random_seed(5)

NOISE, BATCH = 8, 64
generator = tf.keras.Sequential(
    [tf.keras.layers.Input((NOISE,)), tf.keras.layers.Dense(32, activation="relu"), tf.keras.layers.Dense(2)]
)
discriminator = tf.keras.Sequential(
    [tf.keras.layers.Input((2,)), tf.keras.layers.Dense(32), tf.keras.layers.LeakyReLU(), tf.keras.layers.Dense(1)]
)
cross_entropy = tf.keras.losses.BinaryCrossentropy(from_logits=True)
generator_optimizer = tf.keras.optimizers.Adam(1e-3)
discriminator_optimizer = tf.keras.optimizers.Adam(1e-3)


@tf.function
def train_step(real: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Train both networks on a batch, and return their losses."""
    noise = tf.random.normal((BATCH, NOISE))
    with tf.GradientTape() as generator_tape, tf.GradientTape() as discriminator_tape:
        fake = generator(noise, training=True)
        on_real, on_fake = discriminator(real, training=True), discriminator(fake, training=True)
        generator_loss = cross_entropy(tf.ones_like(on_fake), on_fake)
        discriminator_loss = cross_entropy(tf.ones_like(on_real), on_real)
        discriminator_loss += cross_entropy(tf.zeros_like(on_fake), on_fake)
    for tape, loss, model, optimizer in (
        (generator_tape, generator_loss, generator, generator_optimizer),
        (discriminator_tape, discriminator_loss, discriminator, discriminator_optimizer),
    ):
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    return generator_loss, discriminator_loss


angles = np.random.uniform(0, 2 * np.pi, 4096)
points = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype("float32")
dataset = tf.data.Dataset.from_tensor_slices(points).shuffle(4096).repeat().batch(BATCH).take(arguments.steps)
for step, batch in enumerate(dataset):
    losses = train_step(batch)
    if step % 100 == 0:
        print(f"step {step:4}  generator {losses[0]:.3f}  discriminator {losses[1]:.3f}")
radii = tf.norm(generator(tf.random.normal((500, NOISE))), axis=1)
print(f"radius of drawn points: {tf.reduce_mean(radii):.3f}")
