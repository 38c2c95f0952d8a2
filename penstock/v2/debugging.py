"""Checks: `tf.debugging` of TensorFlow 2."""

from penstock.ops.math.numerics import assert_all_finite as assert_all_finite
from penstock.ops.math.numerics import check_numerics as check_numerics
