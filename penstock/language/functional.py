"""Functions over the rows of tensors: `map_fn`, `scan`, `foldl`, `foldr`; and `switch_case`.

They are loops over TensorArrays, in a graph as well as eagerly, and have gradients like any loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock.core import nest
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import as_dtype, int32, int64
from penstock.core.errors import InvalidArgumentError
from penstock.core.func_graph import FuncGraph
from penstock.core.graph import current_graph, get_default_graph, name_scope
from penstock.core.op_def import lookup
from penstock.core.shape import TensorShape
from penstock.core.shape_rules import ShapeError, merge_dim
from penstock.core.sparse_tensor import SparseTensor, SparseTensorSpec
from penstock.core.tensor import Tensor
from penstock.core.type_spec import CompositeTensor
from penstock.language.control_flow import switch_on_index, while_loop
from penstock.language.extension_type import BatchableExtensionType, BatchableExtensionTypeSpec
from penstock.language.ragged_rows import RaggedResults, RaggedRows, leading_size
from penstock.language.tensor_array import TensorArray
from penstock.ops.constant import stop_gradient
from penstock.ops.ragged.ragged_tensor import RaggedTensor, RaggedTensorSpec
from penstock.ops.sparse.arranging import retain


def _callable(function: Any, label: str) -> None:
    if not callable(function):
        raise TypeError(f"{label} is not callable: {function!r}. Pass a function of tensors.")


def _rows(elems: Any) -> tuple[list[Tensor], int | None, Any]:
    """Return the tensors of a nest, and their number of rows: as it is known now, and as a number or tensor."""
    tensors = [convert_to_tensor(item, name="elem") for item in nest.flatten(elems)]
    if not tensors:
        raise ValueError("elems must contain at least one tensor, got none")
    static: int | None = None
    for tensor in tensors:
        dims = tensor.dims
        if dims == ():
            raise ValueError(f"Elements in elems must be 1+ dimensional Tensors, not scalars: {tensor!r}")
        try:
            static = merge_dim(static, None if dims is None else dims[0], "first dimensions")
        except ShapeError:
            raise ValueError(
                f"Dimensions {static} and {dims[0] if dims else None} are not compatible: all of elems must have as "
                "many rows"
            ) from None
    count = static if static is not None else lookup("Shape")(tensors[0])[0]  # type: ignore[operator]
    return tensors, static, count


def _unstacked(tensors: Sequence[Tensor], count: Any) -> list[TensorArray]:
    return [
        TensorArray(t.dtype.base_dtype, size=count, dynamic_size=False, infer_shape=True).unstack(t) for t in tensors
    ]


def _finished(arrays: Sequence[TensorArray], static: int | None, like: Any, back_prop: bool) -> Any:
    """Return arrays as tensors with as many rows as there are elements, nested as `like`."""
    results = []
    for array in arrays:
        tensor = _stacked(array, static)
        results.append(tensor if back_prop else stop_gradient(tensor))
    return nest.pack_sequence_as(like, results)


def _dtype_and_shape(signature: Any) -> tuple[Any, Any]:
    shape = getattr(signature, "shape", None)
    return (as_dtype(signature.dtype), shape) if hasattr(signature, "dtype") else (as_dtype(signature), None)


class _DenseRows:
    """The rows of a dense tensor, one by one."""

    def __init__(self, tensor: Tensor, count: Any) -> None:
        self._array = _unstacked([tensor], count)[0]

    def read(self, index: Any) -> Any:
        """Return a row."""
        return self._array.read(index)


class _SparseRows:
    """The rows of a sparse tensor, one by one: sparse tensors of a rank less."""

    def __init__(self, sparse: SparseTensor, count: Any) -> None:
        self._sparse = sparse

    def read(self, index: Any) -> SparseTensor:
        """Return a row."""
        sparse = self._sparse
        inside = lookup("Equal")(sparse.indices[:, 0], lookup("Cast")(index, DstT=int64))  # type: ignore[operator]
        row = retain(sparse, inside)
        result = SparseTensor(row.indices[:, 1:], row.values, row.dense_shape[1:])
        if sparse.shape.rank is not None:
            result.set_shape(sparse.shape[1:])
        return result


class _DenseResults:
    """What is collected of a dense result: its rows."""

    def __init__(self, dtype: Any, shape: Any, infer_shape: bool) -> None:
        self.dtype = dtype
        self._shape = shape
        self._infer_shape = infer_shape

    def start(self, count: Any) -> list[TensorArray]:
        """Return what collects `count` rows."""
        return [
            TensorArray(
                self.dtype, size=count, dynamic_size=False, infer_shape=self._infer_shape, element_shape=self._shape
            )
        ]

    def write(self, arrays: Sequence[TensorArray], index: Any, value: Any) -> list[TensorArray]:
        """Return what has collected a further row."""
        return [arrays[0].write(index, _of_type(value, self.dtype))]

    def finish(self, arrays: Sequence[TensorArray], static: int | None) -> Any:
        """Return all rows as a tensor."""
        return _stacked(arrays[0], static)


class _SparseResults:
    """What is collected of a sparse result: positions with the number of the row before them, values, and shapes."""

    def __init__(self, dtype: Any, shape: TensorShape) -> None:
        self.dtype = dtype
        self._shape = shape

    def start(self, count: Any) -> list[TensorArray]:
        """Return what collects `count` rows."""
        rank = self._shape.rank
        wide = None if rank is None else rank + 1
        parts = ((int64, [None, wide]), (self.dtype, [None]), (int64, [rank]))
        return [
            TensorArray(kind, size=count, dynamic_size=False, infer_shape=False, element_shape=TensorShape(shape))
            for kind, shape in parts
        ]

    def write(self, arrays: Sequence[TensorArray], index: Any, value: Any) -> list[TensorArray]:
        """Return what has collected a further row."""
        if not isinstance(value, SparseTensor):
            raise TypeError(f"The function was to return a SparseTensor, as its signature says, but returned {value!r}")
        row = lookup("Cast")(index, DstT=int64)  # type: ignore[operator]
        front = lookup("ZerosLike")(value.indices[:, :1]) + row  # type: ignore[operator]
        if self._shape.rank == 0:
            count = lookup("Shape")(value.values, out_type=int64)  # type: ignore[operator]
            front = lookup("ExpandDims")(lookup("Fill")(count, row), 1)  # type: ignore[operator]
        positions = lookup("ConcatV2")([front, value.indices], 1)  # type: ignore[operator]
        parts = (positions, value.values, value.dense_shape)
        return [array.write(index, part) for array, part in zip(arrays, parts, strict=True)]

    def finish(self, arrays: Sequence[TensorArray], static: int | None) -> SparseTensor:
        """Return all rows as a sparse tensor, whose sizes are the largest of all."""
        positions, values, shapes = arrays[0].concat(), arrays[1].concat(), arrays[2].stack()
        count = lookup("Shape")(shapes, out_type=int64)[:1]  # type: ignore[operator]
        largest = lookup("Max")(shapes, [0])  # type: ignore[operator]
        result = SparseTensor(positions, values, lookup("ConcatV2")([count, largest], 0))  # type: ignore[operator]
        result.set_shape(TensorShape([static]).concatenate(self._shape))
        return result


def _stacked(array: TensorArray, static: int | None) -> Tensor:
    tensor = array.stack()
    if static is not None and current_graph() is not None:
        tensor.set_shape(TensorShape([static]).concatenate(array.element_shape))  # type: ignore[attr-defined]
    return tensor


# How values of further kinds are taken apart into rows, and collected: class -> (rows of a value and their number,
# results of a spec). Dense and sparse tensors are built in.
_row_kinds: list[tuple[type, type, Callable[..., Any], Callable[..., Any], Callable[[Any], Any]]] = []


def register_row_kind(
    value_type: type,
    spec_type: type,
    rows: Callable[[Any, Any], Any],
    results: Callable[[Any], Any],
    leading: Callable[[Any], Any],
) -> None:
    """Register how `map_fn` takes values of a class apart into rows, and collects them.

    Args:
        value_type: the class.
        spec_type: the class of its specs.
        rows: (value, number of rows) -> an object with `read(index)`, which returns a row.
        results: spec of a row -> an object with `start(count)`, which returns TensorArrays, `write(arrays, index,
            value)`, which returns those after a further row, and `finish(arrays, static count)`.
        leading: value -> the number of its rows: an int if it is known while the graph is built, else a tensor.
    """
    _row_kinds.append((value_type, spec_type, rows, results, leading))


def _sparse_leading(sparse: SparseTensor) -> Any:
    static = sparse.shape.as_list()[0] if sparse.shape.rank else None
    return lookup("Cast")(sparse.dense_shape[0], DstT=int32) if static is None else static  # type: ignore[operator]


register_row_kind(
    SparseTensor,
    SparseTensorSpec,
    _SparseRows,
    lambda spec: _SparseResults(spec.dtype, spec.shape),
    _sparse_leading,
)


class _ExtensionRows:
    """The rows of a batchable extension type, one by one."""

    def __init__(self, value: BatchableExtensionType, count: Any) -> None:
        self._spec = value._type_spec
        self._parts = _all_rows(list(self._spec._to_components(value)))[0]

    def read(self, index: Any) -> Any:
        """Return a row."""
        return self._spec._unbatch()._from_components([part.read(index) for part in self._parts])


class _ExtensionResults:
    """What is collected of results of a batchable extension type: what is collected of each of their values."""

    def __init__(self, spec: Any) -> None:
        self._spec = spec
        self._parts = [_collector(part, True) for part in spec._component_specs]

    def start(self, count: Any) -> list[Any]:
        """Return what collects `count` rows."""
        return [part.start(count) for part in self._parts]

    def write(self, arrays: Sequence[Any], index: Any, value: Any) -> list[Any]:
        """Return what has collected a further row."""
        if not self._spec.is_compatible_with(value):
            raise TypeError(f"The function was to return {self._spec!r}, but returned {value!r}")
        rows = zip(self._parts, arrays, self._spec._to_components(value), strict=True)
        return [part.write(held, index, item) for part, held, item in rows]

    def finish(self, arrays: Sequence[Any], static: int | None) -> Any:
        """Return all rows as one value."""
        stacked = [part.finish(held, static) for part, held in zip(self._parts, arrays, strict=True)]
        return self._spec._batch(static)._from_components(stacked)


def _extension_leading(value: BatchableExtensionType) -> Any:
    _, static, count = _all_rows(list(value._type_spec._to_components(value)))
    return count if static is None else static


register_row_kind(
    BatchableExtensionType, BatchableExtensionTypeSpec, _ExtensionRows, _ExtensionResults, _extension_leading
)
register_row_kind(RaggedTensor, RaggedTensorSpec, RaggedRows, RaggedResults, leading_size)


def _all_rows(elems: Any) -> tuple[list[Any], int | None, Any]:
    """Return readers of the rows of a nest's values, and the number of rows, known now or as a tensor."""
    items = nest.flatten(elems)
    if not items:
        raise ValueError("elems must contain at least one tensor, got none")
    kinds = [next((kind for kind in _row_kinds if isinstance(item, kind[0])), None) for item in items]
    dense = [item for item, kind in zip(items, kinds, strict=True) if kind is None]
    tensors, static, count = _rows(dense) if dense else ([], None, None)
    for item, kind in zip(items, kinds, strict=True):
        if kind is None:
            continue
        leading = kind[4](item)
        if isinstance(leading, int):
            if static is not None and leading != static:
                raise ValueError(
                    f"Dimensions {static} and {leading} are not compatible: all of elems must have as many rows"
                )
            static, count = leading, leading
        elif count is None:
            count = leading
    remaining = iter(tensors)
    readers = [
        _DenseRows(next(remaining), count) if kind is None else kind[2](item, count)
        for item, kind in zip(items, kinds, strict=True)
    ]
    return readers, static, count


def _collector(signature: Any, infer_shape: bool) -> Any:
    """Return what collects results of a signature: a DType, or the spec of one result."""
    for _, spec_type, _, results, _ in _row_kinds:
        if isinstance(signature, spec_type):
            return results(signature)
    dtype, shape = _dtype_and_shape(signature)
    return _DenseResults(dtype, shape, infer_shape)


def _row_signature(item: Any) -> Any:
    """Return the signature of a row of `item`."""
    if isinstance(item, CompositeTensor):
        spec: Any = item._type_spec
        return spec._unbatch()
    return convert_to_tensor(item).dtype.base_dtype


def map_fn(
    fn: Callable[..., Any],
    elems: Any,
    dtype: Any = None,
    parallel_iterations: int | None = None,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    name: str | None = None,
    fn_output_signature: Any = None,
) -> Any:
    """Apply a function to each row of tensors, and stack what it returns.

    Args:
        fn: from a row (nested as `elems`) to a nest of tensors.
        elems: a tensor, or a nest of tensors with equally many rows.
        dtype: the former name of `fn_output_signature`.
        parallel_iterations, swap_memory: accepted.
        back_prop: whether gradients flow.
        infer_shape: whether all results have one shape, which is taken from the first.
        name: the name scope.
        fn_output_signature: the types of what `fn` returns, nested alike, as DTypes or TensorSpecs; by default those of
            `elems`.
    Returns:
        What `fn` returns, stacked along a new first axis.
    Raises:
        TypeError: if `fn` is not callable.
        ValueError: if `elems` is empty, has scalars, or numbers of rows differ.

    >>> import penstock as tf
    >>> tf.map_fn(lambda row: tf.reduce_sum(row), tf.constant([[1, 2], [3, 4]])).numpy().tolist()
    [3, 7]
    """
    _callable(fn, "fn")
    signature = dtype if fn_output_signature is None else fn_output_signature
    with name_scope(name, "map", nest.flatten(elems, expand_composites=True)):
        rows, static, count = _all_rows(elems)
        like = elems if signature is None else signature
        items = nest.flatten(like)
        collectors = [_collector(_row_signature(i) if signature is None else i, infer_shape) for i in items]

        def body(i: Any, arrays: Any) -> Any:
            value = fn(nest.pack_sequence_as(elems, [row.read(i) for row in rows]))
            nest.assert_same_structure(like, value)
            results = zip(collectors, arrays, nest.flatten(value), strict=True)
            return i + 1, [collector.write(group, i, item) for collector, group, item in results]

        _, arrays = while_loop(
            lambda i, _: i < count,
            body,
            (convert_to_tensor(0), [collector.start(count) for collector in collectors]),
            parallel_iterations=parallel_iterations or 10,
            back_prop=back_prop,
            swap_memory=swap_memory,
            maximum_iterations=count,
        )
        stacked = [collector.finish(group, static) for collector, group in zip(collectors, arrays, strict=True)]
        return nest.pack_sequence_as(like, stacked if back_prop else [stop_gradient(item) for item in stacked])


def _of_type(value: Any, dtype: Any) -> Any:
    return value if isinstance(value, Tensor) else convert_to_tensor(value, preferred_dtype=dtype)


def scan(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    reverse: bool = False,
    name: str | None = None,
) -> Any:
    """Combine the rows of tensors one after the other, and return all that was accumulated on the way.

    Args:
        fn: from what was accumulated and the next row to what is accumulated then, nested as `initializer`.
        elems: a tensor, or a nest of tensors with equally many rows.
        initializer: what is accumulated before the first row; without it, the first row is.
        parallel_iterations, swap_memory: accepted.
        back_prop: whether gradients flow.
        infer_shape: whether what is accumulated keeps its shape.
        reverse: whether to start with the last row.
        name: the name scope.
    Returns:
        What was accumulated after each row, stacked in the order of the rows.
    Raises:
        TypeError: if `fn` is not callable.
        ValueError: if `fn` returns another structure than it was given.
    """
    _callable(fn, "fn")
    with name_scope(name, "scan", nest.flatten(elems)):
        tensors, static, count = _rows(elems)
        rows = _unstacked(tensors, count)
        first, last = (0, count) if not reverse else (count - 1, -1)
        step = -1 if reverse else 1
        like = elems if initializer is None else initializer
        if initializer is None:
            accumulated = [row.read(first) for row in rows]
            start = first + step
        else:
            accumulated = [convert_to_tensor(item) for item in nest.flatten(initializer)]
            start = first
        if not infer_shape and current_graph() is not None:
            accumulated = [_of_any_shape(item) for item in accumulated]
        arrays = [
            TensorArray(
                item.dtype.base_dtype,
                size=count,
                dynamic_size=False,
                infer_shape=infer_shape,
                element_shape=item.shape if infer_shape else None,
            )
            for item in accumulated
        ]
        if initializer is None:
            arrays = [array.write(first, item) for array, item in zip(arrays, accumulated, strict=True)]

        def body(i: Any, before: Any, arrays: Any) -> Any:
            row = nest.pack_sequence_as(elems, [row.read(i) for row in rows])
            value = fn(nest.pack_sequence_as(like, before), row)
            nest.assert_same_structure(like, value)
            flat = [_of_type(item, b.dtype.base_dtype) for item, b in zip(nest.flatten(value), before, strict=True)]
            return i + step, flat, [array.write(i, item) for array, item in zip(arrays, flat, strict=True)]

        _, _, arrays = while_loop(
            (lambda i, *_: i > last) if reverse else (lambda i, *_: i < last),
            body,
            (convert_to_tensor(start), accumulated, arrays),
            shape_invariants=None if infer_shape else (TensorShape([]), *_any_shapes(accumulated)),
            parallel_iterations=parallel_iterations,
            back_prop=back_prop,
            swap_memory=swap_memory,
            maximum_iterations=count,
        )
        return _finished(arrays, static, like, back_prop)


def _of_any_shape(tensor: Tensor) -> Tensor:
    return lookup("PlaceholderWithDefault")(tensor, dtype=tensor.dtype.base_dtype, shape=None)  # type: ignore[operator]


def _any_shapes(accumulated: Sequence[Tensor]) -> tuple[list[Any], list[Any]]:
    return [TensorShape(None) for _ in accumulated], [TensorShape(None) for _ in accumulated]


def foldl(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Any:
    """Combine the rows of tensors one after the other, from the first to the last.

    Args:
        fn: from what was accumulated and the next row to what is accumulated then.
        elems: a tensor, or a nest of tensors with equally many rows.
        initializer: what is accumulated before the first row; without it, the first row is.
        parallel_iterations, swap_memory: accepted.
        back_prop: whether gradients flow.
        name: the name scope.
    Returns:
        What is accumulated after the last row.
    Raises:
        TypeError: if `fn` is not callable.
    """
    return _fold(fn, elems, initializer, parallel_iterations, back_prop, swap_memory, name or "foldl", False)


def foldr(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Any:
    """Combine the rows of tensors one after the other, from the last to the first; see `foldl`."""
    return _fold(fn, elems, initializer, parallel_iterations, back_prop, swap_memory, name or "foldr", True)


def _fold(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any,
    parallel_iterations: int,
    back_prop: bool,
    swap_memory: bool,
    name: str,
    reverse: bool,
) -> Any:
    _callable(fn, "fn")
    with name_scope(name, name, nest.flatten(elems)):
        tensors, _, count = _rows(elems)
        rows = _unstacked(tensors, count)
        step = -1 if reverse else 1
        start = count - 1 if reverse else 0
        if initializer is None:
            accumulated = nest.pack_sequence_as(elems, [row.read(start) for row in rows])
            start = start + step
        else:
            accumulated = nest.map_structure(convert_to_tensor, initializer)

        def body(i: Any, before: Any) -> Any:
            return i + step, fn(before, nest.pack_sequence_as(elems, [row.read(i) for row in rows]))

        _, result = while_loop(
            (lambda i, _: i >= 0) if reverse else (lambda i, _: i < count),
            body,
            (convert_to_tensor(start), accumulated),
            parallel_iterations=parallel_iterations,
            back_prop=back_prop,
            swap_memory=swap_memory,
            maximum_iterations=count,
        )
        return result if back_prop else nest.map_structure(stop_gradient, result)


def vectorized_map(fn: Callable[..., Any], elems: Any, fallback_to_while_loop: bool = True, warn: bool = True) -> Any:
    """Apply a function to each row of tensors, and stack what it returns.

    The rows are visited one after the other. Tensors with a single row are paired with every row of the others.

    Args:
        fn: from a row (nested as `elems`) to a nest of tensors, of the same types and shapes for all rows.
        elems: a tensor, or a nest of tensors.
        fallback_to_while_loop, warn: accepted; there is a loop in any case.
    Returns:
        What `fn` returns, stacked along a new first axis.
    Raises:
        ValueError: if numbers of rows differ.
    """
    _callable(fn, "fn")
    with name_scope(None, "vectorized_map"):
        tensors = [convert_to_tensor(item) for item in nest.flatten(elems)]
        single = [t.dims is not None and bool(t.dims) and t.dims[0] == 1 for t in tensors]
        leading = [t for t, one in zip(tensors, single, strict=True) if not one] or tensors[:1]
        _, static, count = _rows(leading)

        def apply(i: Any) -> Any:
            rows = [t[0] if one else t[i] for t, one in zip(tensors, single, strict=True)]
            return nest.map_structure(convert_to_tensor, fn(nest.pack_sequence_as(elems, rows)))

        outline = FuncGraph("vectorized_map_outline", get_default_graph())
        with outline.as_default():
            like = apply(outline.add_input(int32, (), "i"))
        flat = nest.flatten(like)
        if static == 0:
            return nest.pack_sequence_as(like, [_no_rows(t) for t in flat])
        arrays = [TensorArray(t.dtype.base_dtype, size=count, element_shape=t.shape) for t in flat]

        def body(i: Any, arrays: Any) -> Any:
            value = nest.flatten(apply(i))
            return i + 1, [array.write(i, item) for array, item in zip(arrays, value, strict=True)]

        _, arrays = while_loop(lambda i, _: i < count, body, (convert_to_tensor(0), arrays))
        return _finished(arrays, static, like, True)


def _no_rows(like: Tensor) -> Tensor:
    sizes = [0, *(size or 0 for size in like.dims or ())]
    return lookup("Fill")(np.asarray(sizes, np.int32), np.zeros((), like.dtype.base_dtype.as_numpy_dtype))  # type: ignore[operator]


def switch_case(
    branch_index: Any, branch_fns: Any, default: Callable[[], Any] | None = None, name: str = "switch_case"
) -> Any:
    """Run one of several functions, as an index decides.

    Args:
        branch_index: an integer scalar tensor.
        branch_fns: a list of functions, a dictionary from 0, 1, ... to functions, or a list of such pairs.
        default: what runs for any other index; by default the last function.
        name: the name scope.
    Returns:
        What the function returns; all must return the same structure and types.
    Raises:
        TypeError: if the index is not an integer tensor, or a function is not callable.
        ValueError: if the keys are not 0, 1, ...
    """
    functions = _branches(branch_fns)
    if default is not None:
        _callable(default, "default")
        functions.append(default)
    if isinstance(branch_index, (int, np.integer)) and not isinstance(branch_index, bool):
        raise TypeError(f"'branch_index' must be a Tensor, got {type(branch_index)}. Use tf.constant({branch_index}).")
    with name_scope(name, "switch_case", [branch_index]):
        index = convert_to_tensor(branch_index)
        if not index.dtype.is_integer:
            raise TypeError(f"'branch_index' must be an integer Tensor, got {index.dtype!r}")
        if current_graph() is None:
            if index.dims:
                raise InvalidArgumentError(None, None, f"'branch_index' must be a scalar, got the shape {index.shape}")
            number = int(np.asarray(index))
            return functions[number if 0 <= number < len(functions) else -1]()
        if index.dtype.base_dtype != int32:
            raise TypeError(
                f"Input 'branch_index' has type {index.dtype.name} that does not match expected type of int32. Use "
                "tf.cast."
            )
        return switch_on_index(index, functions)


def _branches(branch_fns: Any) -> list[Callable[[], Any]]:
    if not isinstance(branch_fns, (list, tuple, dict)):
        raise TypeError(f"'branch_fns' must be a list, tuple, or dict, got {type(branch_fns)}")
    items = list(branch_fns.items()) if isinstance(branch_fns, dict) else list(branch_fns)
    if not items:
        raise ValueError("'branch_fns' must not be empty: there is nothing to choose from")
    if all(callable(item) for item in items):
        items = list(enumerate(items))
    for item in items:
        if not isinstance(item, (list, tuple)) or len(item) != 2:
            raise TypeError(f"Each entry in 'branch_fns' must be a 2-tuple or a function, got {item!r}")
        key, function = item
        if isinstance(key, Tensor) or not isinstance(key, (int, np.integer)):
            raise TypeError(f"key must be a Python `int`, got {key!r} of type {type(key)}")
        if not callable(function):
            raise TypeError(f"fn for key {key} must be callable, got {function!r}")
    keys = sorted(key for key, _ in items)
    if keys != list(range(len(items))):
        raise ValueError(
            f"branch indices (keys) must form contiguous range of [0 to {len(items)}) but found "
            f"{{{','.join(map(str, keys))}}}"
        )
    return [function for _, function in sorted(items, key=lambda item: item[0])]
