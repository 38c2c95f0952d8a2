"""Random numbers: `tf.random.experimental` of TensorFlow 2."""

from penstock.ops.random.stateless_functions import Algorithm as Algorithm
from penstock.ops.random.stateless_functions import fold_in as stateless_fold_in
from penstock.ops.random.stateless_functions import split as stateless_split
from penstock.ops.random.stateless_functions import stateless_shuffle as stateless_shuffle
