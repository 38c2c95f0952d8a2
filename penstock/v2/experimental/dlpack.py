"""`tf.experimental.dlpack` of TensorFlow 2."""

from penstock.language.dlpack import from_dlpack as from_dlpack
from penstock.language.dlpack import to_dlpack as to_dlpack
