"""`tf.experimental.numpy.random` of TensorFlow 2."""

from penstock.numpy_api.random import poisson as poisson
from penstock.numpy_api.random import rand as rand
from penstock.numpy_api.random import randint as randint
from penstock.numpy_api.random import randn as randn
from penstock.numpy_api.random import random as random
from penstock.numpy_api.random import seed as seed
from penstock.numpy_api.random import standard_normal as standard_normal
from penstock.numpy_api.random import uniform as uniform
