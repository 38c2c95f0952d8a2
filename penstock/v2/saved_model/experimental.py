"""`tf.saved_model.experimental` of TensorFlow 2."""

from penstock.language.resource import TrackableResource as TrackableResource
from penstock.saved_model.fingerprint import Fingerprint as Fingerprint
from penstock.saved_model.fingerprint import read_fingerprint as read_fingerprint
from penstock.saved_model.options import VariablePolicy as VariablePolicy
