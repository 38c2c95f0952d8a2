"""The short way of an eager call.

Most calls give an operation tensors of types that it takes, and attributes that need no conversion. For those, each
operation gets a Python function of its own, written at its first eager call, that goes from the tensors straight to the
kernel:

    def call(x, y, **attrs):
        if type(x) is not EagerTensor: return None
        x_value = x.value
        ...
        T = x_value.dtype
        if T not in T_allowed or y_value.dtype is not T: return None
        return EagerTensor(kernel(x_value, y_value, **attrs))

It answers None where anything is out of the ordinary; `dispatch` then goes the long way, which converts, and explains
errors.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.core.array import torch_dtypes
from penstock.core.convert import eager_scalar, nested_integers
from penstock.core.dtypes import ALL, DType, float32, int32
from penstock.core.op_def import Argument, OpDef
from penstock.core.resources import eager_resources
from penstock.core.tensor import EagerTensor

# Kinds of attributes whose values need no conversion if they are of just this type.
_SIMPLE: dict[str, type] = {
    **{"bool": bool, "int": int, "float": float, "string": str},
    **{"type": DType, "list(int)": list},
}


def write_fast_call(op_def: OpDef) -> Callable[..., Any] | None:
    """Return the function for an operation's ordinary calls, or None if it has effects, sequences of unlike tensors, or
    outputs of special types. To draw from a stream of random numbers is ordinary."""
    if op_def.has_ref_input:
        return None
    if (op_def.is_stateful or op_def.injected) and not {"seed", "seed2"} <= op_def.attributes.keys():
        return None
    if any(argument.list_attr is not None for argument in op_def.inputs):
        return None
    if not op_def.outputs or not op_def.inputs:
        return None
    for output in op_def.outputs:
        if output.is_sequence and (len(op_def.outputs) > 1 or output.number_attr not in op_def.kernel_attributes):
            return None
        if output.is_host or (output.dtype is not None and not torch_dtypes([output.dtype])):
            return None
    namespace: dict[str, Any] = {
        "EagerTensor": EagerTensor,
        "kernel": op_def.kernel,
        "eager_scalar": eager_scalar,
        "nested_integers": nested_integers,
        "resources": eager_resources,
        "rounded": _rounded,
    }
    lines: list[str] = []
    seen: dict[str, str] = {}  # type attribute -> the first tensor that has it
    arguments = []
    for position, argument in enumerate(op_def.inputs):
        name = f"x{position}"
        attr = argument.type_attr
        if argument.is_host:
            if argument.is_sequence:
                return None
            lines += _host_lines(name)
            arguments.append(f"{name}_value")
            continue
        if argument.is_sequence:
            # The first tensor of the sequence stands for all of it below.
            lines += [
                f"if type({name}) is not list or len({name}) < {_least_count(op_def, argument)}: return None",
                f"for item in {name}:",
                "    if type(item) is not EagerTensor: return None",
                f"{name}_values = [item.value for item in {name}]",
                f"{name} = {name}[0]",
                f"{name}_value = {name}_values[0]",
                f"for value in {name}_values:",
                f"    if value.dtype is not {name}_value.dtype: return None",
            ]
            arguments.append(f"{name}_values")
        else:
            # A Python number takes the type of the tensor beside it, where that can hold it.
            number = (
                [
                    f"    if type({name}) is float and {seen[attr]}.dtype.is_floating or type({name}) is int "
                    f"and ({seen[attr]}.dtype.is_floating or {seen[attr]}.dtype.is_integer):",
                    f"        {name} = eager_scalar({name}, {seen[attr]}.dtype)",
                    "    else: return None",
                ]
                if attr in seen
                else _lone_number_lines(name, _allowed(op_def, attr))
                if attr is not None and [other.type_attr for other in op_def.inputs].count(attr) == 1
                else ["    return None"]
            )
            lines += [f"if type({name}) is not EagerTensor:", *number, f"{name}_value = {name}.value"]
            arguments.append(f"{name}_value")
        if argument.dtype is not None:
            kinds = torch_dtypes([argument.dtype])
            if not kinds:
                return None
            namespace[f"{name}_type"] = next(iter(kinds))
            lines.append(f"if {name}_value.dtype is not {name}_type: return None")
        elif attr in seen:
            lines.append(f"if {name}_value.dtype is not {attr}: return None")
        elif attr is not None:
            seen[attr] = name
            namespace[f"{attr}_allowed"] = torch_dtypes(_allowed(op_def, attr))
            lines += [f"{attr} = {name}_value.dtype", f"if {attr} not in {attr}_allowed: return None"]
            if any(dtype.is_quantized for dtype in _allowed(op_def, attr)):
                # Quantized values are stored as plain integers; only the tensor knows what they are.
                lines.append(f"if {name}.dtype.is_quantized: return None")
    # Kernels that take the types of their inputs as attributes are told what the tensors say.
    told = [attr for attr in op_def.kernel_attributes if attr in seen]
    arguments += [f"{attr}={seen[attr]}.dtype" for attr in told]
    arguments += [f"{key}={'resources' if key == 'resources' else repr(op_def.name)}" for key in op_def.injected]
    required, checks = _attribute_checks(op_def, told)
    if required is None:
        return None
    namespace["checks"] = checks
    namespace["values_of"] = {
        name: attribute.allowed for name, attribute in op_def.attributes.items() if attribute.kind in ("string", "type")
    }
    least = {
        name: attribute.minimum
        for name, attribute in op_def.attributes.items()
        if attribute.kind in ("int", "list(int)") and attribute.minimum is not None
    }
    namespace["least"] = least
    body = [
        "if attrs:",
        "    for name, value in attrs.items():",
        "        if type(value) is not checks.get(name): return None",
        *(
            [
                "        if type(value) is list:",
                "            if not all(type(item) is int for item in value): return None",
                *(["            if len(value) < least.get(name, 0): return None"] if least else []),
            ]
            if list in checks.values()
            else []
        ),
        *(["        if type(value) is float: attrs[name] = rounded(value)"] if float in checks.values() else []),
        *(["        if type(value) is int and value < least.get(name, value): return None"] if least else []),
        "        if values_of.get(name) is not None and value not in values_of[name]: return None",
        *(f"if {name!r} not in attrs: return None" for name in required),
    ]
    for attr in {output.type_attr for output in op_def.outputs} - seen.keys() - {None}:
        # The value alone would not tell that a result is quantized.
        if attr in checks and any(dtype.is_quantized for dtype in _allowed(op_def, attr)):
            body.append(f"if {attr!r} in attrs and attrs[{attr!r}].is_quantized: return None")
    parameters = ", ".join(f"x{i}" for i in range(len(op_def.inputs)))
    known = seen.get(op_def.outputs[0].type_attr or "")
    result_type = "" if known is None else f", {known}.dtype"
    wrapped = f"return EagerTensor({{}}{result_type})"
    if not op_def.single_output:
        wrapped = "return [EagerTensor(item) for item in {}]"
    call = wrapped.format(f"kernel({', '.join(arguments)}, **attrs)")
    plain = wrapped.format(f"kernel({', '.join(arguments)})")
    if not checks:
        source = [f"def call({parameters}):", *(f"    {line}" for line in [*lines, plain])]
    else:
        source = [f"def call({parameters}, **attrs):", *(f"    {line}" for line in [*body, *lines, call])]
    exec("\n".join(source), namespace)
    return namespace["call"]


def _least_count(op_def: OpDef, argument: Argument) -> int:
    """Return how many tensors a sequence must have for the short way: one at least, which stands for its type."""
    assert argument.number_attr is not None
    return max(1, op_def.attributes[argument.number_attr].minimum or 0)


@functools.lru_cache(maxsize=1024)
def _rounded(number: float) -> float:
    """Return what a GraphDef holds of a number."""
    return float(np.float32(number))


def _allowed(op_def: OpDef, attr: str | None) -> Any:
    if attr is None:
        return ()
    allowed = op_def.attributes[attr].allowed
    return ALL if allowed is None else allowed


def _host_lines(name: str) -> list[str]:
    return [
        f"if type({name}) is EagerTensor: {name}_value = {name}.value.tolist()",
        f"elif type({name}) is int: {name}_value = {name}",
        f"elif type({name}) is range: {name}_value = list({name})",
        f"elif type({name}) in (list, tuple):",
        f"    {name}_value = nested_integers({name})",
        f"    if {name}_value is None: return None",
        "else: return None",
    ]


def _lone_number_lines(name: str, allowed: Any) -> list[str]:
    """Return how a Python number becomes a tensor where no other input says of which type."""
    lines = []
    if float32 in allowed:
        lines.append(f"    if type({name}) is float: {name} = eager_scalar({name}, None)")
    if int32 in allowed and float32 in allowed:
        lines.append(f"    elif type({name}) is int: {name} = eager_scalar({name}, None)")
    return [*lines, "    else: return None"] if lines else ["    return None"]


def _attribute_checks(op_def: OpDef, told: list[str]) -> tuple[list[str] | None, dict[str, type]]:
    """Return the attributes that must be given, and for those that may be, the type of a value that needs no
    conversion; without those in `told`, which follow from the inputs.

    The first is None if the kernel takes an attribute that only the long way can supply.
    """
    parameters = inspect.signature(op_def.kernel).parameters
    required: list[str] = []
    checks: dict[str, type] = {}
    for name in op_def.kernel_attributes:
        if name in told:
            continue
        attribute = op_def.attributes[name]
        kind = _SIMPLE.get(attribute.kind)
        default = parameters[name].default
        follows_inputs = any(argument.type_attr == name for argument in op_def.inputs)
        if follows_inputs:
            return None, {}
        if default is inspect.Parameter.empty or default != attribute.default:
            if kind is None:
                return None, {}
            required.append(name)
        if kind is not None:
            checks[name] = kind
    return required, checks
