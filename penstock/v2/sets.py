"""`tf.sets` of TensorFlow 2."""

from penstock.ops.sets.operations import set_difference as difference
from penstock.ops.sets.operations import set_intersection as intersection
from penstock.ops.sets.operations import set_size as size
from penstock.ops.sets.operations import set_union as union
