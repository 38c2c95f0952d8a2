"""`tf.contrib.slim.regularizers` of TensorFlow 1."""

from penstock.contrib.missing import missing as _missing
from penstock.layers.regularizers import apply_regularization as apply_regularization
from penstock.layers.regularizers import l1_l2_regularizer as l1_l2_regularizer
from penstock.layers.regularizers import l1_regularizer as l1_regularizer
from penstock.layers.regularizers import l2_regularizer as l2_regularizer
from penstock.layers.regularizers import sum_regularizer as sum_regularizer

__getattr__ = _missing(__name__)
