"""Optimizers: `tf.optimizers` of TensorFlow 2."""

from penstock.v2.optimizers import legacy as legacy
