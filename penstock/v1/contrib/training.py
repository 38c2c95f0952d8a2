"""`tf.contrib.training` of TensorFlow 1."""

from penstock.contrib.hparams import HParams as HParams
from penstock.contrib.missing import missing as _missing

__getattr__ = _missing(__name__)
