"""Differentiation: `tf.autodiff` of TensorFlow 2."""

from penstock.core.tape import GradientTape as GradientTape
