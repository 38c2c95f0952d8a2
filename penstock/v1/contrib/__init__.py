"""`tf.contrib` of TensorFlow 1."""

from penstock.contrib.missing import missing as _missing
from penstock.v1.contrib import crf as crf
from penstock.v1.contrib import data as data
from penstock.v1.contrib import eager as eager
from penstock.v1.contrib import framework as framework
from penstock.v1.contrib import layers as layers
from penstock.v1.contrib import legacy_seq2seq as legacy_seq2seq
from penstock.v1.contrib import lookup as lookup
from penstock.v1.contrib import losses as losses
from penstock.v1.contrib import metrics as metrics
from penstock.v1.contrib import rnn as rnn
from penstock.v1.contrib import seq2seq as seq2seq
from penstock.v1.contrib import slim as slim
from penstock.v1.contrib import tensorboard as tensorboard
from penstock.v1.contrib import training as training

__getattr__ = _missing(__name__)
