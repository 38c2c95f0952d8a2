"""Mathematics: elementwise functions, reductions, matrix products, segments and histograms."""

from __future__ import annotations

from penstock.ops.math import bessel as bessel
from penstock.ops.math import binary as binary
from penstock.ops.math import bitwise as bitwise
from penstock.ops.math import broadcasting as broadcasting
from penstock.ops.math import cast as cast
from penstock.ops.math import clip as clip
from penstock.ops.math import compare as compare
from penstock.ops.math import complex as complex
from penstock.ops.math import einsum as einsum
from penstock.ops.math import exponential as exponential
from penstock.ops.math import gamma as gamma
from penstock.ops.math import histogram as histogram
from penstock.ops.math import integrals as integrals
from penstock.ops.math import matmul as matmul
from penstock.ops.math import numerics as numerics
from penstock.ops.math import positions as positions
from penstock.ops.math import reduce as reduce
from penstock.ops.math import scan as scan
from penstock.ops.math import segment as segment
from penstock.ops.math import sequence as sequence
from penstock.ops.math import sparse_segment as sparse_segment
from penstock.ops.math import sum_n as sum_n
from penstock.ops.math import topk as topk
from penstock.ops.math import trigonometric as trigonometric
from penstock.ops.math import unary as unary
