"""What runs as machine code that LLVM makes in the process: chains of elementwise operations as one loop over their
elements, and loops whose variables are all single numbers.

`region.py` says what a chain of operations is, `lowering.py`, `rows.py` and `functions.py` write it in LLVM's language,
and `machine_code.py` compiles that; `caller.py` writes the Python functions that call it. `product.py` and
`narrow_product.py` are for products, `random_words.py` for random numbers, and `threads.py` shares work among threads.
`labels.py` says whether a chain can take labels for numbers of columns. `elementwise.py`, `elementwise_update.py` and
`scalar_loop.py` are the operations that the compiler puts in the place of others. Where arrays are not laid out as the
code wants them, and until it is worth compiling, the operations run one by one.
"""

from penstock.ops.fused.native.elementwise import elementwise_op as elementwise_op
from penstock.ops.fused.native.elementwise_update import elementwise_update_op as elementwise_update_op
from penstock.ops.fused.native.lowering import LOWERINGS as LOWERINGS
from penstock.ops.fused.native.lowering import MEMORY_TYPES as MEMORY_TYPES
from penstock.ops.fused.native.region import REDUCTIONS as REDUCTIONS
from penstock.ops.fused.native.region import ROW_OPERATIONS as ROW_OPERATIONS
from penstock.ops.fused.native.region import Access as Access
from penstock.ops.fused.native.region import Chain as Chain
from penstock.ops.fused.native.region import Form as Form
from penstock.ops.fused.native.region import Layout as Layout
from penstock.ops.fused.native.region import Region as Region
from penstock.ops.fused.native.region import Step as Step
from penstock.ops.fused.native.scalar_loop import scalar_loop_op as scalar_loop_op
