"""The rows of ragged tensors, as functions over rows (`tf.map_fn`) read and collect them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor import Tensor
from penstock.language.tensor_array import TensorArray
from penstock.ops.array.filling import zeros
from penstock.ops.array.shaping import shape
from penstock.ops.math.cast import cast
from penstock.ops.ragged.ragged_tensor import RaggedTensor, RaggedTensorSpec
from penstock.ops.ragged.row_partition import static_int


def leading_size(value: RaggedTensor) -> Any:
    """Return the number of rows, an int if it is known now."""
    known = static_int(value.nrows())
    return value.nrows(out_type="int32") if known is None else known


class RaggedRows:
    """The rows of a ragged tensor, one by one.

    Args:
        value: the tensor.
        count: the number of its rows.
    """

    def __init__(self, value: RaggedTensor, count: Any) -> None:
        self._value: Any = value

    def read(self, index: Any) -> Any:
        """Return a row: a tensor, or a RaggedTensor of one ragged axis less."""
        return self._value[index]


class RaggedResults:
    """What is collected of a result whose sizes differ from row to row: values, and the lengths of rows.

    Args:
        spec: the spec of one result.
    """

    def __init__(self, spec: RaggedTensorSpec) -> None:
        self._spec = spec
        self._depth = max(spec.ragged_rank, 0)

    def start(self, count: Any) -> list[TensorArray]:
        """Return what collects `count` results."""
        dims = None if self._spec.shape.rank is None else self._spec.shape.as_list()
        inner = None if dims is None else [None, *dims[self._depth + 1 :]]
        kind = self._spec.row_splits_dtype
        parts = [(self._spec.dtype, inner), (kind, []), *[(kind, [None])] * self._depth]
        return [
            TensorArray(dtype, size=count, dynamic_size=False, infer_shape=False, element_shape=element)
            for dtype, element in parts
        ]

    def write(self, arrays: Sequence[TensorArray], index: Any, value: Any) -> list[TensorArray]:
        """Return what has collected a further result.

        Raises:
            InvalidArgumentError: if the result has other ragged axes than the spec says.
        """
        kind = self._spec.row_splits_dtype
        lengths: list[Any] = []
        while isinstance(value, RaggedTensor):
            lengths.append(cast(value.row_lengths(), kind))
            value = value.values
        flat = value if isinstance(value, Tensor) else convert_to_tensor(value, preferred_dtype=self._spec.dtype)
        if len(lengths) != self._depth or flat.shape.rank == 0:
            raise InvalidArgumentError(
                None,
                None,
                f"Ragged values must have the same ragged rank: expected {self._spec}, got {len(lengths)} ragged axes "
                f"of values of shape {flat.shape}. Say in fn_output_signature what the function returns.",
            )
        outer = cast(shape(lengths[0] if lengths else flat)[0], kind)
        parts = [flat, outer, *lengths]
        return [array.write(index, part) for array, part in zip(arrays, parts, strict=True)]

    def finish(self, arrays: Sequence[TensorArray], static: int | None) -> RaggedTensor:
        """Return all results as a RaggedTensor of one ragged axis more."""
        if static == 0:
            dims = None if self._spec.shape.rank is None else self._spec.shape.as_list()
            inner = [] if dims is None else [size or 0 for size in dims[self._depth + 1 :]]
            none = zeros([0], self._spec.row_splits_dtype)
            empty = zeros([0, *inner], self._spec.dtype)
            return RaggedTensor.from_nested_row_lengths(empty, [none] * (self._depth + 1), validate=False)
        lengths = [arrays[1].stack(), *(array.concat() for array in arrays[2:])]
        return RaggedTensor.from_nested_row_lengths(arrays[0].concat(), lengths, validate=False)
