"""The TensorFlow 2 face under the name that TensorFlow 1 gives it."""

from penstock.v2 import *  # noqa: F403
from penstock.v2 import __getattr__ as __getattr__
