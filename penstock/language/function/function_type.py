"""The type of a concrete function: its parameters and what it returns, for reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.core import nest
from penstock.core.tensor import Tensor
from penstock.core.type_spec import CompositeTensor, TensorSpec, TypeSpec


def describe_type(value: Any) -> str:
    """Return the type of a value as signatures show it: specs for tensors, literals for Python values."""
    if isinstance(value, (TypeSpec,)):
        return repr(value)
    if isinstance(value, Tensor):
        return repr(TensorSpec(value.shape, value.dtype))
    if isinstance(value, CompositeTensor):
        return repr(value._type_spec)
    if isinstance(value, Mapping):
        return f"Dict[{', '.join(f'[{key!r}, {describe_type(item)}]' for key, item in value.items())}]"
    if nest.is_namedtuple(value):
        items = ", ".join(f"[{n!r}, {describe_type(getattr(value, n))}]" for n in value._fields)
        return f"NamedTuple[{type(value).__name__}, {items}]"
    if isinstance(value, (list, tuple)):
        kind = "List" if isinstance(value, list) else "Tuple"
        return f"{kind}[{', '.join(map(describe_type, value))}]"
    return f"Literal[{value!r}]"


class FunctionType:
    """The parameters and results of a concrete function.

    Args:
        parameters: (name, kind, value) in order: specs for tensors, nested in what holds them. The kind is
            "POSITIONAL_ONLY", "POSITIONAL_OR_KEYWORD" or "KEYWORD_ONLY".
        output: what the function returns, tensors by specs.
        captures: the captured tensors.
    """

    def __init__(self, parameters: Sequence[tuple[str, str, Any]], output: Any, captures: Sequence[Any]) -> None:
        self.parameters = list(parameters)
        self.output = output
        self.captures = list(captures)

    def pretty(self, verbose: bool = True) -> str:
        """Return the signature: on several lines, or as one expression."""
        if not verbose:
            return str(self)
        lines = ["Input Parameters:"]
        lines += [f"  {name} ({kind}): {describe_type(value)}" for name, kind, value in self.parameters]
        if not self.parameters:
            lines.append("  None")
        lines += ["Output Type:", f"  {describe_type(self.output) if self.output is not None else 'None'}"]
        lines.append("Captures:")
        lines += [f"  {id(t)}: {TensorSpec(t.shape, t.dtype)!r}" for t in self.captures] or ["  None"]
        return "\n".join(lines)

    def __str__(self) -> str:
        parts: list[str] = []
        previous = ""
        for name, kind, value in self.parameters:
            if previous == "POSITIONAL_ONLY" and kind != previous:
                parts.append("/")
            if kind == "KEYWORD_ONLY" and previous != kind:
                parts.append("*")
            parts.append(f"{name}: {describe_type(value)}")
            previous = kind
        if previous == "POSITIONAL_ONLY":
            parts.append("/")
        return f"({', '.join(parts)}) -> {describe_type(self.output)}"

    __repr__ = __str__
