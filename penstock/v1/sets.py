"""`tf.sets` of TensorFlow 1."""

from penstock.ops.sets.operations import set_difference as difference
from penstock.ops.sets.operations import set_difference as set_difference
from penstock.ops.sets.operations import set_intersection as intersection
from penstock.ops.sets.operations import set_intersection as set_intersection
from penstock.ops.sets.operations import set_size as set_size
from penstock.ops.sets.operations import set_size as size
from penstock.ops.sets.operations import set_union as set_union
from penstock.ops.sets.operations import set_union as union
