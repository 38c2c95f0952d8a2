"""Summaries for TensorBoard: `tf.summary.experimental` of TensorFlow 2."""

from penstock.summary.v1 import summary_scope as summary_scope
