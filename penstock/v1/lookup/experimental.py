"""`tf.lookup.experimental` of TensorFlow 1."""

from penstock.language.lookup import DenseHashTable as DenseHashTable
from penstock.language.lookup import MutableHashTable as MutableHashTable
