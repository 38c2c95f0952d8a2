"""Initial values: `tf.initializers` of TensorFlow 2; names that are not defined here are those of Keras."""

from penstock.keras import names_of as _names_of
from penstock.ops.initializers_v2 import Constant as constant
from penstock.ops.initializers_v2 import GlorotNormal as glorot_normal
from penstock.ops.initializers_v2 import GlorotUniform as glorot_uniform
from penstock.ops.initializers_v2 import HeNormal as he_normal
from penstock.ops.initializers_v2 import HeUniform as he_uniform
from penstock.ops.initializers_v2 import Identity as IdentityInitializer
from penstock.ops.initializers_v2 import Identity as identity
from penstock.ops.initializers_v2 import LecunNormal as lecun_normal
from penstock.ops.initializers_v2 import LecunUniform as lecun_uniform
from penstock.ops.initializers_v2 import Ones as ones
from penstock.ops.initializers_v2 import Orthogonal as OrthogonalInitializer
from penstock.ops.initializers_v2 import Orthogonal as orthogonal
from penstock.ops.initializers_v2 import RandomNormal as random_normal
from penstock.ops.initializers_v2 import RandomUniform as random_uniform
from penstock.ops.initializers_v2 import TruncatedNormal as truncated_normal
from penstock.ops.initializers_v2 import VarianceScaling as variance_scaling
from penstock.ops.initializers_v2 import Zeros as zeros

__getattr__, __dir__ = _names_of("initializers")
