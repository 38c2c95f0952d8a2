"""`tf.contrib.slim.learning` of TensorFlow 1."""

from penstock.contrib.missing import missing as _missing
from penstock.contrib.slim_learning import add_gradients_summaries as add_gradients_summaries
from penstock.contrib.slim_learning import clip_gradient_norms as clip_gradient_norms
from penstock.contrib.slim_learning import create_train_op as create_train_op
from penstock.contrib.slim_learning import multiply_gradients as multiply_gradients
from penstock.contrib.slim_learning import train as train
from penstock.contrib.slim_learning import train_step as train_step

__getattr__ = _missing(__name__)
