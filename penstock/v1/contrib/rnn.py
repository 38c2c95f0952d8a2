"""`tf.contrib.rnn` of TensorFlow 1."""

from penstock.contrib.missing import missing as _missing
from penstock.contrib.rnn_cells import AttentionCellWrapper as AttentionCellWrapper
from penstock.contrib.rnn_cells import Conv1DLSTMCell as Conv1DLSTMCell
from penstock.contrib.rnn_cells import Conv2DLSTMCell as Conv2DLSTMCell
from penstock.contrib.rnn_cells import Conv3DLSTMCell as Conv3DLSTMCell
from penstock.contrib.rnn_cells import ConvLSTMCell as ConvLSTMCell
from penstock.contrib.rnn_cells import EmbeddingWrapper as EmbeddingWrapper
from penstock.contrib.rnn_cells import GRUBlockCell as GRUBlockCell
from penstock.contrib.rnn_cells import GRUBlockCellV2 as GRUBlockCellV2
from penstock.contrib.rnn_cells import HighwayWrapper as HighwayWrapper
from penstock.contrib.rnn_cells import IndRNNCell as IndRNNCell
from penstock.contrib.rnn_cells import InputProjectionWrapper as InputProjectionWrapper
from penstock.contrib.rnn_cells import LayerNormBasicLSTMCell as LayerNormBasicLSTMCell
from penstock.contrib.rnn_cells import LSTMBlockCell as LSTMBlockCell
from penstock.contrib.rnn_cells import NASCell as NASCell
from penstock.contrib.rnn_cells import OutputProjectionWrapper as OutputProjectionWrapper
from penstock.contrib.rnn_cells import SRUCell as SRUCell
from penstock.contrib.rnn_cells import UGRNNCell as UGRNNCell
from penstock.contrib.rnn_loops import FusedRNNCell as FusedRNNCell
from penstock.contrib.rnn_loops import FusedRNNCellAdaptor as FusedRNNCellAdaptor
from penstock.contrib.rnn_loops import LSTMBlockFusedCell as LSTMBlockFusedCell
from penstock.contrib.rnn_loops import TimeReversedFusedRNN as TimeReversedFusedRNN
from penstock.contrib.rnn_loops import stack_bidirectional_dynamic_rnn as stack_bidirectional_dynamic_rnn
from penstock.contrib.rnn_loops import stack_bidirectional_rnn as stack_bidirectional_rnn
from penstock.contrib.rnn_loops import transpose_batch_time as transpose_batch_time
from penstock.rnn.cells import BasicLSTMCell as BasicLSTMCell
from penstock.rnn.cells import BasicRNNCell as BasicRNNCell
from penstock.rnn.cells import GRUCell as GRUCell
from penstock.rnn.cells import LSTMCell as LSTMCell
from penstock.rnn.cells import LSTMStateTuple as LSTMStateTuple
from penstock.rnn.cells import MultiRNNCell as MultiRNNCell
from penstock.rnn.cells import RNNCell as RNNCell
from penstock.rnn.loops import static_bidirectional_rnn as static_bidirectional_rnn
from penstock.rnn.loops import static_rnn as static_rnn
from penstock.rnn.loops import static_state_saving_rnn as static_state_saving_rnn
from penstock.rnn.wrappers import DeviceWrapper as DeviceWrapper
from penstock.rnn.wrappers import DropoutWrapper as DropoutWrapper
from penstock.rnn.wrappers import ResidualWrapper as ResidualWrapper

__getattr__ = _missing(__name__)
