"""`tf.sysconfig` of TensorFlow 1."""

from penstock.core.version import CXX11_ABI_FLAG as CXX11_ABI_FLAG
from penstock.core.version import CXX_VERSION as CXX_VERSION
from penstock.core.version import MONOLITHIC_BUILD as MONOLITHIC_BUILD
from penstock.core.version import get_build_info as get_build_info
from penstock.core.version import get_compile_flags as get_compile_flags
from penstock.core.version import get_include as get_include
from penstock.core.version import get_lib as get_lib
from penstock.core.version import get_link_flags as get_link_flags
