"""Entry points: `tf.app` of TensorFlow 1."""

from penstock.platform.app import run as run
