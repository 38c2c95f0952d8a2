"""Operations on the arrangement of elements: shapes, slices, joins, gathers, masks, fills, and the like.

One file for each idea; `shaping` and `slicing` are the ones to read first.
"""

from penstock.ops.array import filling as filling
from penstock.ops.array import gather as gather
from penstock.ops.array import joining as joining
from penstock.ops.array import selecting as selecting
from penstock.ops.array import shaping as shaping
from penstock.ops.array import slicing as slicing
