"""Operations on files: checkpoints."""

from penstock.ops.io import checkpoint as checkpoint
