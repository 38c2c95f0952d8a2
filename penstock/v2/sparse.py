"""`tf.sparse` of TensorFlow 2."""

from penstock.core.sparse_tensor import SparseTensor as SparseTensor
