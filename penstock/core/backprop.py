"""Reverse-mode differentiation over calls of operations, for graphs and tapes alike.

The cotangent of a tensor is the gradient of the targets with respect to it. Calls are visited in the reverse of the
order in which they were made; each turns the cotangents of its outputs into cotangents of its inputs, with the gradient
function
that stands beside the operation's kernel. Those are written with operations: run in a graph they extend the graph, run
eagerly they are kernel calls that an outer tape may record, which is all that higher derivatives need.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from typing import Any, Protocol

from penstock.core.dtypes import int64
from penstock.core.graph import current_graph, name_scope
from penstock.core.indexed_slices import IndexedSlices
from penstock.core.op_def import OpDef, lookup
from penstock.core.tensor import Tensor

Gradient = Any  # Tensor | IndexedSlices | None


class Call(Protocol):
    """A call of an operation: an Operation of a graph, or an EagerCall on a tape."""

    @property
    def op_def(self) -> OpDef: ...
    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def inputs(self) -> Sequence[Tensor]: ...
    @property
    def outputs(self) -> Sequence[Tensor]: ...
    @property
    def attrs(self) -> dict[str, Any]: ...


_gradient_functions: dict[str, Callable[..., Any] | None] = {}


def register_gradient(name: str, function: Callable[..., Any] | None) -> None:
    """Register a gradient function under a name, for `gradient_override_map` and for operations without one.

    Args:
        name: an operation's name, or any name that `gradient_override_map` refers to.
        function: `(call, *output gradients) -> input gradients`; None declares that no gradient flows.
    Raises:
        KeyError: if the name is taken.
    """
    if name in _gradient_functions:
        raise KeyError(f"Registering two gradients with the name {name!r}! (Gradients are registered once.)")
    _gradient_functions[name] = function


def gradient_function_of(call: Call) -> Callable[..., Any] | None:
    """Return the gradient function of a call; None where gradients are declared not to flow.

    Raises:
        LookupError: if the operation has no gradient.
    """
    # No default asks for either; so what an eager call was given will do.
    attrs = call.given if hasattr(call, "given") else call.attrs
    custom = attrs.get("_gradient_function")
    if custom is not None:
        return custom
    override = attrs.get("_gradient_op_type")
    if override is not None:
        override = override.decode() if isinstance(override, bytes) else override
        if override not in _gradient_functions:
            raise LookupError(f"No gradient is registered under the name {override!r}, which {call.name!r} asks for")
        return _gradient_functions[override]
    if call.op_def.gradient_rule is not None:
        return call.op_def.gradient_rule
    if call.type in _gradient_functions:
        return _gradient_functions[call.type]
    if not call.op_def.is_differentiable:
        return None
    raise LookupError(
        f"No gradient defined for operation {call.name!r} (op type: {call.type}). "
        "Put tf.stop_gradient around its inputs, or register a gradient for it."
    )


def takes_wanted(function: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a gradient function as one that saves work for inputs whose cotangents are of no use.

    It is called with a keyword argument `wanted`, which tells for each input whether its cotangent is.
    """
    function.takes_wanted = True  # type: ignore[attr-defined]
    return function


def takes_missing(function: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a gradient function as one that takes None for the cotangent of an output that nothing depends on, in place
    of the zeros that it would get otherwise. In a graph it gets zeros nevertheless: TensorFlow's nodes."""
    function.takes_missing = True  # type: ignore[attr-defined]
    return function


def is_differentiable(tensor: Any) -> bool:
    """Tell whether cotangents flow to a tensor: its elements are real or complex numbers, or it is a resource or
    variant."""
    dtype = tensor.dtype
    return dtype.is_floating or dtype.is_complex or dtype.base_dtype.name in ("resource", "variant")


class Cotangents:
    """The cotangents collected so far, a list of contributions for each tensor until they are needed as one."""

    def __init__(self) -> None:
        self.pieces: dict[int, list[Gradient]] = {}  # by the id of the tensor

    def add(self, tensor: Tensor, piece: Gradient) -> None:
        """Add a contribution to the cotangent of `tensor`."""
        if piece is not None:
            self.pieces.setdefault(id(tensor), []).append(piece)

    def total(self, tensor: Tensor) -> Gradient:
        """Return the sum of the contributions to `tensor`, None if there is none."""
        pieces = self.pieces.get(id(tensor))
        if pieces is None:
            return None
        if len(pieces) > 1:
            pieces[:] = [add_all(pieces)]
        return pieces[0]


def add_all(pieces: Sequence[Gradient]) -> Gradient:
    """Return the sum of several contributions to one cotangent; sparse ones stay sparse among themselves."""
    if len(pieces) == 1:
        return pieces[0]
    if all(isinstance(piece, IndexedSlices) for piece in pieces):
        values = lookup("ConcatV2")([piece.values for piece in pieces], 0)  # type: ignore[operator]
        indices = [piece.indices for piece in pieces]
        if len({index.dtype for index in indices}) > 1:
            indices = [lookup("Cast")(index, DstT=int64) for index in indices]  # type: ignore[operator]
        return IndexedSlices(values, lookup("ConcatV2")(indices, 0), pieces[0].dense_shape)  # type: ignore[operator]
    return lookup("AddN")(list(pieces))  # type: ignore[operator]


def backpropagate(
    calls: Iterable[Call],
    cotangents: Cotangents,
    keep: Container[int],
    flows_to: Container[int],
    around: Callable[[Call], Any] | None = None,
) -> None:
    """Carry cotangents from the outputs of calls to their inputs.

    Args:
        calls: calls in the reverse of the order in which they were made.
        cotangents: what has been collected; extended in place.
        keep: the ids of tensors whose cotangents are still wanted after their call was visited.
        flows_to: the ids of tensors whose cotangents are of use; others are dropped.
        around: the context in which the gradient function of a call runs in a graph; by default a name scope.
    """
    is_eager = current_graph() is None
    for call in calls:
        for tensor in call.outputs:
            if id(tensor) in cotangents.pieces:
                break
        else:
            continue
        function = gradient_function_of(call)
        if function is None:
            continue
        if is_eager:
            produced = _differentiate(function, call, cotangents, keep, flows_to, is_eager)
        else:
            with name_scope(f"{call.name}_grad") if around is None else around(call):
                produced = _differentiate(function, call, cotangents, keep, flows_to, is_eager)
        inputs = call.inputs
        if type(produced) is not tuple and (produced is None or isinstance(produced, (Tensor, IndexedSlices))):
            produced = (produced,)
        if len(produced) != len(inputs):
            raise ValueError(
                f"Num gradients {len(produced)} generated for op {call.name!r} ({call.type}) do not match num inputs "
                f"{len(inputs)}"
            )
        for tensor, piece in zip(inputs, produced, strict=True):
            if piece is None or id(tensor) not in flows_to:
                continue
            if not is_eager and not isinstance(piece, IndexedSlices):
                _check_shape(call, tensor, piece)
            cotangents.pieces.setdefault(id(tensor), []).append(piece)


def _differentiate(
    function: Callable[..., Any],
    call: Call,
    cotangents: Cotangents,
    keep: Container[int],
    flows_to: Container[int],
    is_eager: bool,
) -> Any:
    """Return what the gradient function of a call gives for the cotangents of its outputs, which are used up."""
    pieces = cotangents.pieces
    grads: list[Gradient] = []
    for tensor in call.outputs:
        key = id(tensor)
        found = pieces.get(key) if key in keep else pieces.pop(key, None)
        if found is not None and len(found) > 1:
            found[:] = [add_all(found)]
        grads.append(None if found is None else found[0])
    if not (is_eager and getattr(function, "takes_missing", False)):
        for position, tensor in enumerate(call.outputs):
            if grads[position] is None and is_differentiable(tensor):
                grads[position] = _zeros(tensor)
    if getattr(function, "takes_wanted", False):
        return function(call, *grads, wanted=[id(tensor) in flows_to for tensor in call.inputs])
    return function(call, *grads)


def _zeros(tensor: Tensor) -> Gradient:
    if tensor.dtype.base_dtype.name in ("resource", "variant"):
        return None
    zeros = lookup("ZerosLike")(tensor)  # type: ignore[operator]
    zeros._is_zeros_tensor = True  # gradient functions may skip what is multiplied with it
    return zeros


def _check_shape(call: Call, tensor: Tensor, piece: Tensor) -> None:
    dims, gradient_dims = tensor.dims, piece.dims
    if dims is None or tensor.dtype.base_dtype.name in ("resource", "variant"):
        return
    if gradient_dims is None or None in gradient_dims:
        piece.set_shape(dims)  # type: ignore[attr-defined]
    elif not tensor.shape.is_compatible_with(gradient_dims):
        raise ValueError(
            f"Incompatible shapes between op input and calculated input gradient. Forward operation: {call.name}. "
            f"Original input shape: {tensor.shape}. Calculated input gradient shape: {piece.shape}"
        )
