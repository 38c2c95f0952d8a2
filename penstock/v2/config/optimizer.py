"""`tf.config.optimizer` of TensorFlow 2."""

from penstock.runtime.config.optimizer import get_experimental_options as get_experimental_options
from penstock.runtime.config.optimizer import get_jit as get_jit
from penstock.runtime.config.optimizer import set_experimental_options as set_experimental_options
from penstock.runtime.config.optimizer import set_jit as set_jit
