"""`tf.contrib.slim.initializers` of TensorFlow 1."""

from penstock.contrib.layers import variance_scaling_initializer as variance_scaling_initializer
from penstock.contrib.layers import xavier_initializer as xavier_initializer
from penstock.contrib.layers import xavier_initializer as xavier_initializer_conv2d
from penstock.contrib.missing import missing as _missing

__getattr__ = _missing(__name__)
