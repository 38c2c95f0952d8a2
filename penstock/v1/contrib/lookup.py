"""`tf.contrib.lookup` of TensorFlow 1."""

from penstock.contrib.lookup import index_table_from_file as index_table_from_file
from penstock.contrib.lookup import index_table_from_tensor as index_table_from_tensor
from penstock.contrib.lookup import index_to_string_table_from_file as index_to_string_table_from_file
from penstock.contrib.lookup import index_to_string_table_from_tensor as index_to_string_table_from_tensor
from penstock.contrib.missing import missing as _missing
from penstock.language.lookup import KeyValueTensorInitializer as KeyValueTensorInitializer
from penstock.language.lookup import LookupInterface as LookupInterface
from penstock.language.lookup import MutableHashTable as MutableHashTable
from penstock.language.lookup import StaticHashTable as HashTable
from penstock.language.lookup import StaticHashTable as StaticHashTable
from penstock.language.lookup import TextFileIndex as TextFileIndex
from penstock.language.lookup import TextFileInitializer as TextFileInitializer

__getattr__ = _missing(__name__)
