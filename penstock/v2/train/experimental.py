"""`tf.train.experimental` of TensorFlow 2."""

from penstock.train.checkpoint import PythonState as PythonState
