"""Random numbers: `tf.random` of TensorFlow 1."""

from penstock.ops.random.functions import categorical as categorical
from penstock.ops.random.functions import multinomial as multinomial
from penstock.ops.random.functions import random_gamma as gamma
from penstock.ops.random.functions import random_normal as normal
from penstock.ops.random.functions import random_poisson as poisson
from penstock.ops.random.functions import random_shuffle as shuffle
from penstock.ops.random.functions import random_uniform as uniform
from penstock.ops.random.functions import truncated_normal as truncated_normal
from penstock.ops.random.seeds import get_seed as get_seed
from penstock.ops.random.seeds import set_random_seed as set_random_seed
from penstock.ops.random.stateless_functions import Algorithm as Algorithm
from penstock.ops.random.stateless_functions import fold_in as fold_in
from penstock.ops.random.stateless_functions import split as split
from penstock.ops.random.stateless_functions import stateless_binomial as stateless_binomial
from penstock.ops.random.stateless_functions import stateless_categorical as stateless_categorical
from penstock.ops.random.stateless_functions import stateless_gamma as stateless_gamma
from penstock.ops.random.stateless_functions import stateless_multinomial as stateless_multinomial
from penstock.ops.random.stateless_functions import stateless_normal as stateless_normal
from penstock.ops.random.stateless_functions import (
    stateless_parameterized_truncated_normal as stateless_parameterized_truncated_normal,
)
from penstock.ops.random.stateless_functions import stateless_poisson as stateless_poisson
from penstock.ops.random.stateless_functions import stateless_truncated_normal as stateless_truncated_normal
from penstock.ops.random.stateless_functions import stateless_uniform as stateless_uniform
from penstock.v1.random import experimental as experimental
