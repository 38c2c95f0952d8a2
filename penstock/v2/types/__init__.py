"""Types for annotations and `isinstance`: `tf.types` of TensorFlow 2."""

from penstock.v2.types import experimental as experimental
