"""Random numbers: `tf.random.experimental` of TensorFlow 2."""

from penstock.language.generator import Generator as Generator
from penstock.language.generator import create_rng_state as create_rng_state
from penstock.language.generator import get_global_generator as get_global_generator
from penstock.language.generator import set_global_generator as set_global_generator
from penstock.ops.random.index_shuffle import index_shuffle as index_shuffle
from penstock.ops.random.stateless_functions import Algorithm as Algorithm
from penstock.ops.random.stateless_functions import fold_in as stateless_fold_in
from penstock.ops.random.stateless_functions import split as stateless_split
from penstock.ops.random.stateless_functions import stateless_shuffle as stateless_shuffle
