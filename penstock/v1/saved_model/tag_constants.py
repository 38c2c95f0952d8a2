"""`tf.saved_model.tag_constants` of TensorFlow 1."""

from penstock.saved_model.constants import GPU as GPU
from penstock.saved_model.constants import SERVING as SERVING
from penstock.saved_model.constants import TPU as TPU
from penstock.saved_model.constants import TRAINING as TRAINING
