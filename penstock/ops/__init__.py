"""Every operation: kernel, shape rule and gradient side by side, one file for an operation or a small family.

This is the only room that calls ATen. Importing it declares all operations. Public functions (`matmul`, `reduce_sum` …)
stand beside the operations that they call; where TensorFlow 1 has another signature, `<name>_v1` stands below.
"""

from penstock.ops import array as array
from penstock.ops import audio as audio
from penstock.ops import constant as constant
from penstock.ops import control_flow as control_flow
from penstock.ops import data as data
from penstock.ops import data_flow as data_flow
from penstock.ops import debugging as debugging
from penstock.ops import function_call as function_call
from penstock.ops import image as image
from penstock.ops import io as io
from penstock.ops import linalg as linalg
from penstock.ops import lookup as lookup
from penstock.ops import math as math
from penstock.ops import nn as nn
from penstock.ops import operators as operators
from penstock.ops import parsing as parsing
from penstock.ops import quantization as quantization
from penstock.ops import ragged as ragged
from penstock.ops import random as random
from penstock.ops import rendezvous as rendezvous
from penstock.ops import script as script
from penstock.ops import sets as sets
from penstock.ops import signal as signal
from penstock.ops import sparse as sparse
from penstock.ops import state as state
from penstock.ops import string as string
from penstock.ops import summary as summary
