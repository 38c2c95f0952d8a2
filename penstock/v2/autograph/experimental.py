"""`tf.autograph.experimental` of TensorFlow 2."""

from penstock.language.autograph.api import set_loop_options as set_loop_options
from penstock.language.autograph.rules import do_not_convert as do_not_convert
from penstock.language.autograph.status import Feature as Feature
