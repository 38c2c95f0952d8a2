"""Mathematics: elementwise functions, reductions, matrix products, segments and histograms."""

from __future__ import annotations

from penstock.ops.math import binary as binary
