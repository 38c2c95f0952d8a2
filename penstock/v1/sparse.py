"""Sparse tensors: `tf.sparse` of TensorFlow 1."""

from penstock.core.sparse_tensor import SparseTensor as SparseTensor
from penstock.ops.math.sparse_segment import sparse_segment_mean_v1 as segment_mean
from penstock.ops.math.sparse_segment import sparse_segment_sqrt_n_v1 as segment_sqrt_n
from penstock.ops.math.sparse_segment import sparse_segment_sum_v1 as segment_sum
