"""Sums that a loop adds to in every iteration, held in memory of their own.

A term that is a product of matrices is added by the product itself. Products over few rows are collected until there
are enough for one of some size: a matrix that is read and written for each row would take most of the time.
"""

from __future__ import annotations

import torch

from penstock.core.array import Array, Value
from penstock.core.dtypes import float32, float64
from penstock.ops.fused.declare import fused_op
from penstock.ops.fused.products import add_product

_PRECISE = frozenset({float32, float64})
# Rows of a term from which on it is added at once, and those that are added together otherwise.
_ENOUGH = 64
_TOGETHER = 256


class RunningSum:
    """A sum and the terms that are still to be added. It belongs to one loop of one run.

    Args:
        total: memory that nothing else uses.
    """

    def __init__(self, total: Array) -> None:
        self._total = total
        self._left: list[Array] = []
        self._right: list[Array] = []
        self._rows: list[Array] = []
        self._waiting = 0

    def add_product(self, left: Array, right: Array) -> None:
        """Add the product of the transposed left matrix and the right one, which have equally many rows."""
        count = left.shape[0]
        if count >= _ENOUGH:
            add_product(self._total, left.t(), right)
            return
        self._left.append(left)
        self._right.append(right)
        self._wait(count)

    def add_product_and_rows(self, rows_sum: RunningSum, left: Array, right: Array) -> None:
        """Add the product of the transposed left matrix and the right one, and each row of this to another sum."""
        if left.shape[0] >= _ENOUGH:
            add_product(self._total, left.t(), right, rows_sum._total)
            return
        self.add_product(left, right)
        rows_sum.add_rows(right)

    def add_rows(self, rows: Array) -> None:
        """Add each row of a matrix."""
        if rows.shape[0] >= _ENOUGH:
            self._total.add_(rows.sum(0))
            return
        self._rows.append(rows)
        self._wait(rows.shape[0])

    def add(self, term: Array) -> None:
        """Add an array of the sum's shape."""
        self._total.add_(term)

    def _wait(self, rows: int) -> None:
        self._waiting += max(rows, 1)
        if self._waiting >= _TOGETHER:
            self._settle()

    def _settle(self) -> None:
        if self._left:
            add_product(self._total, torch.cat(self._left).t(), torch.cat(self._right))
        if self._rows:
            self._total.add_(torch.cat(self._rows).sum(0))
        self._left, self._right, self._rows, self._waiting = [], [], [], 0

    def result(self) -> Array:
        """Return the sum."""
        self._settle()
        return self._total


@fused_op("_RunningSum(initial: T) -> sum: variant", stateful=True, T=_PRECISE)
def running_sum_op(initial: Array) -> Value:
    return RunningSum(initial.clone(memory_format=torch.contiguous_format))


# The results of these are the sum that they were given, and share memory with what is still to be added.


@fused_op("_AddProduct(sum: variant, a: T, b: T) -> result: variant", stateful=True, view=True, T=_PRECISE)
def add_product_op(sum: Value, a: Array, b: Array, *, transpose_a: bool = False, transpose_b: bool = False) -> Value:
    sum.add_product(a if transpose_a else a.t(), b.t() if transpose_b else b)
    return sum


@fused_op("_AddRows(sum: variant, rows: T) -> result: variant", stateful=True, view=True, T=_PRECISE)
def add_rows_op(sum: Value, rows: Array) -> Value:
    sum.add_rows(rows.flatten(0, -2))
    return sum


@fused_op(
    "_AddProductAndRows(sum: variant, rows_sum: variant, a: T, b: T) -> (result: variant, rows_result: variant)",
    stateful=True,
    view=True,
    T=_PRECISE,
)
def add_product_and_rows_op(sum: Value, rows_sum: Value, a: Array, b: Array) -> tuple[Value, Value]:
    sum.add_product_and_rows(rows_sum, a, b)
    return sum, rows_sum


@fused_op("_AddTerm(sum: variant, term: T) -> result: variant", stateful=True, T=_PRECISE)
def add_term_op(sum: Value, term: Array) -> Value:
    sum.add(term)
    return sum


@fused_op("_FinishSum(sum: variant) -> total: T", stateful=True, T=_PRECISE)
def finish_sum_op(sum: Value) -> Array:
    total: Array = sum.result()
    return total
