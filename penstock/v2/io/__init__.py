"""Input and output: `tf.io` of TensorFlow 2."""

from penstock.v2.io import gfile as gfile
