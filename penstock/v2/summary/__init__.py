"""Summaries for TensorBoard: `tf.summary` of TensorFlow 2."""

from penstock.summary.v1 import audio as audio
from penstock.summary.v1 import histogram as histogram
from penstock.summary.v1 import image as image
from penstock.summary.v1 import scalar as scalar
from penstock.summary.v1 import text as text
from penstock.v2.summary import experimental as experimental
