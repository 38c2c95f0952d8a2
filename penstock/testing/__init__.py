"""What tests of operations are written with, for Penstock's own and for operations that users declare."""

from penstock.testing.op_case import OpCase as OpCase
from penstock.testing.op_case import integers as integers
from penstock.testing.op_case import normal as normal
from penstock.testing.op_case import uniform as uniform
