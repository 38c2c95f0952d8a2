"""Arrays of tensors that are written and read by index, in loops above all.

In a graph a TensorArray is a list value (`penstock.ops.data_flow.tensor_list`) that each write replaces, so that
gradients flow through it, also where it is a variable of a loop. Eagerly it is a Python list.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core import nest
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import DType, as_dtype, float32, int32, int64, variant
from penstock.core.errors import InvalidArgumentError, OutOfRangeError
from penstock.core.graph import current_graph, name_scope
from penstock.core.inference import static_value
from penstock.core.op_def import lookup
from penstock.core.shape import TensorShape
from penstock.core.tensor import EagerTensor, Tensor
from penstock.core.type_spec import TensorSpec, TypeSpec, register_type_spec_from_value_converter
from penstock.ops.constant import identity, no_op
from penstock.ops.data_flow.tensor_list import (
    tensor_list_concat_v2_op,
    tensor_list_from_tensor_op,
    tensor_list_gather_op,
    tensor_list_get_item_op,
    tensor_list_length_op,
    tensor_list_reserve_op,
    tensor_list_scatter_into_existing_list_op,
    tensor_list_set_item_op,
    tensor_list_split_op,
    tensor_list_stack_op,
)


class TensorArray:
    """An array of tensors of one type.

    Use what `write`, `unstack`, `scatter` and `split` return in place of the array from then on.

    Args:
        dtype: the type of the elements.
        size: the number of elements; a number or an int32 scalar.
        dynamic_size: whether writes past the end make the array longer.
        clear_after_read: whether an element can be read only once (the default); checked in eager execution alone.
        tensor_array_name: accepted; arrays are not shared by name.
        handle: accepted; arrays have no handle.
        flow: the list value of an existing array, in place of `size`.
        infer_shape: whether all elements must have one shape, that of the first one written.
        element_shape: what is known of the shapes of all elements.
        colocate_with_first_write_call: accepted.
        name: the name scope.
    Raises:
        ValueError: if neither `size` nor `flow` is given.

    >>> import penstock as tf
    >>> squares = tf.TensorArray(tf.int32, size=3)
    >>> for i in range(3):
    ...     squares = squares.write(i, i * i)
    >>> squares.stack().numpy().tolist()
    [0, 1, 4]
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> TensorArray:
        """Return an array for the way of execution that is current."""
        if cls is TensorArray:
            cls = _EagerTensorArray if current_graph() is None else _GraphTensorArray
        return super().__new__(cls)

    def __init__(
        self,
        dtype: Any,
        size: Any = None,
        dynamic_size: bool | None = None,
        clear_after_read: bool | None = None,
        tensor_array_name: str | None = None,
        handle: Any = None,
        flow: Any = None,
        infer_shape: bool = True,
        element_shape: Any = None,
        colocate_with_first_write_call: bool = True,
        name: str | None = None,
    ) -> None:
        self._dtype = as_dtype(dtype).base_dtype
        self._dynamic_size = bool(dynamic_size)
        self._clears = clear_after_read is None or bool(clear_after_read)
        self._infers = infer_shape
        self._known_shape = [TensorShape(element_shape)]  # shared with the arrays that writes return
        self._colocates = colocate_with_first_write_call
        self._start(size, flow, name)

    def _start(self, size: Any, flow: Any, name: str | None) -> None:
        raise AssertionError("TensorArray makes one of its subclasses")

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self._dtype

    @property
    def dynamic_size(self) -> bool:
        """Whether writes past the end make the array longer."""
        return self._dynamic_size

    @property
    def element_shape(self) -> TensorShape:
        """What is known of the shapes of all elements."""
        return self._known_shape[0]

    @property
    def handle(self) -> None:
        """None: arrays are values and have no handle."""
        return None

    @property
    def flow(self) -> Tensor:
        """The array as a tensor that can be passed around: a list value in a graph."""
        raise AssertionError("TensorArray makes one of its subclasses")

    def _agree(self, shape: TensorShape, error: str) -> None:
        """Check an element's shape against those before it, and remember it."""
        known = self._known_shape[0]
        if not known.is_compatible_with(shape):
            raise ValueError(
                error.format(shape, known) + " All elements of a TensorArray must have one shape, unless it is made "
                "with infer_shape=False."
            )
        if self._infers:
            self._known_shape[0] = known.merge_with(shape)

    def _wrong_type(self, value: Tensor) -> str:
        return (
            f"TensorArray dtype is {self._dtype.name} but Op is trying to write dtype {value.dtype.name}. "
            "Use tf.cast, or make the array with the other dtype."
        )

    def identity(self) -> TensorArray:
        """Return an array with the same elements."""
        raise AssertionError("TensorArray makes one of its subclasses")

    def grad(self, source: str, flow: Any = None, name: str | None = None) -> TensorArray:
        """Refuse: gradients of arrays are built by `tf.gradients` and tapes, from values alone.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError(
            f"TensorArray.grad({source!r}) is not supported: arrays are values here, and have no gradient array. "
            "Use tf.gradients or tf.GradientTape on what is read from the array."
        )

    def read(self, index: Any, name: str | None = None) -> Tensor:
        """Return the element at a position.

        Args:
            index: an int32 scalar.
            name: the name of the node.
        Raises:
            OutOfRangeError, InvalidArgumentError: if there is no such element, or it was read before and cleared.
        """
        raise AssertionError("TensorArray makes one of its subclasses")

    def write(self, index: Any, value: Any, name: str | None = None) -> TensorArray:
        """Return the array with an element written.

        Args:
            index: an int32 scalar.
            value: the element.
            name: the name of the node.
        Raises:
            OutOfRangeError, InvalidArgumentError: if there is no such element.
            ValueError: if the shape does not fit.
        """
        raise AssertionError("TensorArray makes one of its subclasses")

    def stack(self, name: str | None = None) -> Tensor:
        """Return all elements as one tensor with a new first axis."""
        raise AssertionError("TensorArray makes one of its subclasses")

    def gather(self, indices: Any, name: str | None = None) -> Tensor:
        """Return some elements as one tensor with a new first axis.

        Args:
            indices: an int32 vector.
            name: the name of the node.
        """
        raise AssertionError("TensorArray makes one of its subclasses")

    def concat(self, name: str | None = None) -> Tensor:
        """Return all elements, of rank 1 or more, as one tensor along their first axis."""
        raise AssertionError("TensorArray makes one of its subclasses")

    def unstack(self, value: Any, name: str | None = None) -> TensorArray:
        """Return the array whose elements are the rows of a tensor.

        Args:
            value: a tensor of rank 1 or more.
            name: the name of the node.
        """
        raise AssertionError("TensorArray makes one of its subclasses")

    def scatter(self, indices: Any, value: Any, name: str | None = None) -> TensorArray:
        """Return the array with the rows of a tensor written to some positions.

        Args:
            indices: an int32 vector, one position for each row.
            value: a tensor of rank 1 or more.
            name: the name of the node.
        """
        raise AssertionError("TensorArray makes one of its subclasses")

    def split(self, value: Any, lengths: Any, name: str | None = None) -> TensorArray:
        """Return the array whose elements are consecutive parts of a tensor.

        Args:
            value: a tensor of rank 1 or more.
            lengths: how many rows each part has.
            name: the name of the node.
        """
        raise AssertionError("TensorArray makes one of its subclasses")

    def size(self, name: str | None = None) -> Tensor:
        """Return the number of elements, an int32 scalar."""
        raise AssertionError("TensorArray makes one of its subclasses")

    def close(self, name: str | None = None) -> Any:
        """Return an operation that does nothing: an array that nobody holds is freed by itself."""
        raise AssertionError("TensorArray makes one of its subclasses")


class _GraphTensorArray(TensorArray):
    """An array that is a list value of a graph."""

    def _start(self, size: Any, flow: Any, name: str | None) -> None:
        self._size = size
        if flow is not None:
            self._flow = convert_to_tensor(flow)
            return
        if size is None:
            raise ValueError("TensorArray needs a size: pass size=, or flow= of an existing array")
        with name_scope(name, "TensorArrayV2", [size]) as scope:
            self._flow = tensor_list_reserve_op(
                self._element_sizes(), convert_to_tensor(size, int32), element_dtype=self._dtype, name=scope
            )

    @property
    def flow(self) -> Tensor:
        return self._flow

    def _element_sizes(self) -> np.ndarray:
        dims = self.element_shape.as_tuple()
        return np.asarray(-1 if dims is None else [-1 if size is None else size for size in dims], np.int32)

    def _with_flow(self, flow: Any) -> TensorArray:
        result: Any = _GraphTensorArray.__new__(_GraphTensorArray)
        result.__dict__.update(self.__dict__)
        result._flow = flow
        return result

    def _converted(self, value: Any) -> Tensor:
        # An element of another type is found when the graph runs, by the kernel that writes it.
        return convert_to_tensor(value, preferred_dtype=self._dtype)

    def identity(self) -> TensorArray:
        return self._with_flow(identity(self._flow))

    def read(self, index: Any, name: str | None = None) -> Tensor:
        with name_scope(name, "TensorArrayV2Read", [self._flow, index]):
            return tensor_list_get_item_op(self._flow, index, self._element_sizes(), element_dtype=self._dtype)

    def write(self, index: Any, value: Any, name: str | None = None) -> TensorArray:
        with name_scope(name, "TensorArrayV2Write", [self._flow, index, value]):
            item = self._converted(value)
            self._agree(item.shape, "Inconsistent shapes: saw {} but expected {}.")
            return self._with_flow(
                tensor_list_set_item_op(self._flow, index, item, resize_if_index_out_of_bounds=self._dynamic_size)
            )

    def stack(self, name: str | None = None) -> Tensor:
        with name_scope(name, "TensorArrayV2Stack", [self._flow]):
            count = None if self._dynamic_size or self._size is None else static_value(self._size_tensor())
            return tensor_list_stack_op(
                self._flow,
                self._element_sizes(),
                element_dtype=self._dtype,
                num_elements=-1 if count is None else int(count),
            )

    def _size_tensor(self) -> Tensor:
        return convert_to_tensor(self._size, int32)

    def gather(self, indices: Any, name: str | None = None) -> Tensor:
        return tensor_list_gather_op(self._flow, indices, self._element_sizes(), element_dtype=self._dtype, name=name)

    def concat(self, name: str | None = None) -> Tensor:
        dims = self.element_shape.as_tuple()
        sizes = -1 if dims is None else [-1, *(-1 if size is None else size for size in dims[1:])]
        return tensor_list_concat_v2_op(
            self._flow,
            np.asarray(sizes, np.int32),
            np.zeros([0], np.int64),
            element_dtype=self._dtype,
            name=name,
        ).tensor

    def unstack(self, value: Any, name: str | None = None) -> TensorArray:
        with name_scope(name, "TensorArrayUnstack", [self._flow, value]):
            tensor = self._converted(value)
            self._agree(tensor.shape[1:], "Inconsistent shapes: saw {} but expected {}.")
            dims = tensor.shape[1:].as_tuple()
            sizes = -1 if dims is None else [-1 if size is None else size for size in dims]
            return self._with_flow(tensor_list_from_tensor_op(tensor, np.asarray(sizes, np.int32)))

    def scatter(self, indices: Any, value: Any, name: str | None = None) -> TensorArray:
        with name_scope(name, "TensorArrayScatter", [self._flow, value, indices]):
            tensor = self._converted(value)
            self._agree(tensor.shape[1:], "Inconsistent shapes: saw {} but expected {}.")
            return self._with_flow(tensor_list_scatter_into_existing_list_op(self._flow, tensor, indices))

    def split(self, value: Any, lengths: Any, name: str | None = None) -> TensorArray:
        with name_scope(name, "TensorArraySplit", [self._flow, value, lengths]):
            tensor = self._converted(value)
            counts = convert_to_tensor(lengths, preferred_dtype=int64)
            if counts.dtype.base_dtype != int64:
                counts = lookup("Cast")(counts, DstT=int64)  # type: ignore[operator]
            known = tensor.shape.as_tuple()
            sizes = -1 if known is None else [-1, *(-1 if size is None else size for size in known[1:])]
            parts = static_value(counts)
            if self._infers and known is not None:
                same = parts is not None and len(set(parts.tolist())) == 1
                self._agree(
                    TensorShape([parts.tolist()[0] if same else None, *known[1:]]),
                    "Inconsistent shapes: saw {} but expected {}.",
                )
            return self._with_flow(tensor_list_split_op(tensor, np.asarray(sizes, np.int32), counts))

    def size(self, name: str | None = None) -> Tensor:
        if not self._dynamic_size and self._size is not None:
            return self._size_tensor()
        return tensor_list_length_op(self._flow, name=name)

    def close(self, name: str | None = None) -> Any:
        return no_op(name=name)


class _EagerTensorArray(TensorArray):
    """An array of eager tensors; writes change it."""

    def _start(self, size: Any, flow: Any, name: str | None) -> None:
        if size is None:
            raise ValueError("Size must be declared for TensorArrays when eager execution is enabled.")
        self._items: list[Any] = [None] * int(size)
        self._read: set[int] = set()  # positions of elements that were read and cleared
        self._flow = convert_to_tensor(0)

    @property
    def flow(self) -> Tensor:
        return self._flow

    def identity(self) -> TensorArray:
        return self

    def _converted(self, value: Any) -> Tensor:
        tensor = value if isinstance(value, EagerTensor) else convert_to_tensor(value, preferred_dtype=self._dtype)
        if tensor.dtype != self._dtype:
            raise InvalidArgumentError(None, None, self._wrong_type(tensor))
        return tensor

    def _blank(self, index: int) -> Tensor:
        """Return an element, zeros where nothing was written."""
        item = self._items[index]
        if item is not None:
            return item
        if not self.element_shape.is_fully_defined():
            raise ValueError(
                f"Element {index} of the TensorArray was not written, and its shape {self.element_shape} is not fully "
                "known: cannot convert a partially known TensorShape to a Tensor of zeros. Write the element first, "
                "or pass element_shape."
            )
        return lookup("Fill")(  # type: ignore[operator]
            np.asarray(self.element_shape.as_list(), np.int32), np.zeros((), self._dtype.as_numpy_dtype)
        )

    def read(self, index: Any, name: str | None = None) -> Tensor:
        index = int(index)
        if index < 0:
            raise OutOfRangeError(None, None, f"Reading from negative indices (index {index}) is not allowed.")
        if index >= len(self._items):
            raise OutOfRangeError(
                None, None, f"Tried to read from index {index} but array size is: {len(self._items)} "
            )
        if self._items[index] is None and index in self._read:
            raise InvalidArgumentError(
                None,
                None,
                f"Could not read index {index} twice because it was cleared after a previous read "
                "(perhaps try setting clear_after_read = false?)",
            )
        value = self._blank(index)
        if self._clears:
            self._items[index] = None
            self._read.add(index)
        return value

    def write(self, index: Any, value: Any, name: str | None = None) -> TensorArray:
        index = int(index)
        if index < 0:
            raise OutOfRangeError(None, None, f"Writing to negative indices (index {index}) is not allowed.")
        size = len(self._items)
        if index >= size:
            if not self._dynamic_size:
                raise OutOfRangeError(
                    None,
                    None,
                    f"Tried to write to index {index} but array is not resizeable and size is: {size} ",
                )
            self._items.extend([None] * (index - size + 1))
        tensor = self._converted(value)
        self._agree(tensor.shape, "Incompatible shape for value ({}), expected ({}).")
        self._items[index] = tensor
        return self

    def stack(self, name: str | None = None) -> Tensor:
        return self._stacked(range(len(self._items)))

    def _stacked(self, positions: Any) -> Tensor:
        items = [self._blank(position) for position in positions]
        if items:
            return lookup("Pack")(items, axis=0)  # type: ignore[operator]
        sizes = self.element_shape.as_list() if self.element_shape.is_fully_defined() else []
        return lookup("Fill")(  # type: ignore[operator]
            np.asarray([0, *sizes], np.int32), np.zeros((), self._dtype.as_numpy_dtype)
        )

    def gather(self, indices: Any, name: str | None = None) -> Tensor:
        positions = np.asarray(indices).reshape(-1).tolist()
        wrong = [position for position in positions if not 0 <= position < len(self._items)]
        if wrong:
            raise IndexError(f"Tried to gather index {wrong[0]} but array size is: {len(self._items)}")
        return self._stacked(positions)

    def concat(self, name: str | None = None) -> Tensor:
        items = [self._blank(position) for position in range(len(self._items))]
        if len(items) == 1:
            return items[0]
        return lookup("ConcatV2")(items, 0)  # type: ignore[operator]

    def unstack(self, value: Any, name: str | None = None) -> TensorArray:
        tensor = self._converted(value)
        if tensor.shape.rank == 0:
            raise ValueError(f"Argument `axis` = 0 not in range [0, 0): unstack needs rows, got the scalar {tensor!r}")
        count = tensor.shape.as_list()[0] or 0
        if count > len(self._items) and not self._dynamic_size:
            raise ValueError(f"Cannot unstack {count} tensors into a TensorArray of static size {len(self._items)} ")
        self._agree(tensor.shape[1:], "Incompatible shape for value ({}), expected ({}).")
        parts = lookup("Unpack")(tensor, num=count, axis=0) if count else []  # type: ignore[operator]
        self._items = [*parts, *[None] * (len(self._items) - count)]
        self._read = set()
        return self

    def scatter(self, indices: Any, value: Any, name: str | None = None) -> TensorArray:
        tensor = self._converted(value)
        positions = np.asarray(indices).reshape(-1).tolist()
        rows = lookup("Unpack")(tensor, num=tensor.shape.as_list()[0], axis=0)  # type: ignore[operator]
        for position, row in zip(positions, rows, strict=True):
            self.write(position, row)
        return self

    def split(self, value: Any, lengths: Any, name: str | None = None) -> TensorArray:
        tensor = self._converted(value)
        counts = np.asarray(lengths).reshape(-1).tolist()
        dims = tensor.shape.as_list()
        if sum(counts) != dims[0]:
            raise InvalidArgumentError(
                None,
                None,
                "Expected sum of lengths to be equal to values.shape[0], but sum of lengths is "
                f"{sum(counts)} and value's shape is: {dims} ",
            )
        if len(counts) != len(self._items) and not self._dynamic_size:
            raise InvalidArgumentError(
                None,
                None,
                f"TensorArray's size is not equal to the size of lengths ({len(self._items)} vs. {len(counts)}), and "
                "the TensorArray is not marked as dynamically resizeable.",
            )
        parts = lookup("SplitV")(tensor, np.asarray(counts, np.int64), 0, num_split=len(counts))  # type: ignore[operator]
        self._items = list(parts)
        self._read = set()
        return self

    def size(self, name: str | None = None) -> Tensor:
        return convert_to_tensor(len(self._items), int32)

    def close(self, name: str | None = None) -> None:
        self._items = []
        self._read = set()


def _components(array: TensorArray) -> tuple[Tensor]:
    return (array.flow,)


def _rebuilt(array: TensorArray, components: Any) -> TensorArray:
    return array._with_flow(components[0]) if isinstance(array, _GraphTensorArray) else array


nest.register_composite(TensorArray, _components, _rebuilt)


class TensorArraySpec(TypeSpec):
    """The type of a TensorArray.

    Args:
        element_shape: what is known of the shapes of all elements.
        dtype: the type of the elements.
        dynamic_size: whether writes past the end make the array longer.
        infer_shape: whether all elements have one shape.
    """

    __slots__ = ("_dtype", "_dynamic_size", "_element_shape", "_infer_shape")

    def __init__(
        self, element_shape: Any = None, dtype: Any = float32, dynamic_size: bool = False, infer_shape: bool = True
    ) -> None:
        self._element_shape = TensorShape(element_shape)
        self._dtype = as_dtype(dtype)
        self._dynamic_size = dynamic_size
        self._infer_shape = infer_shape

    @staticmethod
    def from_value(value: TensorArray) -> TensorArraySpec:
        """Return the spec of an array.

        Raises:
            TypeError: if `value` is none.
        """
        if not isinstance(value, TensorArray):
            raise TypeError(f"Expected value to be a TensorArray, but got: {type(value)}.")
        return TensorArraySpec(value.element_shape, value.dtype, value.dynamic_size, value._infers)

    @property
    def value_type(self) -> type:
        return TensorArray

    def _serialize(self) -> tuple[Any, ...]:
        return self._element_shape, self._dtype, self._dynamic_size, self._infer_shape

    @property
    def _component_specs(self) -> Any:
        return [TensorSpec([], variant)]

    def _to_components(self, value: Any) -> Any:
        return [value.flow]

    def _from_components(self, components: Any) -> Any:
        return TensorArray(
            self._dtype,
            flow=components[0],
            dynamic_size=self._dynamic_size,
            infer_shape=self._infer_shape,
            element_shape=self._element_shape,
        )


register_type_spec_from_value_converter(TensorArray, TensorArraySpec.from_value)
