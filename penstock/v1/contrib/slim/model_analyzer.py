"""`tf.contrib.slim.model_analyzer` of TensorFlow 1."""

from penstock.contrib.missing import missing as _missing
from penstock.contrib.slim_learning import analyze_ops as analyze_ops
from penstock.contrib.slim_learning import analyze_vars as analyze_vars

__getattr__ = _missing(__name__)
