"""Operations on sparse tensors, and the functions of `tf.sparse`.

A sparse tensor reaches a kernel as its components: positions (n, rank) in int64, values (n,), and the dense shape,
which kernels take as Python numbers. `common.py` holds what they share: the checks, and the order and matching of
positions.
"""

from penstock.ops.sparse import arithmetic as arithmetic
from penstock.ops.sparse import arranging as arranging
from penstock.ops.sparse import construction as construction
from penstock.ops.sparse import counting as counting
from penstock.ops.sparse import crossing as crossing
from penstock.ops.sparse import densifying as densifying
from penstock.ops.sparse import elementwise as elementwise
from penstock.ops.sparse import joining as joining
from penstock.ops.sparse import matmul as matmul
from penstock.ops.sparse import reductions as reductions
from penstock.ops.sparse import rows as rows
from penstock.ops.sparse import serialization as serialization
from penstock.ops.sparse import softmax as softmax
