"""Symbolic gradients: the graph extended by the operations that compute derivatives."""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Iterator, Sequence
from typing import Any

from penstock.core.backprop import Call, Cotangents, Gradient, backpropagate, is_differentiable
from penstock.core.convert import capture_eager, convert_to_tensor
from penstock.core.graph import Graph, current_graph, get_default_graph, name_scope
from penstock.core.indexed_slices import IndexedSlices
from penstock.core.op_def import lookup
from penstock.core.operation import Operation
from penstock.core.tensor import EagerTensor, SymbolicTensor, Tensor


class UnconnectedGradients(enum.Enum):
    """What the gradient is where the targets do not depend on the source: None, or zeros."""

    NONE = "none"
    ZERO = "zero"


class AggregationMethod:
    """How contributions to one gradient are added up; all methods give the same sum here."""

    ADD_N = 0
    DEFAULT = ADD_N
    EXPERIMENTAL_TREE = 1
    EXPERIMENTAL_ACCUMULATE_N = 2


def source_tensor(x: Any) -> Tensor:
    """Return the tensor at which the gradient with respect to `x` is found: a variable's reference or handle, or
    `x`."""
    found = getattr(x, "_gradient_source", None)
    return convert_to_tensor(x) if found is None else found()


def _of(graph: Graph, item: Any) -> Tensor:
    """Return the tensor of `graph` that `item` is or stands for, not captured by the graph in which gradients are
    built."""
    if isinstance(item, SymbolicTensor) and item.graph is graph:
        return item
    found = source_tensor(item)
    return capture_eager(graph, found) if isinstance(found, EagerTensor) else found


def _target(graph: Graph, item: Any) -> Tensor:
    """Return the tensor to differentiate: of a variable that is a resource, what it holds now."""
    tensor = _of(graph, item)
    if tensor.dtype.base_dtype.name == "resource" and tensor is not item and graph is current_graph():
        return convert_to_tensor(item)
    return tensor


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def gradients(
    ys: Any,
    xs: Any,
    grad_ys: Any = None,
    name: str = "gradients",
    colocate_gradients_with_ops: bool = False,
    gate_gradients: bool = False,
    aggregation_method: int | None = None,
    stop_gradients: Any = None,
    unconnected_gradients: Any = UnconnectedGradients.NONE,
) -> list[Gradient]:
    """Return the derivatives of the sum of `ys` with respect to each of `xs`, as new operations of the graph.

    Args:
        ys: a tensor or a list of tensors, real or complex.
        xs: a tensor or variable, or a list of them.
        grad_ys: cotangents of `ys`, ones where None.
        name: the name scope of the new operations.
        colocate_gradients_with_ops: whether each runs on the device of the operation that it differentiates.
        gate_gradients: accepted; all gradients of an operation are computed before one is used.
        aggregation_method: accepted; see `AggregationMethod`.
        stop_gradients: tensors to be taken as constants.
        unconnected_gradients: "none" or "zero", what is returned where `ys` do not depend on an x.
    Returns:
        A list with one entry for each of `xs`: a tensor, IndexedSlices where only some rows are touched, or None.
    Raises:
        LookupError: if an operation on the way has no gradient.
        RuntimeError: when executing eagerly.
    """
    graph = current_graph()
    if graph is None:
        raise RuntimeError(
            "tf.gradients is not supported when eager execution is enabled. Use tf.GradientTape instead."
        )
    return gradients_of(
        graph,
        _as_list(ys),
        _as_list(xs),
        grad_ys,
        name,
        colocate_gradients_with_ops,
        stop_gradients,
        unconnected_gradients,
    )


def gradients_v2(
    ys: Any,
    xs: Any,
    grad_ys: Any = None,
    name: str = "gradients",
    gate_gradients: bool = False,
    aggregation_method: int | None = None,
    stop_gradients: Any = None,
    unconnected_gradients: Any = UnconnectedGradients.NONE,
) -> list[Gradient]:
    """Return the derivatives of the sum of `ys` with respect to each of `xs`; see `gradients`."""
    return gradients(
        ys, xs, grad_ys, name, True, gate_gradients, aggregation_method, stop_gradients, unconnected_gradients
    )


def gradients_of(
    source: Graph,
    ys: list[Any],
    xs: list[Any],
    grad_ys: Any = None,
    name: str = "gradients",
    colocate: bool = False,
    stop_gradients: Any = None,
    unconnected_gradients: Any = UnconnectedGradients.NONE,
) -> list[Gradient]:
    """Differentiate operations of the graph `source`; the new operations are made in the current graph.

    The two differ where the gradient of a function is built: its body is `source`, and what the derivative needs of the
    body is captured. See `gradients` for the other arguments.
    """
    unconnected = UnconnectedGradients(getattr(unconnected_gradients, "value", unconnected_gradients))
    with name_scope(name):
        targets = [_target(source, y) for y in ys]
        sources = [_of(source, x) for x in xs]
        stops = {id(source_tensor(x)) for x in _as_list(stop_gradients)} if stop_gradients is not None else set()
        cotangents = Cotangents()
        for target, seed in zip(targets, _seeds(targets, grad_ys), strict=True):
            cotangents.add(target, seed)
        wanted = {id(tensor) for tensor in sources}
        calls, reached = _between(source, targets, sources, stops)
        backpropagate(
            calls,
            cotangents,
            keep=wanted,
            flows_to=reached,
            around=_scopes(colocate),
        )
        results: list[Gradient] = []
        for tensor, x in zip(sources, xs, strict=True):
            total = cotangents.total(tensor)
            if total is None and unconnected is UnconnectedGradients.ZERO:
                total = _zeros_for(tensor, x)
            results.append(total)
        return results


def _zeros_for(tensor: Tensor, x: Any) -> Tensor:
    if tensor.dtype.base_dtype.name == "resource":
        return lookup("ZerosLike")(convert_to_tensor(x))  # type: ignore[operator]
    return lookup("ZerosLike")(tensor)  # type: ignore[operator]


def _seeds(targets: Sequence[Tensor], grad_ys: Any) -> list[Gradient]:
    given = [None] * len(targets) if grad_ys is None else _as_list(grad_ys)
    if len(given) != len(targets):
        raise ValueError(f"grad_ys has {len(given)} entries for {len(targets)} ys: Must pass one for each, or None")
    seeds: list[Gradient] = []
    for index, (target, seed) in enumerate(zip(targets, given, strict=True)):
        if not is_differentiable(target) and target.dtype.base_dtype.name != "variant":
            raise TypeError(
                f"Gradients of tensors must be floating or complex, got {target.dtype.name} for {target!r}. "
                "Cast it with tf.cast before differentiating."
            )
        if seed is None:
            if target.dtype.is_complex:
                raise TypeError(f"Gradients of complex tensors must set grad_ys (y.dtype = {target.dtype.name})")
            seeds.append(lookup("OnesLike")(target, name=f"grad_ys_{index}"))  # type: ignore[operator]
        elif isinstance(seed, IndexedSlices):
            seeds.append(seed)
        else:
            seed = convert_to_tensor(seed, target.dtype.base_dtype, name=f"grad_ys_{index}")
            if not seed.shape.is_compatible_with(target.shape):
                raise ValueError(
                    f"grad_ys[{index}] has shape {seed.shape}, but its y has shape {target.shape}: they must agree"
                )
            seeds.append(seed)
    return seeds


def _between(
    source: Graph, targets: Sequence[Any], sources: Sequence[Any], stops: set[int]
) -> tuple[list[Call], set[int]]:
    """Return the operations on paths from sources to targets, latest first, and the ids of the tensors on those
    paths."""
    needed: set[Operation] = set()
    stack = [target.op for target in targets if isinstance(target, SymbolicTensor)]
    while stack:
        op = stack.pop()
        if op in needed:
            continue
        needed.add(op)
        stack.extend(tensor.op for tensor in op.inputs if id(tensor) not in stops)
    reached = {id(tensor) for tensor in sources}
    calls: list[Call] = []
    for op in sorted(needed, key=lambda item: item.index):
        stopped = bool(op.outputs) and all(id(tensor) in stops for tensor in op.outputs)
        if not stopped and any(id(tensor) in reached for tensor in op.inputs):
            calls.append(op)
            reached.update(
                id(tensor) for tensor in op.outputs if is_differentiable(tensor) or tensor.dtype._is_ref_dtype
            )
    calls.reverse()
    return calls, reached


def _scopes(colocate: bool) -> Any:
    @contextlib.contextmanager
    def around(call: Call) -> Iterator[None]:
        with name_scope(f"{call.name}_grad"):
            if colocate and isinstance(call, Operation) and call.graph is current_graph():
                with get_default_graph().colocate_with(call):
                    yield
            else:
                yield

    return around


def hessians(
    ys: Any,
    xs: Any,
    name: str = "hessians",
    colocate_gradients_with_ops: bool = False,
    gate_gradients: bool = False,
    aggregation_method: int | None = None,
) -> list[Gradient]:
    """Return the matrices of second derivatives of the sum of `ys` with respect to each of `xs`.

    Args:
        ys: a tensor or a list of tensors.
        xs: a tensor or a list of tensors, of known shape.
        name: the name scope of the new operations.
        colocate_gradients_with_ops, gate_gradients, aggregation_method: see `gradients`.
    Returns:
        One tensor for each x, of shape x.shape + x.shape.
    """
    results: list[Gradient] = []
    with name_scope(name):
        for x in _as_list(xs):
            (gradient,) = gradients(ys, x, colocate_gradients_with_ops=colocate_gradients_with_ops)
            if gradient is None:
                results.append(None)
                continue
            source = source_tensor(x)
            size = source.shape.num_elements()
            if size is None:
                raise ValueError(f"tf.hessians needs x of known shape, got {source.shape} for {source!r}")
            flat = lookup("Reshape")(gradient, [size])  # type: ignore[operator]
            rows = [gradients(_element(flat, i), x, unconnected_gradients="zero")[0] for i in range(size)]
            stacked = lookup("Pack")(rows, axis=0)  # type: ignore[operator]
            shape = source.shape.as_list()
            results.append(lookup("Reshape")(stacked, shape + shape))  # type: ignore[operator]
    return results


def hessians_v2(
    ys: Any, xs: Any, gate_gradients: bool = False, aggregation_method: int | None = None, name: str = "hessians"
) -> list[Gradient]:
    """Return the matrices of second derivatives of the sum of `ys` with respect to each of `xs`; see `hessians`."""
    return hessians(ys, xs, name, True, gate_gradients, aggregation_method)


def _element(flat: Tensor, index: int) -> Tensor:
    return lookup("Reshape")(lookup("Slice")(flat, [index], [1]), [])  # type: ignore[operator]
