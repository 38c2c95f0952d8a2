"""Ragged tensors: tensors with axes along which slices have different lengths.

`ragged_tensor.py` has the class, `row_partition.py` what it stands on; `range.py`, `gather_op.py`, `conversion.py`,
`filling.py` and `cross_op.py` the operations with kernels of their own. The rest are functions made of operations,
which `overloads.py` gives to the public functions that take ragged tensors.
"""

from penstock.ops.ragged import arranging as arranging
from penstock.ops.ragged import choosing as choosing
from penstock.ops.ragged import conversion as conversion
from penstock.ops.ragged import cross_op as cross_op
from penstock.ops.ragged import dynamic_shape as dynamic_shape
from penstock.ops.ragged import elementwise as elementwise
from penstock.ops.ragged import factory as factory
from penstock.ops.ragged import filling as filling
from penstock.ops.ragged import gather_op as gather_op
from penstock.ops.ragged import gathering as gathering
from penstock.ops.ragged import indexing as indexing
from penstock.ops.ragged import overloads as overloads
from penstock.ops.ragged import ragged_tensor as ragged_tensor
from penstock.ops.ragged import range as range
from penstock.ops.ragged import reducing as reducing
from penstock.ops.ragged import strings as strings
