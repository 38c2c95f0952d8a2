"""`tf.train.experimental` of TensorFlow 1."""

from penstock.train.checkpoint import PythonState as PythonState
