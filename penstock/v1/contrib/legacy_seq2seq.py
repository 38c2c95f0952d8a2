"""`tf.contrib.legacy_seq2seq` of TensorFlow 1."""

from penstock.contrib.legacy_seq2seq import rnn_decoder as rnn_decoder
from penstock.contrib.legacy_seq2seq import sequence_loss as sequence_loss
from penstock.contrib.legacy_seq2seq import sequence_loss_by_example as sequence_loss_by_example
from penstock.contrib.missing import missing as _missing

__getattr__ = _missing(__name__)
