"""Nested structures: `tf.nest` of TensorFlow 2."""

from penstock.core.nest import assert_same_structure as assert_same_structure
from penstock.core.nest import flatten as flatten
from penstock.core.nest import is_nested as is_nested
from penstock.core.nest import map_structure as map_structure
from penstock.core.nest import pack_sequence_as as pack_sequence_as
