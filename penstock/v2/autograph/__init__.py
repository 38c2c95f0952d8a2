"""`tf.autograph` of TensorFlow 2."""

from penstock.language.autograph.api import set_verbosity as set_verbosity
from penstock.language.autograph.api import to_code as to_code
from penstock.language.autograph.api import to_graph as to_graph
from penstock.language.autograph.api import trace as trace
from penstock.v2.autograph import experimental as experimental
