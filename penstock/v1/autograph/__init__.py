"""`tf.autograph` of TensorFlow 1."""

from penstock.language.autograph.api import set_verbosity as set_verbosity
from penstock.language.autograph.api import to_code_v1 as to_code
from penstock.language.autograph.api import to_graph_v1 as to_graph
from penstock.language.autograph.api import trace as trace
from penstock.v1.autograph import experimental as experimental
