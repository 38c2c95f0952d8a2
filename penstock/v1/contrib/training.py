"""`tf.contrib.training` of TensorFlow 1."""

from penstock.contrib.hparams import HParams as HParams
from penstock.contrib.missing import missing as _missing
from penstock.contrib.training import add_gradients_summaries as add_gradients_summaries
from penstock.contrib.training import clip_gradient_norms as clip_gradient_norms
from penstock.contrib.training import clip_gradient_norms_fn as clip_gradient_norms_fn
from penstock.contrib.training import create_train_op as create_train_op
from penstock.contrib.training import multiply_gradients as multiply_gradients

__getattr__ = _missing(__name__)
