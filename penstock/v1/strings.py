"""Strings: `tf.strings` of TensorFlow 1."""

from penstock.ops.string.join import string_join as join
