"""`tf.ConditionalAccumulator`: gradients of several workers, gathered until there are enough of them."""

from __future__ import annotations

import itertools
from typing import Any

from penstock.core import dtypes
from penstock.core.context import executing_eagerly
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import DType, as_dtype
from penstock.core.indexed_slices import IndexedSlices
from penstock.core.op_def import lookup
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.ops.data_flow import accumulators

_numbers = itertools.count()


class ConditionalAccumulatorBase:
    """What accumulators have in common.

    An accumulator counts steps. Applying a gradient of an earlier step does nothing, and taking a gradient begins the
    next one.

    Args:
        dtype: the type of the gradients.
        shape: their shape, None if it is not known.
        accumulator_ref: the handle.
    """

    def __init__(self, dtype: Any, shape: Any, accumulator_ref: Any) -> None:
        self._dtype = as_dtype(dtype)
        self._shape = TensorShape(shape)
        self._accumulator_ref = accumulator_ref
        self._name = f"accumulator_{next(_numbers)}" if executing_eagerly() else accumulator_ref.op.name.split("/")[-1]

    @property
    def accumulator_ref(self) -> Any:
        """The handle by which operations find the accumulator."""
        return self._accumulator_ref

    @property
    def name(self) -> str:
        """The name of the accumulator's node."""
        return self._name

    @property
    def dtype(self) -> DType:
        """The type of the gradients."""
        return self._dtype

    def _call(self, operation: Any, *inputs: Any, name: str | None, **attrs: Any) -> Any:
        return operation(self._accumulator_ref, *inputs, name=name, **attrs)

    def num_accumulated(self, name: str | None = None) -> Tensor:
        """Return how many gradients there are, an int32 scalar.

        Args:
            name: the name of the node.
        """
        raise NotImplementedError

    def set_global_step(self, new_global_step: Any, name: str | None = None) -> Any:
        """Set the accumulator's step.

        Args:
            new_global_step: an int64 scalar.
            name: the name of the node.
        """
        raise NotImplementedError


class ConditionalAccumulator(ConditionalAccumulatorBase):
    """An accumulator of dense gradients.

    Args:
        dtype: the type of the gradients, a number type.
        shape: their shape; one that is not fully known by default, and then that of the first gradient of a step.
        shared_name: the name under which sessions share it.
        name: the name of the node.
        reduction_type: "MEAN" or "SUM", what `take_grad` gives.
    Raises:
        TypeError, ValueError: if the type or the reduction is another.
    """

    def __init__(
        self,
        dtype: Any,
        shape: Any = None,
        shared_name: str | None = None,
        name: str = "conditional_accumulator",
        reduction_type: str = "MEAN",
    ) -> None:
        handle = accumulators.resource_conditional_accumulator_op(
            dtype=as_dtype(dtype),
            shape=TensorShape(shape),
            shared_name=_shared(shared_name),
            reduction_type=reduction_type,
            name=name,
        )
        super().__init__(dtype, shape, handle)

    def apply_grad(self, grad: Any, local_step: Any = 0, name: str | None = None) -> Any:
        """Add a gradient, unless it is stale: of an earlier step than the accumulator's.

        Args:
            grad: a tensor of the accumulator's shape.
            local_step: the step in which it was computed.
            name: the name of the node.
        Returns:
            The operation that does it; None eagerly.
        Raises:
            ValueError: if the static shape does not fit.
        """
        grad = convert_to_tensor(grad, self._dtype)
        grad.shape.assert_is_compatible_with(self._shape)
        step = convert_to_tensor(local_step, dtypes.int64)
        return self._call(accumulators.accumulator_apply_gradient_op, step, grad, name=name)

    def take_grad(self, num_required: Any, name: str | None = None) -> Tensor:
        """Return the mean or the sum of the gathered gradients, once there are enough of them; and begin the next step.

        Args:
            num_required: how many gradients to wait for, an int32 scalar.
            name: the name of the node.
        Raises:
            InvalidArgumentError: if `num_required` is not positive.
        """
        taken = self._call(accumulators.accumulator_take_gradient_op, num_required, name=name, dtype=self._dtype)
        taken.set_shape(self._shape)
        return taken

    def num_accumulated(self, name: str | None = None) -> Tensor:
        """Return how many gradients there are, an int32 scalar.

        Args:
            name: the name of the node.
        """
        name = name or f"{self._name}_NumAccumulated"
        return self._call(accumulators.accumulator_num_accumulated_op, name=name)

    def set_global_step(self, new_global_step: Any, name: str | None = None) -> Any:
        """Set the accumulator's step: gradients of earlier ones are stale.

        Args:
            new_global_step: an int64 scalar.
            name: the name of the node.
        """
        step = convert_to_tensor(new_global_step, dtypes.int64)
        return self._call(accumulators.accumulator_set_global_step_op, step, name=name)


class SparseConditionalAccumulator(ConditionalAccumulatorBase):
    """An accumulator of gradients of which only some slices differ from 0. It belongs to graphs.

    Args:
        dtype: the type of the gradients, a number type.
        shape: their shape, None if it is not known.
        shared_name: the name under which sessions share it.
        name: the name of the node.
        reduction_type: "MEAN", each slice over the gradients that had it, or "SUM".
    Raises:
        TypeError, ValueError: if the type or the reduction is another.
    """

    def __init__(
        self,
        dtype: Any,
        shape: Any = None,
        shared_name: str | None = None,
        name: str = "sparse_conditional_accumulator",
        reduction_type: str = "MEAN",
    ) -> None:
        handle = accumulators.sparse_conditional_accumulator_op(
            dtype=as_dtype(dtype),
            shape=TensorShape(shape),
            shared_name=_shared(shared_name),
            reduction_type=reduction_type,
            name=name,
        )
        super().__init__(dtype, shape, handle)

    def apply_indexed_slices_grad(self, grad: IndexedSlices, local_step: Any = 0, name: str | None = None) -> Any:
        """Add a gradient, unless it is stale; see `apply_grad`.

        Args:
            grad: the gradient.
            local_step: the step in which it was computed.
            name: the name of the node.
        """
        return self.apply_grad(grad.indices, grad.values, grad.dense_shape, local_step, name)

    def apply_grad(
        self, grad_indices: Any, grad_values: Any, grad_shape: Any = None, local_step: Any = 0, name: str | None = None
    ) -> Any:
        """Add a gradient, unless it is stale: of an earlier step than the accumulator's.

        Args:
            grad_indices: int64 of shape (n,), the numbers of the slices, rising.
            grad_values: the slices, of shape (n, ...).
            grad_shape: int64, the shape of the gradient, None if it is not known.
            local_step: the step in which it was computed.
            name: the name of the node.
        """
        return self._call(
            accumulators.sparse_accumulator_apply_gradient_op,
            convert_to_tensor(local_step, dtypes.int64),
            convert_to_tensor(grad_indices, dtypes.int64),
            convert_to_tensor(grad_values, self._dtype),
            convert_to_tensor([] if grad_shape is None else grad_shape, dtypes.int64),
            name=name,
            has_known_shape=grad_shape is not None,
        )

    def take_grad(self, num_required: Any, name: str | None = None) -> Any:
        """Return the mean or the sum of the gathered gradients, once there are enough of them; and begin the next step.

        Args:
            num_required: how many gradients to wait for, an int32 scalar.
            name: the name of the node.
        Returns:
            A named tuple `(indices, values, shape)`.
        Raises:
            InvalidArgumentError: if `num_required` is not positive.
        """
        operation = accumulators.sparse_accumulator_take_gradient_op
        return self._call(operation, num_required, name=name, dtype=self._dtype)

    def take_indexed_slices_grad(self, num_required: Any, name: str | None = None) -> IndexedSlices:
        """Return what `take_grad` does, as IndexedSlices."""
        taken = self.take_grad(num_required, name)
        return IndexedSlices(taken.values, taken.indices, taken.shape)

    def num_accumulated(self, name: str | None = None) -> Tensor:
        """Return how many gradients there are, an int32 scalar.

        Args:
            name: the name of the node.
        """
        return self._call(lookup("AccumulatorNumAccumulated"), name=name or f"{self._name}_NumAccumulated")

    def set_global_step(self, new_global_step: Any, name: str | None = None) -> Any:
        """Set the accumulator's step: gradients of earlier ones are stale.

        Args:
            new_global_step: an int64 scalar.
            name: the name of the node.
        """
        step = convert_to_tensor(new_global_step, dtypes.int64)
        return self._call(lookup("AccumulatorSetGlobalStep"), step, name=name)


def _shared(shared_name: str | None) -> str:
    """Return the name under which an accumulator is found; eagerly, one of its own where none is given."""
    if shared_name:
        return shared_name
    return f"accumulator_{next(_numbers)}" if executing_eagerly() else ""
