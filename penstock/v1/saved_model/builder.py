"""`tf.saved_model.builder` of TensorFlow 1."""

from penstock.saved_model.builder import SavedModelBuilder as SavedModelBuilder
