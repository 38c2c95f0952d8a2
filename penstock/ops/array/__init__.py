"""Operations on the arrangement of elements: shapes, slices, joins, gathers, masks, fills, and the like.

One file for each idea; `shaping` and `slicing` are the ones to read first.
"""

from penstock.ops.array import blocks as blocks
from penstock.ops.array import diagonal as diagonal
from penstock.ops.array import dynamic_slices as dynamic_slices
from penstock.ops.array import filling as filling
from penstock.ops.array import gather as gather
from penstock.ops.array import grid as grid
from penstock.ops.array import indexed_slices as indexed_slices
from penstock.ops.array import indexing as indexing
from penstock.ops.array import joining as joining
from penstock.ops.array import padding as padding
from penstock.ops.array import partition as partition
from penstock.ops.array import passing as passing
from penstock.ops.array import repeating as repeating
from penstock.ops.array import reversing as reversing
from penstock.ops.array import selecting as selecting
from penstock.ops.array import shaping as shaping
from penstock.ops.array import slicing as slicing
from penstock.ops.array import sorting as sorting
from penstock.ops.array import uniqueness as uniqueness
from penstock.ops.array import unraveling as unraveling
