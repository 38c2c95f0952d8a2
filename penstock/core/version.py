"""Which TensorFlow's programs and graphs this is compatible with, and how it was built."""

from __future__ import annotations

import os
from collections import OrderedDict
from typing import Any

VERSION = "2.21.0"
GIT_VERSION = "v2.21.0-rc1-5-ga481b10260d"
COMPILER_VERSION = ""
GRAPH_DEF_VERSION = 2417
GRAPH_DEF_VERSION_MIN_CONSUMER = 0
GRAPH_DEF_VERSION_MIN_PRODUCER = 0
CXX11_ABI_FLAG = 1
CXX_VERSION = 0
MONOLITHIC_BUILD = 0


def get_build_info() -> dict[str, Any]:
    """Return how the library was built: kernels come from PyTorch, so there is no build of its own."""
    return OrderedDict(cpu_compiler="", is_cuda_build=False, is_rocm_build=False, is_tensorrt_build=False)


def _root() -> str:
    return os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def get_include() -> str:
    """Return the directory where TensorFlow has its C++ headers. There are none here: operations are Python."""
    return os.path.join(_root(), "include")


def get_lib() -> str:
    """Return the directory of the package."""
    return _root()


def get_compile_flags() -> list[str]:
    """Return the flags to compile operations in C++ with: where the headers would be, and the ABI."""
    return [f"-I{get_include()}", f"-D_GLIBCXX_USE_CXX11_ABI={CXX11_ABI_FLAG}", "--std=c++17"]


def get_link_flags() -> list[str]:
    """Return the flags to link operations in C++ with."""
    return [f"-L{get_lib()}"]
