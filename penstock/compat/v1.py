"""The TensorFlow 1 face under the name that TensorFlow 2 gives it."""

from penstock.v1 import *  # noqa: F403
from penstock.v1 import __getattr__ as __getattr__
