"""`tf.lookup.experimental` of TensorFlow 2."""

from penstock.language.lookup import DenseHashTable as DenseHashTable
from penstock.language.lookup import MutableHashTable as MutableHashTable
