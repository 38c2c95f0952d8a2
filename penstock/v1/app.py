"""Entry points: `tf.app` of TensorFlow 1."""

from penstock.platform import flags as flags
from penstock.platform.app import run as run
