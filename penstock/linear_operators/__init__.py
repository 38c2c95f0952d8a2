"""Linear operators: batches of matrices that are known by what they do, such as diagonal ones by their diagonals.

`operator.py` holds the class that all share, and a file each kind of operator. `algebra.py` finds, and `rules.py`
lists, what adjoints, products, inverses and Cholesky factors become; `overloads.py` makes `tf.linalg.matmul` and others
take
operators.
"""

from __future__ import annotations

from penstock.linear_operators import overloads, rules

__all__ = ["overloads", "rules"]
