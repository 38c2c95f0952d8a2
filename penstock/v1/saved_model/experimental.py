"""`tf.saved_model.experimental` of TensorFlow 1."""

from penstock.language.resource import TrackableResource as TrackableResource
from penstock.saved_model.options import VariablePolicy as VariablePolicy
from penstock.saved_model.save import save as save
