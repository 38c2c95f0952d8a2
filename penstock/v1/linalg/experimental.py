"""Linear algebra: `tf.linalg.experimental` of TensorFlow 1."""

from penstock.linear_operators.conjugate_gradient import conjugate_gradient as conjugate_gradient
