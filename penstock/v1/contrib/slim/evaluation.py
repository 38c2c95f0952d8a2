"""`tf.contrib.slim.evaluation` of TensorFlow 1."""

from penstock.contrib.missing import missing as _missing
from penstock.contrib.slim_learning import evaluate_once as evaluate_once

__getattr__ = _missing(__name__)
