"""`tf.version` of TensorFlow 2."""

from penstock.core.version import COMPILER_VERSION as COMPILER_VERSION
from penstock.core.version import GIT_VERSION as GIT_VERSION
from penstock.core.version import GRAPH_DEF_VERSION as GRAPH_DEF_VERSION
from penstock.core.version import GRAPH_DEF_VERSION_MIN_CONSUMER as GRAPH_DEF_VERSION_MIN_CONSUMER
from penstock.core.version import GRAPH_DEF_VERSION_MIN_PRODUCER as GRAPH_DEF_VERSION_MIN_PRODUCER
from penstock.core.version import VERSION as VERSION
