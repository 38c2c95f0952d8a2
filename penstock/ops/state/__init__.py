"""Operations on variables: making, reading and assigning them, updates of parts, and the update rules of optimizers.

Start with `variables`, which says how reading and updating in place are kept apart.
"""

from penstock.ops.state import scatter as scatter
from penstock.ops.state import training as training
from penstock.ops.state import variables as variables
