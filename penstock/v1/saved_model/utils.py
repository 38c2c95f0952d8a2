"""`tf.saved_model.utils` of TensorFlow 1."""

from penstock.saved_model.signature_defs import build_tensor_info as build_tensor_info
from penstock.saved_model.signature_defs import get_tensor_from_tensor_info as get_tensor_from_tensor_info
