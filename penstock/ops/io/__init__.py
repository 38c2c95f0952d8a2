"""Operations on files: checkpoints, contents, and the formats that hold tensors and records."""

from penstock.ops.io import checkpoint as checkpoint
from penstock.ops.io import files as files
