"""Linear algebra: factorizations, systems of equations, functions and norms of matrices, in batches of any shape."""

from penstock.ops.linalg import banded as banded
from penstock.ops.linalg import cross as cross
from penstock.ops.linalg import factorizations as factorizations
from penstock.ops.linalg import functions as functions
from penstock.ops.linalg import norms as norms
from penstock.ops.linalg import solving as solving
