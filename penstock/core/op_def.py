"""The declaration of an operation: its schema, its kernel and the rules that go with it.

A declaration is written once, as a decorated kernel (see `penstock.core.op`):

    @op("MatMul(a: T, b: T) -> product: T", T=NUMBER)
    def matmul_op(a, b, *, transpose_a: bool = False, transpose_b: bool = False): ...

The line names the inputs and outputs as GraphDefs do. A type is that of a DType (`int32`), of a type attribute (`T`),
`N * T` for N inputs of one type, or `list(Tin)` for inputs of the types that a list attribute gives. Before it may
stand `ref`
for a reference to a variable, or `host` for an input that the kernel takes as Python numbers. The attributes are the
kernel's keyword-only parameters; type attributes that the kernel has no use for are keywords of the decorator.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, get_args

from penstock.core import dtypes
from penstock.core.dtypes import ALL, DType
from penstock.core.errors import NotFoundError
from penstock.core.shape import Dims

REQUIRED: Any = type("Required", (), {"__repr__": lambda self: "<required>"})()

_KINDS = {
    "bool": "bool",
    "int": "int",
    "float": "float",
    "str": "string",
    "bytes": "string",
    "DType": "type",
    "Dims": "shape",
    "Constant": "tensor",
    "Function": "func",
    "object": "object",  # what only operations that the compiler makes have
    "list[bool]": "list(bool)",
    "list[int]": "list(int)",
    "list[float]": "list(float)",
    "list[str]": "list(string)",
    "list[bytes]": "list(string)",
    "list[DType]": "list(type)",
    "list[Dims]": "list(shape)",
    "list[Function]": "list(func)",
}
# Parameters of a kernel that the runtime fills in; they are no attributes.
INJECTED = ("resources", "node_name")


class Type(NamedTuple):
    """A type attribute with a default or a single allowed group: `Tidx=Type(INDEX, default=int32)`."""

    allowed: frozenset[DType]
    default: DType | Any = REQUIRED


@dataclass(frozen=True)
class Argument:
    """An input or output of an operation.

    Exactly one of `dtype` (a fixed type), `type_attr` and `list_attr` is set; `number_attr` makes it a sequence.
    """

    name: str
    dtype: DType | None = None
    type_attr: str | None = None
    number_attr: str | None = None
    list_attr: str | None = None
    is_ref: bool = False
    is_host: bool = False

    @property
    def is_sequence(self) -> bool:
        """Whether the argument stands for several tensors."""
        return self.number_attr is not None or self.list_attr is not None


@dataclass(frozen=True)
class Attribute:
    """An attribute of an operation, by the name and kind that GraphDefs know."""

    name: str
    kind: str
    default: Any = REQUIRED
    allowed: frozenset[Any] | None = None
    minimum: int | None = None


_HEAD = re.compile(r"\s*(\w+)\s*\((.*)\)\s*", re.DOTALL)


def _parse_argument(text: str) -> Argument:
    name, _, kind = (part.strip() for part in text.partition(":"))
    flags: dict[str, Any] = {"is_ref": False, "is_host": False}
    while (word := kind.split(" ", 1)[0]) in ("ref", "host"):
        flags[f"is_{word}"] = True
        kind = kind.split(" ", 1)[1].strip()
    if match := re.fullmatch(r"list\((\w+)\)", kind):
        return Argument(name, list_attr=match[1], **flags)
    number_attr = None
    if "*" in kind:
        number_attr, kind = (part.strip() for part in kind.split("*"))
    if kind in dtypes.NAMES:
        return Argument(name, dtype=dtypes.as_dtype(kind), number_attr=number_attr, **flags)
    if not re.fullmatch(r"\w+", kind):
        raise ValueError(f"cannot read the argument {text!r} of an operation: expected 'name: type'")
    return Argument(name, type_attr=kind, number_attr=number_attr, **flags)


def _parse_arguments(text: str) -> tuple[Argument, ...]:
    parts = [part for part in re.split(r",(?![^()]*\))", text) if part.strip()]
    return tuple(_parse_argument(part) for part in parts)


def parse_schema(line: str) -> tuple[str, tuple[Argument, ...], tuple[Argument, ...]]:
    """Read a declaration such as `MatMul(a: T, b: T) -> product: T`.

    Returns:
        The operation's name, its inputs and its outputs.
    Raises:
        ValueError: if the line is malformed.
    """
    head, _, outputs = line.partition("->")
    match = _HEAD.fullmatch(head)
    if match is None:
        raise ValueError(f"cannot read the operation {line!r}: expected 'Name(input: type, ...) -> output: type'")
    name, inputs, outputs = match[1], match[2], outputs.strip()
    if outputs.startswith("("):
        outputs = outputs[1:-1]
    return name, _parse_arguments(inputs), _parse_arguments(outputs)


class OpDef:
    """One operation: schema, kernel, shape rule, partial evaluation and gradient.

    Attributes:
        name: the operation's name in GraphDefs.
        inputs, outputs: the arguments in order.
        attributes: name -> Attribute.
        kernel: computes output values from input values; attributes are keywords.
        shape_rule: `(*input dims, **attributes) -> output dims`; host inputs come as (partly) known Python values.
        partial_rule: `(*partly known inputs, **attributes) -> partly known output`, for arithmetic on shapes.
        specialize_rule: `(attributes) -> callable on the inputs alone`, or None where there is nothing to gain.
        in_place_kernels: position of an input -> a kernel that may take the memory of that input for its result.
        gradient_rule: `(call, *output gradients) -> input gradients`, written with operations.
        is_stateful: whether a call has effects or depends on more than its inputs.
        is_view: whether the kernel may return a view of one of its inputs.
        view_rule: `(attributes) -> whether it may with these`, or None where attributes do not matter.
        is_differentiable: False where gradients are declared not to flow.
        body: the FuncGraph of the function that the operation calls, where it is named after the function.
    """

    body: Any = None

    def __init__(
        self,
        line: str,
        kernel: Callable[..., Any],
        *,
        stateful: bool = False,
        view: bool = False,
        differentiable: bool = True,
        commutative: bool = False,
        shape: Callable[..., Any] | None = None,
        types: dict[str, Iterable[DType] | Type] | None = None,
        allowed: dict[str, Iterable[Any]] | None = None,
        minimum: dict[str, int] | None = None,
    ) -> None:
        self.name, self.inputs, self.outputs = parse_schema(line)
        self.kernel = kernel
        self.is_stateful = stateful
        self.is_view = view
        self.is_differentiable = differentiable
        self.is_commutative = commutative
        self.shape_rule: Callable[..., Any] | None = shape
        self.partial_rule: Callable[..., Any] | None = None
        self.gradient_rule: Callable[..., Any] | None = None
        self.specialize_rule: Callable[[dict[str, Any]], Callable[..., Any] | None] | None = None
        self.in_place_kernels: dict[int, Callable[..., Any]] = {}
        self.view_rule: Callable[[dict[str, Any]], bool] | None = None
        self.attributes: dict[str, Attribute] = {}
        self.injected: tuple[str, ...] = ()
        parameters = self._keyword_parameters(kernel)
        self._read_attributes(parameters, types or {}, allowed or {}, minimum or {})
        self.kernel_attributes = tuple(name for name in parameters if name in self.attributes)
        self.defaults = {
            name: attribute.default for name, attribute in self.attributes.items() if attribute.default is not REQUIRED
        }
        self.has_ref_input = any(argument.is_ref for argument in self.inputs)
        self.has_host_input = any(argument.is_host for argument in self.inputs)
        self.has_sequence_input = any(argument.is_sequence for argument in self.inputs)
        # Written by penstock.core.eager at the first eager call; None also where there is no short way.
        self.fast_call: Callable[..., Any] | None = None
        self.has_tried_fast_call = False
        self.single_output = len(self.outputs) == 1 and not self.outputs[0].is_sequence

    @staticmethod
    def _keyword_parameters(kernel: Callable[..., Any]) -> dict[str, tuple[Any, Any]]:
        """Return the annotation and the default of each keyword-only parameter.

        They are read off the function itself: `inspect.signature`, for each operation, would be most of the time of an
        import.
        """
        kernel = getattr(kernel, "__wrapped__", kernel)
        code = kernel.__code__
        names = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
        annotations, defaults = kernel.__annotations__, getattr(kernel, "__kwdefaults__", None) or {}
        return {name: (annotations.get(name, ""), defaults.get(name, REQUIRED)) for name in names}

    def _read_attributes(
        self,
        parameters: dict[str, tuple[Any, Any]],
        types: dict[str, Any],
        allowed: dict[str, Any],
        minimum: dict[str, int],
    ) -> None:
        for name, (given, default) in parameters.items():
            if name in INJECTED:
                self.injected += (name,)
                continue
            annotation = _annotation_text(given).replace(" ", "").removesuffix("|None")
            if annotation not in _KINDS:
                raise TypeError(f"{self.name}: attribute {name!r} has no attribute type, got {given!r}")
            group: Any = allowed.get(name, types.get(name))
            if isinstance(group, Type):
                group, default = group.allowed, group.default
            self.attributes[name] = Attribute(
                name, _KINDS[annotation], default, None if group is None else frozenset(group), minimum.get(name)
            )
        for argument in (*self.inputs, *self.outputs):
            if argument.number_attr and argument.number_attr not in self.attributes:
                self.attributes[argument.number_attr] = Attribute(
                    argument.number_attr, "int", minimum=minimum.get(argument.number_attr, 1)
                )
            if argument.list_attr and argument.list_attr not in self.attributes:
                group = types.get(argument.list_attr)
                self.attributes[argument.list_attr] = Attribute(
                    argument.list_attr,
                    "list(type)",
                    allowed=None if group is None else frozenset(group),
                    minimum=minimum.get(argument.list_attr),
                )
            if argument.type_attr:
                self._add_type(argument.type_attr, types.get(argument.type_attr, ALL))
        for name, group in types.items():
            self._add_type(name, group)

    def _add_type(self, name: str, group: Any) -> None:
        if name not in self.attributes:
            type_ = group if isinstance(group, Type) else Type(frozenset(group))
            self.attributes[name] = Attribute(name, "type", type_.default, frozenset(type_.allowed))

    # Decorators for the rules, so that they stand next to the kernel.

    def shape(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Register `rule` as the shape rule."""
        self.shape_rule = rule
        return rule

    def partial(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Register `rule` as the partial evaluation over partly known host values."""
        self.partial_rule = rule
        return rule

    def gradient(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Register `rule` as the gradient function."""
        self.gradient_rule = rule
        return rule

    def specialize(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Register `rule` as what binds the kernel to attributes; compiled programs call what it returns."""
        self.specialize_rule = rule
        return rule

    def in_place(self, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register a kernel for programs that need the input `name`, which then has the result's type and most often
        its shape, no more afterwards: it may write to the input's memory, or keep it."""
        position = [argument.name for argument in self.inputs].index(name)

        def register_kernel(kernel: Callable[..., Any]) -> Callable[..., Any]:
            self.in_place_kernels[position] = kernel
            return kernel

        return register_kernel

    def view(self, rule: Callable[[dict[str, Any]], bool]) -> Callable[[dict[str, Any]], bool]:
        """Register `rule` as what tells from the attributes whether the kernel may return a view of an input."""
        self.view_rule = rule
        return rule

    def __repr__(self) -> str:
        return f"<operation {self.name}>"


def _annotation_text(annotation: Any) -> str:
    """Return an annotation as it is written, whether or not the module postpones the evaluation of annotations."""
    if isinstance(annotation, str):
        return annotation
    if annotation == Dims:
        return "Dims"
    return annotation.__name__ if isinstance(annotation, type) and not get_args(annotation) else str(annotation)


_registry: dict[str, OpDef] = {}


def register(op_def: OpDef) -> None:
    """Make an operation known under its name.

    Raises:
        ValueError: if the name is taken.
    """
    if op_def.name in _registry:
        raise ValueError(f"operation {op_def.name!r} is declared twice; give one of them another name")
    _registry[op_def.name] = op_def


def lookup(name: str) -> OpDef:
    """Return the declaration of the operation `name`.

    Raises:
        NotFoundError: if there is none.
    """
    try:
        return _registry[name]
    except KeyError:
        raise NotFoundError(
            None,
            None,
            f"operation {name!r} is not declared; declare it with @penstock.op, or import the module that does",
        ) from None


def registered() -> dict[str, OpDef]:
    """Return all declared operations by name."""
    return dict(_registry)
