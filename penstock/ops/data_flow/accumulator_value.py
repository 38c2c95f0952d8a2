"""Accumulators of gradients as operations see them: they gather gradients of one step, and give their mean or sum."""

from __future__ import annotations

import threading
from typing import Any, Generic, TypeVar

import torch

from penstock.core import array
from penstock.core.array import Array
from penstock.core.cancellation import Interruption
from penstock.core.dtypes import DType, resource
from penstock.core.errors import InvalidArgumentError
from penstock.core.shape import Dims
from penstock.core.shape_rules import format_dims

G = TypeVar("G")


def _mismatch(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(None, None, f"Shape mismatch: {message}")


class Accumulator(Generic[G]):
    """What the accumulators have in common: the count, the step, and those who wait.

    Args:
        name: for messages.
        dtype: the type of the gradients.
        dims: their shape, as far as it is known.
        reduction_type: "MEAN" or "SUM".
    """

    value_dtype = resource
    kind = "ConditionalAccumulator"

    def __init__(self, name: str, dtype: DType, dims: Dims, reduction_type: str) -> None:
        self.name = name
        self.dtype = dtype
        self.dims = dims
        self.is_mean = reduction_type == "MEAN"
        self._condition = threading.Condition()
        # All guarded by self._condition.
        self._total: G | None = None
        self._count = 0
        self._step = 0

    def detach(self) -> None:
        """Nobody else holds the sum."""

    def __len__(self) -> int:
        return self._count

    def set_global_step(self, step: int) -> None:
        """Set the step; gradients of earlier ones are no longer taken."""
        with self._condition:
            self._step = step

    def apply(self, gradient: G, local_step: int) -> None:
        """Add a gradient, unless it is of an earlier step than the accumulator.

        Raises:
            InvalidArgumentError: if its shape does not fit.
        """
        with self._condition:
            if local_step < self._step:
                return
            self._check(gradient)
            self._total = self._copied(gradient) if self._total is None else self._sum(self._total, gradient)
            self._count += 1
            self._condition.notify_all()

    def take(self, num_required: int, interruption: Interruption) -> G:
        """Return the mean or sum of what was gathered, and begin the next step.

        Args:
            num_required: how many gradients to wait for.
            interruption: ends the wait.
        Raises:
            InvalidArgumentError: if `num_required` is not positive.
        """
        if num_required <= 0:
            raise InvalidArgumentError(None, None, f"Argument num_required must be positive, but was {num_required}")
        with self._condition:
            interruption.wait_for(self._condition, lambda: self._count >= num_required)
            assert self._total is not None
            result = self._mean(self._total, self._count) if self.is_mean else self._total
            self._total = None
            self._count = 0
            self._step += 1
            return result

    # What the kinds differ in.

    def _check(self, gradient: G) -> None:
        raise NotImplementedError

    def _copied(self, gradient: G) -> G:
        raise NotImplementedError

    def _sum(self, total: G, gradient: G) -> G:
        raise NotImplementedError

    def _mean(self, total: G, count: int) -> G:
        raise NotImplementedError


class DenseAccumulator(Accumulator[Array]):
    """An accumulator of dense gradients."""

    def _check(self, gradient: Array) -> None:
        given: tuple[int, ...] = tuple(gradient.shape)
        wanted = self.dims if self._total is None else tuple(self._total.shape)
        if wanted is not None and (
            len(wanted) != len(given) or any(w is not None and w != g for w, g in zip(wanted, given, strict=True))
        ):
            raise _mismatch(f"expected {format_dims(wanted)}, got {format_dims(given)}")

    def _copied(self, gradient: Array) -> Array:
        # The gradient may share memory with a variable, which changes before it is taken.
        return array.clone(gradient)

    def _sum(self, total: Array, gradient: Array) -> Array:
        return total.add_(gradient)

    def _mean(self, total: Array, count: int) -> Array:
        return total / count


class Slices:
    """A gradient of which only some slices differ from 0.

    Args:
        indices: int64, which slices they are.
        values: the slices.
        counts: how many gradients each slice is the sum of.
        shape: the shape that the gradient says to have, None if it does not say.
    """

    def __init__(self, indices: Array, values: Array, counts: list[int], shape: list[int] | None = None) -> None:
        self.indices = indices
        self.values = values
        self.counts = counts
        self.shape = shape


class SparseAccumulator(Accumulator[Slices]):
    """An accumulator of gradients that are slices; the mean of each is over the gradients that had it."""

    kind = "SparseConditionalAccumulator"

    def _check_shape(self, shape: list[int]) -> None:
        wanted = self.dims
        if wanted is None:
            return
        if len(shape) < len(wanted):
            raise _mismatch(f"expected shape rank at least {len(wanted)}, got {len(shape)}")
        for axis, (size, own) in enumerate(zip(shape, wanted, strict=False)):
            if own is not None and size != -1 and size != own:
                raise _mismatch(f"expected shape dim {axis} to be {own}, got {size}")

    def _check(self, gradient: Slices) -> None:
        if gradient.shape is not None:
            self._check_shape(gradient.shape)
        indices, values = gradient.indices, gradient.values
        if indices.ndim != 1:
            raise InvalidArgumentError(
                None, None, f"Input indices should be vector but received shape: {list(indices.shape)}"
            )
        if values.ndim == 0:
            raise InvalidArgumentError(None, None, "Values cannot be 0-dimensional.")
        if values.shape[0] != indices.shape[0]:
            raise InvalidArgumentError(
                None, None, f"Expected {indices.shape[0]} non-empty input values, got {values.shape[0]}"
            )
        if self._total is not None and self._total.values.ndim != values.ndim:
            raise _mismatch(f"expected values rank {self._total.values.ndim}, got {values.ndim}")
        wanted: list[Any] = list(self.dims) if self.dims is not None else [None] * values.ndim
        if len(wanted) != values.ndim:
            raise _mismatch(f"expected values rank {len(wanted)}, got {values.ndim}")
        if self._total is not None:
            wanted[1:] = self._total.values.shape[1:]
        for axis in range(1, values.ndim):
            own = wanted[axis]
            if own is not None and values.shape[axis] != own:
                raise _mismatch(f"expected values dim {axis} to be {own}, got {values.shape[axis]}")
        if wanted[0] is not None and indices.numel() and int(indices.max()) >= wanted[0]:
            place = int(indices.argmax())
            raise _mismatch(
                f"index of slice {place} exceeded limits of shape; index is {int(indices[place])} exceeded {wanted[0]}"
            )

    def _copied(self, gradient: Slices) -> Slices:
        return Slices(array.clone(gradient.indices), array.clone(gradient.values), gradient.counts)

    def _sum(self, total: Slices, gradient: Slices) -> Slices:
        """Merge two lists of slices that are taken to be sorted, as TensorFlow does."""
        ours, theirs = total.indices.tolist(), gradient.indices.tolist()
        both = torch.cat([total.values, gradient.values])
        first: list[int] = []  # where each merged slice comes from
        second: list[tuple[int, int]] = []  # merged slices that another one is added to, and which
        indices: list[int] = []
        counts: list[int] = []
        i = j = 0
        while i < len(ours) or j < len(theirs):
            takes_ours = j == len(theirs) or i < len(ours) and ours[i] <= theirs[j]
            if takes_ours and j < len(theirs) and ours[i] == theirs[j]:
                second.append((len(first), len(ours) + j))
                counts.append(total.counts[i] + gradient.counts[j])
                j += 1
            else:
                counts.append(total.counts[i] if takes_ours else gradient.counts[j])
            indices.append(ours[i] if takes_ours else theirs[j])
            first.append(i if takes_ours else len(ours) + j)
            if takes_ours:
                i += 1
            else:
                j += 1
        values = both[torch.tensor(first, dtype=torch.int64)]
        if second:
            rows = torch.tensor([row for row, _ in second])
            values[rows] += both[torch.tensor([place for _, place in second])]
        return Slices(torch.tensor(indices, dtype=torch.int64), values, counts)

    def _mean(self, total: Slices, count: int) -> Slices:
        counts = torch.tensor(total.counts, dtype=total.values.dtype)
        return Slices(total.indices, total.values / counts.reshape(-1, *[1] * (total.values.ndim - 1)), total.counts)

    def shape_of(self, slices: Slices) -> list[int]:
        """Return the shape of a gradient, with -1 for sizes that are not known."""
        own: list[Any] = list(self.dims) if self.dims is not None else [None, *slices.values.shape[1:]]
        return [-1 if size is None else int(size) for size in own]
