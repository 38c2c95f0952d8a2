"""`tf.summary.experimental` of TensorFlow 2."""

from penstock.summary.v2 import get_step as get_step
from penstock.summary.v2 import set_step as set_step
from penstock.summary.v2 import summary_scope as summary_scope
from penstock.summary.v2 import write_raw_pb as write_raw_pb
