"""`tf.saved_model.main_op` of TensorFlow 1."""

from penstock.saved_model.main_op import main_op as main_op
from penstock.saved_model.main_op import main_op_with_restore as main_op_with_restore
