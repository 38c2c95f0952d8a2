"""`tf.autodiff` of TensorFlow 1."""

from penstock.core.forward_accumulator import ForwardAccumulator as ForwardAccumulator
