"""`tf.ragged` of TensorFlow 1."""

from penstock.ops.ragged.arranging import cross as cross
from penstock.ops.ragged.arranging import cross_hashed as cross_hashed
from penstock.ops.ragged.arranging import stack as stack
from penstock.ops.ragged.arranging import stack_dynamic_partitions as stack_dynamic_partitions
from penstock.ops.ragged.elementwise import map_flat_values as map_flat_values
from penstock.ops.ragged.factory import constant as constant
from penstock.ops.ragged.factory import placeholder as placeholder
from penstock.ops.ragged.factory import range as range
from penstock.ops.ragged.factory import row_splits_to_segment_ids as row_splits_to_segment_ids
from penstock.ops.ragged.factory import segment_ids_to_row_splits as segment_ids_to_row_splits
from penstock.ops.ragged.gathering import boolean_mask as boolean_mask
from penstock.ops.ragged.value import RaggedTensorValue as RaggedTensorValue
from penstock.ops.ragged.value import constant_value as constant_value
