"""Neural networks: `tf.nn.rnn_cell` of TensorFlow 1."""

from penstock.rnn.cells import BasicLSTMCell as BasicLSTMCell
from penstock.rnn.cells import BasicRNNCell as BasicRNNCell
from penstock.rnn.cells import GRUCell as GRUCell
from penstock.rnn.cells import LSTMCell as LSTMCell
from penstock.rnn.cells import LSTMStateTuple as LSTMStateTuple
from penstock.rnn.cells import MultiRNNCell as MultiRNNCell
from penstock.rnn.cells import RNNCell as RNNCell
from penstock.rnn.wrappers import DeviceWrapper as DeviceWrapper
from penstock.rnn.wrappers import DropoutWrapper as DropoutWrapper
from penstock.rnn.wrappers import ResidualWrapper as ResidualWrapper
