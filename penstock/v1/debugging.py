"""Checks: `tf.debugging` of TensorFlow 1."""

from penstock.ops.math.compare import is_non_decreasing as is_non_decreasing
from penstock.ops.math.compare import is_strictly_increasing as is_strictly_increasing
from penstock.ops.math.numerics import assert_all_finite as assert_all_finite
from penstock.ops.math.numerics import check_numerics as check_numerics
from penstock.ops.math.unary import is_finite as is_finite
from penstock.ops.math.unary import is_inf as is_inf
from penstock.ops.math.unary import is_nan as is_nan
