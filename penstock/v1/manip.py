"""Manipulation of tensors: `tf.manip` of TensorFlow 1."""

from penstock.ops.array.blocks import batch_to_space_nd as batch_to_space_nd
from penstock.ops.array.blocks import space_to_batch_nd as space_to_batch_nd
from penstock.ops.array.gather import gather_nd_v1 as gather_nd
from penstock.ops.array.gather import scatter_nd as scatter_nd
from penstock.ops.array.joining import tile as tile
from penstock.ops.array.reversing import reverse as reverse
from penstock.ops.array.reversing import roll as roll
from penstock.ops.array.shaping import reshape as reshape
