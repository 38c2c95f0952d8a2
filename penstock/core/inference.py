"""Types, shapes and partly known values of outputs, inferred when a node is made."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock.core import array
from penstock.core.dtypes import DType
from penstock.core.op_def import OpDef
from penstock.core.shape import Dims, TensorShape
from penstock.core.shape_rules import num_elements
from penstock.core.tensor import _NOT_COMPUTED, EagerTensor, SymbolicTensor, Tensor

# Values larger than this are not followed while a graph is built: arithmetic on shapes is small.
LARGEST_PARTIAL = 1024


def output_dtypes(op_def: OpDef, attrs: dict[str, Any]) -> list[DType]:
    """Return the types of an operation's outputs, sequences flattened, from its attributes."""
    result: list[DType] = []
    for output in op_def.outputs:
        if output.list_attr is not None:
            result.extend(attrs[output.list_attr])
            continue
        dtype = output.dtype if output.dtype is not None else attrs[output.type_attr]  # type: ignore[index]
        if output.is_ref:
            dtype = dtype._as_ref
        if output.number_attr is not None:
            result.extend([dtype] * attrs[output.number_attr])
        else:
            result.append(dtype)
    return result


def group_inputs(op_def: OpDef, flat: Sequence[Any], attrs: dict[str, Any]) -> list[Any]:
    """Return inputs as the kernel and the rules take them: one item an argument, sequences as lists."""
    if not op_def.has_sequence_input:
        return list(flat)
    grouped: list[Any] = []
    position = 0
    for argument in op_def.inputs:
        if not argument.is_sequence:
            grouped.append(flat[position])
            position += 1
            continue
        size = attrs[argument.number_attr] if argument.number_attr else len(attrs[argument.list_attr])  # type: ignore[index]
        grouped.append(list(flat[position : position + size]))
        position += size
    return grouped


def infer_dims(op_def: OpDef, inputs: Sequence[Tensor], attrs: dict[str, Any], count: int) -> list[Dims]:
    """Return the static shapes of an operation's outputs.

    Args:
        op_def: the operation.
        inputs: its input tensors, flattened.
        attrs: all its attributes.
        count: the number of outputs, flattened.
    Raises:
        ShapeError: if the shapes of the inputs do not fit.
    """
    rule = op_def.shape_rule
    if rule is None:
        return [None] * count
    if op_def.has_host_input or op_def.has_sequence_input:
        arguments = []
        for argument, given in zip(op_def.inputs, group_inputs(op_def, inputs, attrs), strict=True):
            view: Callable[[Tensor], Any] = partial_value if argument.is_host else _dims
            arguments.append([view(item) for item in given] if argument.is_sequence else view(given))
    else:
        arguments = [tensor.dims for tensor in inputs]
    result = rule(*arguments, **{name: attrs[name] for name in op_def.kernel_attributes})
    if op_def.single_output:
        return [_as_tuple(result)]
    flat: list[Dims] = []
    if len(op_def.outputs) == 1:
        result = [result]
    for output, dims in zip(op_def.outputs, result, strict=True):
        if output.is_sequence:
            flat.extend(_as_tuple(item) for item in dims)
        else:
            flat.append(_as_tuple(dims))
    return flat


def _dims(tensor: Tensor) -> Dims:
    return tensor.dims


def _as_tuple(dims: Any) -> Dims:
    return dims if dims is None or type(dims) is tuple else tuple(dims)


def partial_value(tensor: Tensor) -> Any:
    """Return what is known of a tensor's value: nested lists of numbers, None for each unknown element or for all.

    A vector of known length and unknown elements is a list of None, so that the length is not lost.
    """
    if isinstance(tensor, EagerTensor):
        return array.to_python(tensor.value)
    assert isinstance(tensor, SymbolicTensor)
    if tensor._partial is _NOT_COMPUTED:
        tensor._partial = _unknown_of(tensor)  # breaks recursion through loops of imported graphs
        known = _evaluate(tensor)
        if known is not None:
            tensor._partial = known
    return tensor._partial


def _unknown_of(tensor: Tensor) -> Any:
    dims = tensor.dims
    if dims is not None and len(dims) == 1 and dims[0] is not None and dims[0] <= LARGEST_PARTIAL:
        return [None] * dims[0]
    return None


def _evaluate(tensor: SymbolicTensor) -> Any:
    op = tensor.op
    op_def = op.op_def
    if op.type == "Const":
        value = op.attrs["value"]
        return value.tolist() if value.size <= LARGEST_PARTIAL else None
    if op_def.partial_rule is not None:
        return op_def.partial_rule(op)
    if op_def.is_stateful or op_def.injected or not tensor.dtype.is_integer and not tensor.dtype.is_bool:
        return None
    if not op.inputs or len(op.outputs) != 1 or op_def.has_ref_input:
        return None
    size = num_elements(tensor.dims)
    if size is None or size > LARGEST_PARTIAL or any((num_elements(t.dims) or 0) > LARGEST_PARTIAL for t in op.inputs):
        return None
    values = [partial_value(t) for t in op.inputs]
    if not all(is_known(value) for value in values):
        return None
    try:
        return array.to_python(run_kernel(op_def, values_of(op.inputs, values), op.attrs))
    except (RuntimeError, ValueError, TypeError, IndexError, ArithmeticError):
        return None  # the error belongs to the run, where the values may never be asked for


def values_of(tensors: Sequence[Tensor], known: Sequence[Any]) -> list[Any]:
    """Return fully known partial values as runtime values."""
    return [
        array.from_numpy(np.asarray(value, dtype=t.dtype.as_numpy_dtype).reshape(t.shape.as_list()), copy=True)
        for t, value in zip(tensors, known, strict=True)
    ]


def is_known(value: Any) -> bool:
    """Tell whether a partial value has no unknown element."""
    if isinstance(value, list):
        return all(is_known(item) for item in value)
    return value is not None


def run_kernel(op_def: OpDef, values: Sequence[Any], attrs: dict[str, Any]) -> Any:
    """Call the kernel of a stateless operation on runtime values, flattened."""
    arguments = group_inputs(op_def, values, attrs)
    if op_def.has_host_input:
        for position, argument in enumerate(op_def.inputs):
            if argument.is_host:
                given = arguments[position]
                arguments[position] = (
                    [array.to_python(item) for item in given] if argument.is_sequence else array.to_python(given)
                )
    return op_def.kernel(*arguments, **{name: attrs[name] for name in op_def.kernel_attributes})


def static_value(tensor: Any, partial: bool = False) -> Any:
    """Return a tensor's value as a NumPy array if it is known while the graph is built, else None.

    Args:
        tensor: a tensor.
        partial: whether vectors that are known in part may be returned, as object arrays with None for what is unknown.
    """
    if isinstance(tensor, EagerTensor):
        return tensor.numpy()
    if not isinstance(tensor, SymbolicTensor):
        return None
    if tensor.op.type == "Const":
        return np.array(tensor.op.attrs["value"])
    known = partial_value(tensor)
    if known is None:
        return None
    if is_known(known):
        value = np.asarray(known, dtype=tensor.dtype.as_numpy_dtype)
        dims = tensor.dims
        if dims is not None and None not in dims and math.prod(dims) == value.size:  # type: ignore[arg-type]
            value = value.reshape(dims)
        return value
    return np.asarray(known, dtype=object) if partial else None


# The operations through which `constant_value` looks, those that TensorFlow's does.
_LOOKED_THROUGH = frozenset(
    (
        "Cast",
        "Concat",
        "ConcatV2",
        "Equal",
        "Fill",
        "Identity",
        "NotEqual",
        "Pack",
        "Range",
        "Split",
        "StopGradient",
        "Unpack",
    )
)
_FROM_SHAPES = ("Rank", "Shape", "Size")
_LARGEST_CONSTANT = 1 << 24  # elements


def constant_value(tensor: Any, partial: bool = False) -> Any:
    """Return what `static_value` does, for users: None for what TensorFlow's function of that name does not know, since
    programs decide by it whether they go on with Python numbers or with tensors.

    Args:
        tensor: a tensor.
        partial: whether a stack of scalars that is known in part is returned, an object array with None for the rest.
    """
    if not isinstance(tensor, SymbolicTensor) or tensor.op.type == "Const" or tensor.op.type in _FROM_SHAPES:
        return static_value(tensor)
    op = tensor.op
    size = num_elements(tensor.dims)
    if op.type not in _LOOKED_THROUGH or (size is not None and size > _LARGEST_CONSTANT):
        return None
    known = [constant_value(item, partial) for item in op.inputs]
    if partial and op.type == "Pack" and any(item is None for item in known):
        return None if all(item is None for item in known) else np.array(known, dtype=object)
    if any(item is None for item in known):
        return None
    try:
        values = [array.from_numpy(item, copy=True) for item in known]
        results = run_kernel(op.op_def, values, op.attrs)
    except (RuntimeError, ValueError, TypeError, IndexError, ArithmeticError):
        return None  # the error belongs to the run
    return array.to_numpy(results[tensor.value_index] if isinstance(results, (list, tuple)) else results)


def static_shape(tensor: Any) -> TensorShape:
    """Return the shape that a vector of sizes describes, as far as it is known; -1 stands for an unknown size."""
    known = partial_value(tensor)
    if known is None:
        return TensorShape(None)
    return TensorShape([None if size is None or size < 0 else size for size in known])
