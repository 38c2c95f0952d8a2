"""`tf.data.experimental` of TensorFlow 1."""

from penstock.core.type_spec import TypeSpec as Structure
