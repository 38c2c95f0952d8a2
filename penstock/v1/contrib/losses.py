"""`tf.contrib.losses` of TensorFlow 1."""

from penstock.contrib.losses import absolute_difference as absolute_difference
from penstock.contrib.losses import cosine_distance as cosine_distance
from penstock.contrib.losses import hinge_loss as hinge_loss
from penstock.contrib.losses import log_loss as log_loss
from penstock.contrib.losses import mean_pairwise_squared_error as mean_pairwise_squared_error
from penstock.contrib.losses import mean_squared_error as mean_squared_error
from penstock.contrib.losses import sigmoid_cross_entropy as sigmoid_cross_entropy
from penstock.contrib.losses import softmax_cross_entropy as softmax_cross_entropy
from penstock.contrib.losses import sparse_softmax_cross_entropy as sparse_softmax_cross_entropy
from penstock.contrib.missing import missing as _missing
from penstock.losses.collection import add_loss as add_loss
from penstock.losses.collection import get_losses as get_losses
from penstock.losses.collection import get_regularization_losses as get_regularization_losses
from penstock.losses.collection import get_total_loss as get_total_loss
from penstock.losses.losses import compute_weighted_loss as compute_weighted_loss

__getattr__ = _missing(__name__)
