"""`tf.saved_model.loader` of TensorFlow 1."""

from penstock.saved_model.loader import load as load
from penstock.saved_model.reading import contains_saved_model as maybe_saved_model_directory
