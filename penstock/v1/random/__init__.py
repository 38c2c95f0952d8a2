"""Random numbers: `tf.random` of TensorFlow 1."""

from penstock.language.generator import Generator as Generator
from penstock.language.generator import create_rng_state as create_rng_state
from penstock.language.generator import get_global_generator as get_global_generator
from penstock.language.generator import set_global_generator as set_global_generator
from penstock.ops.random.candidates import all_candidate_sampler as all_candidate_sampler
from penstock.ops.random.candidates import fixed_unigram_candidate_sampler as fixed_unigram_candidate_sampler
from penstock.ops.random.candidates import learned_unigram_candidate_sampler as learned_unigram_candidate_sampler
from penstock.ops.random.candidates import log_uniform_candidate_sampler as log_uniform_candidate_sampler
from penstock.ops.random.candidates import uniform_candidate_sampler as uniform_candidate_sampler
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
