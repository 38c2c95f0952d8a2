"""Tables from keys to values: what holds them, and the operations on them."""

from __future__ import annotations

from penstock.ops.lookup import ops as ops
