"""Where a call of an operation becomes a node of a graph or a call of its kernel.

Every operation of every face passes through `apply`. Which of the two happens depends on the thread's context alone, so
that no operation and no gradient function asks in which mode it is.
"""

from __future__ import annotations

import contextlib
from collections import namedtuple
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.core import array, context, errors
from penstock.core.context import state
from penstock.core.convert import (
    as_array,
    convert_to_tensor,
    dtype_of_argument,
    eager_constant,
    eager_scalar,
    eager_vector,
    fits,
)
from penstock.core.dtypes import DType, as_dtype, string
from penstock.core.eager import write_fast_call
from penstock.core.graph import Graph, current_graph
from penstock.core.inference import group_inputs, infer_dims
from penstock.core.local_devices import Device, eager_device
from penstock.core.op_def import REQUIRED, Argument, Attribute, OpDef, lookup
from penstock.core.operation import Operation
from penstock.core.resources import eager_resources
from penstock.core.shape import as_dims
from penstock.core.shape_rules import ShapeError, format_dims
from penstock.core.tensor import EagerTensor, SymbolicTensor, Tensor

_NUMBERS = (bool, int, float)
# Where TensorFlow gives each input a type of its own first, so that Python values, too, are inputs of another type.
_CONVERTED_ALONE = ("Add", "AddV2")
_CONVERTED_SINGLY = (list, tuple, str, bytes, complex, np.generic, type(None))


class EagerCall:
    """A kernel call, as gradient functions see it: the same fields as an Operation.

    Attributes:
        given: the attributes that the call was given.
    """

    __slots__ = ("_attrs", "given", "inputs", "name", "op_def", "outputs")

    def __init__(
        self,
        op_def: OpDef,
        name: str,
        inputs: Sequence[Tensor],
        attrs: dict[str, Any],
        outputs: Sequence[Tensor],
        is_complete: bool = True,
    ) -> None:
        """Describe a call.

        Args:
            op_def, name, inputs, outputs: as an Operation has them.
            attrs: the attributes.
            is_complete: whether those are all; otherwise defaults and the types of inputs are added when asked for.
        """
        self.op_def = op_def
        self.name = name
        self.inputs = inputs
        self.given = attrs
        self.outputs = outputs
        self._attrs = attrs if is_complete else None

    @property
    def attrs(self) -> dict[str, Any]:
        """All attributes."""
        if self._attrs is None:
            self._attrs = {**self.op_def.defaults, **self.given}
            for argument, tensor in zip(self.op_def.inputs, self.inputs, strict=True):
                if argument.type_attr is not None:
                    self._attrs[argument.type_attr] = tensor.dtype
        return self._attrs

    @property
    def type(self) -> str:
        """The operation's name in the registry."""
        return self.op_def.name

    def get_attr(self, name: str) -> Any:
        """Return an attribute, strings as bytes."""
        value = self.attrs[name]
        return value.encode() if isinstance(value, str) else value


def apply(op_def: OpDef, args: Sequence[Any], attrs: dict[str, Any], name: str | None) -> Any:
    """Call an operation.

    Args:
        op_def: the operation.
        args: one value an input; a list for inputs that are sequences. Whatever can become a tensor will do.
        attrs: attributes, without those that follow from the inputs or have defaults.
        name: the node's name in a graph; the operation's own by default.
    Returns:
        A tensor; a list for an output that is a sequence; a named tuple for several outputs; for none, the Operation in
        a graph and None eagerly.
    Raises:
        TypeError, ValueError: in a graph, if types or shapes do not fit.
        OpError: eagerly, if the kernel refuses its inputs.
    """
    result = apply_quickly(op_def, args, attrs, name)
    return apply_slowly(op_def, args, attrs, name) if result is None else result


def apply_quickly(op_def: OpDef, args: Sequence[Any], attrs: dict[str, Any], name: str | None) -> Any:
    """Call an operation eagerly if nothing about the call is out of the ordinary; see `apply`.

    Returns:
        What the call gives; None if it is for `apply_slowly` to make.
    """
    fast_call = op_def.fast_call
    if fast_call is None:
        if op_def.has_tried_fast_call:
            return None
        fast_call = op_def.fast_call = write_fast_call(op_def)
        op_def.has_tried_fast_call = True
        if fast_call is None:
            return None
    graphs = state.graphs
    if (graphs[-1] is not None if graphs else not context._default_eager) or state.eager_device:
        return None
    try:
        result = fast_call(*args, **attrs)
        if result is None:
            read = list(args)
            has_variables = False
            for position, arg in enumerate(args):
                if type(arg) is not EagerTensor and hasattr(arg, "_gradient_source"):
                    read[position] = arg.value()
                    has_variables = True
            if not has_variables:
                return None
            args = read
            result = fast_call(*args, **attrs)
            if result is None:
                return None
    except Exception:  # the other way fails again, and explains
        return None
    if type(result) is not list:
        if state.tapes:
            _record(op_def, args, attrs, name, [result])
        return result
    if state.tapes:
        _record(op_def, args, attrs, name, result)
    return result if len(op_def.outputs) == 1 else structure_outputs(op_def, result, attrs, None)


def apply_slowly(op_def: OpDef, args: Sequence[Any], attrs: dict[str, Any], name: str | None) -> Any:
    """Call an operation in any mode, on arguments that may need to be converted or explained; see `apply`."""
    graph = current_graph()
    if graph is not None:
        return _build(op_def, args, attrs, name, graph)
    if state.eager_device:
        return _apply_on_device(op_def, args, attrs, name)
    return _execute(op_def, args, attrs, name)


def runs_at_once() -> bool:
    """Tell whether a call made now runs its kernel at once, where inputs are, although tapes may listen."""
    graphs = state.graphs
    return (graphs[-1] is None if graphs else context._default_eager) and not state.eager_device


def only_runs_kernels() -> bool:
    """Tell whether a call made now would do nothing but run its kernel: no graph grows, no tape listens, no device was
    asked for."""
    return not (state.tapes or state.eager_device or current_graph() is not None)


def _apply_on_device(op_def: OpDef, args: Sequence[Any], attrs: dict[str, Any], name: str | None) -> Any:
    """Run an eager call within a `tf.device` block: on values that are there, with results that say so."""
    requested = state.eager_device
    device = eager_device(requested)
    state.eager_device = ""
    try:
        moved = [
            [_on_device(item, device.location) for item in arg]
            if isinstance(arg, (list, tuple))
            else _on_device(arg, device.location)
            for arg in args
        ]
        result = apply(op_def, moved, attrs, name)
    finally:
        state.eager_device = requested
    for tensor in result if isinstance(result, (list, tuple)) else [result]:
        for item in tensor if isinstance(tensor, list) else [tensor]:
            if isinstance(item, EagerTensor):
                _settle_on(item, device)
    return result


def on_requested_device(tensor: EagerTensor) -> EagerTensor:
    """Bring a tensor that was just made, and that no tape knows, to the device of the `tf.device` block around it."""
    if state.eager_device:
        _settle_on(tensor, eager_device(state.eager_device))
    return tensor


def _settle_on(tensor: EagerTensor, device: Device) -> None:
    tensor.value = array.to_device(tensor.value, device.location)
    tensor._device = device.name


def _on_one_device(inputs: Sequence[Any]) -> list[Any] | None:
    """Return the inputs brought to one device, None where they are on one already or no device is meant by them.

    Variables stay where they are; beside arrays of a GPU, those of the host are brought there.
    """
    arrays = {array.location_of(tensor.value) for tensor in inputs if tensor.dtype.name != "resource"}
    held = {array.location_of(getattr(t.value, "value", None)) for t in inputs if t.dtype.name == "resource"}
    wanted = held or arrays - {"cpu"}
    if len(wanted) != 1 or arrays <= wanted:
        return None
    (location,) = wanted
    return [tensor if tensor.dtype.name == "resource" else _on_device(tensor, location) for tensor in inputs]


def _on_device(arg: Any, location: str) -> Any:
    """Return an input with its value on a device, the tapes having been told of the way there."""
    if type(arg) is not EagerTensor or array.location_of(arg.value) == location:
        return arg
    moved = EagerTensor(array.to_device(arg.value, location), arg.dtype)
    identity = lookup("Identity")
    record_call(identity, "Identity", [arg], {**identity.defaults, "T": arg.dtype}, [moved])
    return moved


def record_call(
    op_def: OpDef,
    name: str,
    inputs: Sequence[Tensor],
    attrs: dict[str, Any],
    outputs: Sequence[Tensor],
    is_complete: bool = True,
) -> None:
    """Tell those tapes of an eager call that it concerns. See `EagerCall` for the arguments."""
    call: EagerCall | None = None
    for tape in state.tapes:
        if tape.concerns(inputs):
            if call is None:
                call = EagerCall(op_def, name, inputs, attrs, outputs, is_complete)
            tape.record(call)


def _record(op_def: OpDef, args: Sequence[Any], given: dict[str, Any], name: str | None, outputs: list[Tensor]) -> None:
    """Tell the tapes of a call that took the short way, whose arguments are tensors, numbers and lists of them."""
    for arg in args:
        if type(arg) is not EagerTensor:
            break
    else:
        record_call(op_def, name or op_def.name, args, given, outputs, False)
        return
    attrs = {**op_def.defaults, **given}
    inputs: list[Tensor] = []
    for argument, arg in zip(op_def.inputs, args, strict=True):
        if argument.is_sequence:
            attrs[argument.number_attr] = len(arg)  # type: ignore[index]
            inputs += arg
            arg = arg[0]
        elif type(arg) is not EagerTensor:
            dtype = argument.dtype if argument.type_attr is None else attrs.get(argument.type_attr)
            if type(arg) in _NUMBERS:
                arg = eager_scalar(arg, dtype)
            elif any(type(item) is list or type(item) is tuple for item in arg):
                arg = eager_constant(arg, dtype)
            else:
                arg = eager_vector(arg, dtype)
            inputs.append(arg)
        else:
            inputs.append(arg)
        if argument.type_attr is not None:
            attrs[argument.type_attr] = arg.dtype
    record_call(op_def, name or op_def.name, inputs, attrs, outputs)


def _build(op_def: OpDef, args: Sequence[Any], given: dict[str, Any], name: str | None, graph: Graph) -> Any:
    full_name = graph.unique_name(name or op_def.name)
    attrs = {**op_def.defaults, **given} if given else dict(op_def.defaults)
    try:
        inputs = _bind_inputs(op_def, args, given, attrs, full_name)
        _check_attributes(op_def, attrs)
    except _TypeMismatch as mismatch:
        raise TypeError(str(mismatch)) from None
    op = graph.add_operation(op_def, inputs, attrs, full_name)  # type: ignore[arg-type]
    for tape in state.tapes:
        if tape.concerns(inputs):
            tape.record(op)
    return structure_outputs(op_def, op.outputs, attrs, op)


def _execute(op_def: OpDef, args: Sequence[Any], given: dict[str, Any], name: str | None) -> Any:
    attrs = {**op_def.defaults, **given} if given else dict(op_def.defaults)
    try:
        inputs = _bind_inputs(op_def, args, given, attrs, None)
        _checked_eagerly(op_def, attrs)
    except _TypeMismatch as mismatch:
        _explain_mismatch(op_def, args, given)
        raise errors.InvalidArgumentError(None, None, f"{mismatch} [Op:{op_def.name}]") from None
    values = [tensor.value for tensor in inputs]  # type: ignore[attr-defined]
    arguments = group_inputs(op_def, values, attrs)
    if op_def.has_host_input:
        for position, argument in enumerate(op_def.inputs):
            if argument.is_host:
                item = arguments[position]
                arguments[position] = (
                    [array.to_python(v) for v in item] if argument.is_sequence else array.to_python(item)
                )
    keywords = {attribute: attrs[attribute] for attribute in op_def.kernel_attributes}
    if op_def.injected:
        available = {"resources": eager_resources, "node_name": name or op_def.name}
        for key in op_def.injected:
            keywords[key] = available[key]
    try:
        result = op_def.kernel(*arguments, **keywords)
    except Exception as error:
        together = _on_one_device(inputs)
        if together is not None:
            return _execute(op_def, group_inputs(op_def, together, attrs), given, name)
        raise kernel_error(error, op_def, inputs, attrs, name) from None
    outputs = wrap_outputs(op_def, result, attrs)
    if state.tapes:
        record_call(op_def, name or op_def.name, inputs, attrs, outputs)
    if op_def.single_output:
        return outputs[0]
    return structure_outputs(op_def, outputs, attrs, None)


def flatten_result(op_def: OpDef, result: Any) -> list[Any]:
    """Return a kernel's result as a flat list of output values."""
    if op_def.single_output:
        return [result]
    if not op_def.outputs:
        return []
    if len(op_def.outputs) == 1:
        return list(result)
    flat: list[Any] = []
    for output, item in zip(op_def.outputs, result, strict=True):
        flat.extend(item) if output.is_sequence else flat.append(item)
    return flat


def wrap_outputs(op_def: OpDef, result: Any, attrs: dict[str, Any]) -> list[Tensor]:
    """Return a kernel's result as eager tensors, in the order of the outputs."""
    values = flatten_result(op_def, result)
    tensors: list[Tensor] = []
    position = 0
    for output in op_def.outputs:
        if output.list_attr is not None:
            types: list[DType | None] = list(attrs[output.list_attr])
        else:
            dtype = output.dtype if output.dtype is not None else attrs.get(output.type_attr)  # type: ignore[arg-type]
            types = [dtype] * (attrs[output.number_attr] if output.number_attr else 1)
        for dtype in types:
            tensors.append(EagerTensor(values[position], dtype))
            position += 1
    return tensors


_named_tuples: dict[str, Any] = {}


def structure_outputs(op_def: OpDef, flat: Sequence[Any], attrs: dict[str, Any], op: Operation | None) -> Any:
    """Return outputs in the form in which a call of the operation gives them."""
    if op_def.single_output:
        return flat[0]
    if not op_def.outputs:
        return op
    grouped: list[Any] = []
    position = 0
    for output in op_def.outputs:
        if not output.is_sequence:
            grouped.append(flat[position])
            position += 1
            continue
        size = attrs[output.number_attr] if output.number_attr else len(attrs[output.list_attr])  # type: ignore[index]
        grouped.append(list(flat[position : position + size]))
        position += size
    if len(grouped) == 1:
        return grouped[0]
    result_type = _named_tuples.get(op_def.name)
    if result_type is None:
        result_type = _named_tuples[op_def.name] = namedtuple(op_def.name, [output.name for output in op_def.outputs])
    return result_type(*grouped)


class _TypeMismatch(TypeError):
    """An input or attribute whose type the operation does not take."""


def _explain_mismatch(op_def: OpDef, args: Sequence[Any], given: dict[str, Any]) -> None:
    """Raise what TensorFlow raises before it looks at the types of an eager call's tensors, if anything.

    It converts the Python values first, to the types that the tensors ask for. It converts all arguments one by one,
    and so notices a tensor of a wrong type, if there are lists, strings or NumPy's scalars among them, or attributes
    that are floating numbers but given as integers.

    Raises:
        TypeError, ValueError: for a value that cannot be converted, or a tensor of a wrong type.
    """
    if op_def.name in _CONVERTED_ALONE:
        return
    types: dict[str | None, DType] = {
        name: as_dtype(given[name])
        for name, attribute in op_def.attributes.items()
        if attribute.kind == "type" and given.get(name) is not None
    }
    pairs = [
        (argument, item, dtype_of_argument(item))
        for argument, arg in zip(op_def.inputs, args, strict=True)
        for item in (arg if argument.is_sequence and isinstance(arg, (list, tuple)) else (arg,))
    ]
    for argument, _, found in pairs:
        if argument.type_attr is not None and found is not None:
            types.setdefault(argument.type_attr, found)
    singly = any(isinstance(item, _CONVERTED_SINGLY) for _, item, _ in pairs) or any(
        op_def.attributes[name].kind == "float" and isinstance(value, int)
        for name, value in given.items()
        if name in op_def.attributes
    )
    for argument, item, found in pairs:
        dtype = argument.dtype or types.get(argument.type_attr)
        if found is not None:
            if singly and argument.dtype not in (None, found):
                raise ValueError(
                    f"{op_def.name}: input {argument.name!r}: Tensor conversion requested dtype {argument.dtype!r} "
                    f"for a tensor with dtype {found!r}; use tf.cast"
                )
        elif item is None:
            raise ValueError(f"{op_def.name}: input {argument.name!r}: None values not supported.")
        elif dtype is not None and (dtype is string or not isinstance(item, (np.ndarray, np.generic))):
            convert_to_tensor(item, dtype)


def _bind_inputs(
    op_def: OpDef, args: Sequence[Any], given: dict[str, Any], attrs: dict[str, Any], scope: str | None
) -> list[Tensor]:
    """Convert the inputs and fill in the attributes that follow from them."""
    if len(args) != len(op_def.inputs):
        raise TypeError(
            f"{op_def.name} takes {len(op_def.inputs)} inputs ({', '.join(a.name for a in op_def.inputs)}), got "
            f"{len(args)}"
        )
    flat: list[Tensor] = []
    sizes: dict[str, str] = {}  # number attribute -> the first argument that settles it
    known: dict[str, DType] = {}
    for key, value in given.items():
        attribute = op_def.attributes.get(key)
        if attribute is not None and attribute.kind == "type" and value is not None:
            known[key] = attrs[key] = as_dtype(value)
    for argument, arg in zip(op_def.inputs, args, strict=True):
        if argument.number_attr is not None:
            items = _as_list(op_def, argument, arg)
            if attrs.setdefault(argument.number_attr, len(items)) != len(items) and argument.number_attr in sizes:
                raise ValueError(
                    f"{op_def.name} needs as many tensors for {argument.name!r} as for "
                    f"{sizes[argument.number_attr]!r}: {attrs[argument.number_attr]}, got {len(items)}"
                )
            sizes.setdefault(argument.number_attr, argument.name)
            attrs[argument.number_attr] = len(items)
            dtype = _settle(op_def, argument, items, args, known, attrs)
            for index, item in enumerate(items):
                flat.append(_convert(op_def, argument, item, dtype, scope, f"_{index}", known))
        elif argument.list_attr is not None:
            items = _as_list(op_def, argument, arg)
            types = given.get(argument.list_attr)
            if types is not None and len(types) != len(items):
                raise ValueError(
                    f"{op_def.name} needs one tensor for each type of {argument.list_attr!r}: {len(types)} types, "
                    f"but {len(items)} tensors for {argument.name!r}"
                )
            tensors = [
                _convert(op_def, argument, item, None if types is None else as_dtype(types[i]), scope, f"_{i}", known)
                for i, item in enumerate(items)
            ]
            attrs[argument.list_attr] = [tensor.dtype.base_dtype for tensor in tensors]
            flat.extend(tensors)
        else:
            if arg is None:
                raise ValueError(
                    f"Tried to convert {argument.name!r} to a tensor and failed. Error: None values not supported."
                )
            dtype = argument.dtype or _settle(op_def, argument, (arg,), args, known, attrs)
            tensor = _convert(op_def, argument, arg, dtype, scope, "", known)
            if argument.type_attr is not None and dtype is None:
                dtype = tensor.dtype.base_dtype
                _check_allowed(op_def, argument, dtype)
                known[argument.type_attr] = attrs[argument.type_attr] = dtype
            flat.append(tensor)
    return flat


def _as_list(op_def: OpDef, argument: Argument, arg: Any) -> list[Any]:
    if isinstance(arg, (list, tuple)):
        return list(arg)
    raise TypeError(f"Expected list for {argument.name!r} argument to {op_def.name!r} Op, not {arg!r}.")


def _settle(
    op_def: OpDef,
    argument: Argument,
    items: Sequence[Any],
    args: Sequence[Any],
    known: dict[str, DType],
    attrs: dict[str, Any],
) -> DType | None:
    """Return the type of an argument's type attribute: given, or found in an input that shares it; None for one that
    follows from the argument itself.

    TensorFlow converts the inputs of a node one after the other, so that a Python value before a tensor has its own
    type; eagerly it looks at all of them first.
    """
    if argument.dtype is not None:
        return argument.dtype
    attr = argument.type_attr
    assert attr is not None
    if attr in known:
        return known[attr]
    found: DType | None = None
    for item in items:
        found = dtype_of_argument(item)
        if found is not None:
            break
    is_eager = current_graph() is None
    if found is None and is_eager:
        for other, arg in zip(op_def.inputs, args, strict=True):
            if other.type_attr == attr and other is not argument:
                for item in arg if other.is_sequence and isinstance(arg, (list, tuple)) else (arg,):
                    found = dtype_of_argument(item)
                    if found is not None:
                        break
            if found is not None:
                break
    if found is None and argument.number_attr is not None and items:
        found = convert_to_tensor(items[0]).dtype.base_dtype if is_eager else _python_dtype(items[0])
    if found is None:
        return None
    _check_allowed(op_def, argument, found)
    known[attr] = attrs[attr] = found
    return found


def _python_dtype(value: Any) -> DType:
    return as_array(value)[1]


def _convert(
    op_def: OpDef,
    argument: Argument,
    arg: Any,
    dtype: DType | None,
    scope: str | None,
    suffix: str,
    known: dict[str, DType],
) -> Tensor:
    name = None if scope is None else f"{scope}/{argument.name}{suffix}/"
    preferred = None
    # A NumPy array keeps its type; the default is for Python numbers.
    if dtype is None and argument.type_attr is not None and not isinstance(arg, (np.ndarray, np.generic)):
        default = op_def.attributes[argument.type_attr].default
        preferred = default if isinstance(default, DType) and fits(arg, default) else None
        allowed = op_def.attributes[argument.type_attr].allowed
        if type(arg) is float and preferred is not None and allowed and all(item.is_integer for item in allowed):
            raise TypeError(f"{op_def.name}: input {argument.name!r}: Cannot convert {arg} to {preferred.name}.")
    existing = dtype_of_argument(arg)
    if dtype is not None and existing is not None and existing != dtype:
        others = [a.name for a in op_def.inputs if a.type_attr == argument.type_attr and a is not argument]
        expected = f"{dtype.name} of argument {others[0]!r}" if argument.type_attr and others else dtype.name
        raise _TypeMismatch(
            f"Input {argument.name!r} of {op_def.name!r} Op has type {existing.name} that does not match type "
            f"{expected}. "
            "Use tf.cast to make the types agree."
        )
    if scope is None and type(arg) in _NUMBERS:
        wanted = dtype or (preferred if type(arg) is int else None)
        if (
            wanted is None
            or wanted.name != "string"
            and not (type(arg) is float and not wanted.is_floating or wanted.is_bool != (type(arg) is bool))
        ):
            return eager_scalar(arg, wanted)
    try:
        tensor = convert_to_tensor(arg, dtype, name, preferred, as_ref=argument.is_ref)
    except (TypeError, ValueError) as error:
        if isinstance(error, errors.OpError) or arg is None:
            raise
        if dtype is not None and not isinstance(arg, Tensor) and isinstance(error, TypeError):
            # Eagerly, an array of another type is an input that does not fit; a Python value cannot be converted.
            is_plain = isinstance(arg, (*_NUMBERS, complex, str, bytes, list, tuple))
            is_input = isinstance(arg, (np.ndarray, np.generic)) or is_plain and op_def.name in _CONVERTED_ALONE
            kind = _TypeMismatch if scope is None and is_input else TypeError
            raise kind(f"{op_def.name}: input {argument.name!r}: {error}") from None
        raise
    if argument.is_ref and isinstance(tensor, SymbolicTensor) and not tensor.dtype._is_ref_dtype:
        raise TypeError(
            f"'{op_def.name}' Op requires that input {argument.name!r} be a mutable tensor (e.g.: a tf.Variable), "
            f"got {tensor!r}"
        )
    return tensor


def _check_allowed(op_def: OpDef, argument: Argument, dtype: DType) -> None:
    _check_type(op_def, argument.name, op_def.attributes[argument.type_attr].allowed, dtype)  # type: ignore[index]


def _check_type(op_def: OpDef, name: str, allowed: frozenset[Any] | None, dtype: DType) -> None:
    if allowed is not None and dtype not in allowed:
        names = ", ".join(sorted(item.name for item in allowed))
        raise _TypeMismatch(
            f"Value passed to parameter {name!r} of {op_def.name} has DataType {dtype.name} not in list of "
            f"allowed values: {names}"
        )


def _checked_eagerly(op_def: OpDef, attrs: dict[str, Any]) -> None:
    try:
        _check_attributes(op_def, attrs)
    except ValueError as error:
        raise errors.InvalidArgumentError(None, None, str(error)) from None


def _check_attributes(op_def: OpDef, attrs: dict[str, Any]) -> None:
    for name, attribute in op_def.attributes.items():
        if name not in attrs:
            if attribute.default is REQUIRED:
                raise TypeError(f"{op_def.name} misses the attribute {name!r} ({attribute.kind})")
            continue
        if attribute.kind == "shape":
            attrs[name] = as_dims(attrs[name])
        elif attribute.kind == "list(shape)":
            attrs[name] = [as_dims(item) for item in attrs[name]]
        elif attribute.kind == "list(type)":
            attrs[name] = [as_dtype(item) for item in attrs[name]]
            for item in attrs[name]:
                _check_type(op_def, name, attribute.allowed, item.base_dtype)
        elif attribute.kind == "type":
            if attrs[name] is not None:
                attrs[name] = as_dtype(attrs[name])
                _check_type(op_def, name, attribute.allowed, attrs[name].base_dtype)
        elif attribute.kind == "int":
            attrs[name] = _as_int(op_def, name, attrs[name])
        elif attribute.kind == "list(int)":
            if not isinstance(attrs[name], (list, tuple)):
                raise TypeError(f"Expected list for attr {name!r} of {op_def.name!r} Op, got {attrs[name]!r}")
            attrs[name] = [_as_int(op_def, name, item) for item in attrs[name]]
        elif attribute.kind == "float":
            attrs[name] = float(np.float32(attrs[name]))  # what a GraphDef can hold
        elif attribute.kind == "string" and isinstance(attrs[name], bytes):
            with contextlib.suppress(UnicodeDecodeError):  # bytes that are no text stay as they are
                attrs[name] = attrs[name].decode()
        if attribute.minimum is not None:
            _check_minimum(op_def, attribute, attrs[name])
        if attribute.allowed is not None and attribute.kind == "string" and attrs[name] not in attribute.allowed:
            allowed = ", ".join(repr(item) for item in sorted(attribute.allowed))
            raise ValueError(
                f"Value for attr {name!r} of {attrs[name]!r} is not in the list of allowed values: {allowed} "
                f"[Op:{op_def.name}]"
            )


def _check_minimum(op_def: OpDef, attribute: Attribute, value: Any) -> None:
    given = len(value) if isinstance(value, (list, tuple)) else value
    if given < attribute.minimum:  # type: ignore[operator]
        what = f"list of length {given}" if isinstance(value, (list, tuple)) else given
        raise ValueError(
            f"Attr {attribute.name!r} of {op_def.name!r} Op passed {what} less than minimum {attribute.minimum}."
        )


def _as_int(op_def: OpDef, name: str, value: Any) -> int:
    if type(value) is int:
        return value
    if isinstance(value, (str, bytes)):
        raise TypeError(f"Expected int for attr {name!r} of {op_def.name!r} Op, got {value!r}")
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"Expected int for attr {name!r} of {op_def.name!r} Op, got {value!r}") from None


def kernel_error(
    error: Exception,
    op_def: OpDef,
    inputs: Sequence[Tensor],
    attrs: dict[str, Any],
    name: str | None,
    op: Operation | None = None,
) -> Exception:
    """Return the error to raise in place of what a kernel raised: one of TensorFlow's classes, saying what arrived.

    Args:
        error: what the kernel raised.
        op_def: the operation.
        inputs: tensors with the types and shapes of the values that it had.
        attrs: its attributes.
        name: the name it was called by.
        op: the node of the graph, where there is one.
    """
    label = f"{op_def.name} {name!r}" if name and name != op_def.name else op_def.name
    if isinstance(error, errors.OpError):
        kind: Any = type(error)
        if op is not None and error.op is None:
            return errors.with_operation(error, op)
        if op is None and not error.message.endswith("]"):
            return kind(error.node_def, error.op, f"{error.message} [Op:{op_def.name}]")
        return error
    text = str(error).split("\n")[0]
    if isinstance(error, AttributeError) and any(t.dtype.base_dtype.name == "string" for t in inputs):
        error, text = NotImplementedError(), "it has no kernel for strings"
    if isinstance(error, (RuntimeError, ValueError, TypeError, IndexError, OverflowError)):
        try:
            infer_dims(op_def, inputs, attrs, len(op_def.outputs))
        except ShapeError as shape_error:
            text = str(shape_error)
        except (RuntimeError, ValueError, TypeError, IndexError, KeyError, AttributeError, MemoryError):
            pass  # the rule stumbles over what the kernel refused
    arrived = "; ".join(f"{t.dtype.name} {format_dims(t.dims)}" for t in inputs)
    message = f"{label}: {text}. It got {arrived}." if arrived else f"{label}: {text}"
    if op is None:
        message += f" [Op:{op_def.name}]"
    error_type = _error_type(error)
    if error_type is None:
        # An error that no class of TensorFlow's stands for keeps its class, and says where it happened.
        if hasattr(error, "add_note"):  # Python 3.11
            made = getattr(op, "created_at", None)
            error.add_note(f"{message} Created at {made[0]}:{made[1]}." if made else message)
        return error
    converted = error_type(None, None, message)
    return converted if op is None else errors.with_operation(converted, op)


def _error_type(error: Exception) -> Any:
    if isinstance(error, NotImplementedError) or "not implemented for" in str(error):
        return errors.UnimplementedError
    if isinstance(error, MemoryError) or "not enough memory" in str(error) or "out of memory" in str(error):
        return errors.ResourceExhaustedError
    if isinstance(error, (RuntimeError, ValueError, TypeError, IndexError, OverflowError, ZeroDivisionError)):
        return errors.InvalidArgumentError
    return None
