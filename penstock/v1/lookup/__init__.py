"""`tf.lookup` of TensorFlow 1."""

from penstock.language.lookup import KeyValueTensorInitializer as KeyValueTensorInitializer
from penstock.language.lookup import StaticHashTable as StaticHashTable
from penstock.language.lookup import StaticVocabularyTable as StaticVocabularyTable
from penstock.language.lookup import TextFileIndex as TextFileIndex
from penstock.language.lookup import TextFileInitializer as TextFileInitializer
from penstock.v1.lookup import experimental as experimental
