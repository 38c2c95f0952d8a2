"""Sets: the last axis of a tensor holds the elements of a set for each position of the others."""

from __future__ import annotations

from penstock.ops.sets import operations as operations
