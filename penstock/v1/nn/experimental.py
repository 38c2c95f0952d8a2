"""Neural networks: `tf.nn.experimental` of TensorFlow 1."""

from penstock.ops.nn.dropout import general_dropout as general_dropout
from penstock.ops.nn.dropout import stateless_dropout as stateless_dropout
