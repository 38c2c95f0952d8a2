"""Differentiation: `tf.autodiff` of TensorFlow 2."""

from penstock.core.forward_accumulator import ForwardAccumulator as ForwardAccumulator
from penstock.core.tape import GradientTape as GradientTape
