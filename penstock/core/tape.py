"""Tapes: calls recorded as they happen, and played backward."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from penstock.core import context, nest
from penstock.core.backprop import Call, Cotangents, Gradient, backpropagate, is_differentiable
from penstock.core.convert import capture_eager, convert_to_tensor
from penstock.core.dtypes import int32
from penstock.core.gradients import UnconnectedGradients, source_tensor
from penstock.core.graph import Graph, current_graph
from penstock.core.op_def import lookup
from penstock.core.tensor import EagerTensor, Tensor


class GradientTape:
    """Records operations on watched tensors and variables, for derivatives of what they compute.

    Args:
        persistent: whether `gradient` may be called more than once.
        watch_accessed_variables: whether trainable variables are watched when they are read.

    >>> from penstock.core.convert import capture_eager, convert_to_tensor
    >>> import penstock.ops
    >>> x = convert_to_tensor(3.0)
    >>> with GradientTape() as tape:
    ...     tape.watch(x)
    ...     y = x * x
    >>> float(tape.gradient(y, x))
    6.0
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self._persistent = persistent
        self._watches_variables = watch_accessed_variables
        self._calls: list[Call] = []
        self._watched: set[int] = set()  # ids of watched tensors and of what was computed from them
        self._kept: list[Any] = []  # keeps watched objects alive, so that ids stay theirs
        self._variables: dict[int, Any] = {}
        self._recording = False
        self._used = False
        self._started = False
        self._graph: Graph | None = None

    def __enter__(self) -> GradientTape:
        self._push()
        return self

    def __exit__(self, *_: Any) -> None:
        if self._recording:
            self._pop()

    def _push(self) -> None:
        if self._recording:
            raise ValueError("Tape is still recording, This can happen if you try to re-enter an already-active tape.")
        self._recording = self._started = True
        self._graph = current_graph()
        context.state.tapes = [*context.state.tapes, self]

    def _pop(self) -> None:
        if not self._recording:
            raise ValueError("Tape is not recording.")
        self._recording = False
        context.state.tapes = [tape for tape in context.state.tapes if tape is not self]

    def concerns(self, inputs: Sequence[Any]) -> bool:
        """Tell whether any input of a call is watched, so that the call is to be recorded."""
        return not self._watched.isdisjoint(map(id, inputs))

    def record(self, call: Call) -> None:
        """Note a call that takes something that is watched."""
        self._calls.append(call)
        watched = self._watched
        for tensor in call.outputs:
            if is_differentiable(tensor):
                watched.add(id(tensor))

    def note_output(self, call: Call, output: Tensor) -> None:
        """Note that a call which was recorded has been given a further output."""
        if any(id(tensor) in self._watched for tensor in call.inputs):
            self._watched.add(id(output))

    def watches(self, tensor: Tensor) -> bool:
        """Tell whether what is computed from `tensor` is recorded."""
        return id(tensor) in self._watched

    @property
    def order(self) -> int:
        """The order of derivatives that may be asked for: those of a persistent tape may be recorded by itself."""
        return 2 if self._persistent else 1

    def watch(self, tensor: Any) -> None:
        """Record what is computed from `tensor`, a tensor, a variable, or a nest of them.

        Raises:
            ValueError: if one is not a tensor.
        """
        for item in nest.flatten(tensor, expand_composites=True):
            if not isinstance(item, Tensor) and not hasattr(item, "_gradient_source"):
                raise ValueError(
                    f"Passed in object {item!r} of type {type(item).__name__!r}, not tf.Tensor or tf.Variable or "
                    "ExtensionType."
                )
            self._watch_source(item)

    def watch_variable(self, variable: Any) -> None:
        """Note that a trainable variable is read."""
        if id(variable) not in self._variables and self._watches_variables:
            self._watch_source(variable)

    def _source(self, item: Any) -> Tensor:
        """Return the tensor at which the gradient with respect to `item` is found, as the graph of the tape has it."""
        return gradient_source(item, self._graph)

    def _watch_source(self, item: Any) -> None:
        source = self._source(item)
        self._watched.add(id(source))
        self._kept.append((item, source))
        if hasattr(item, "_gradient_source"):
            self._variables[id(item)] = item

    def watched_variables(self) -> tuple[Any, ...]:
        """Return the variables watched so far, in the order in which they were met."""
        return tuple(self._variables.values())

    @contextlib.contextmanager
    def stop_recording(self) -> Iterator[None]:
        """Do not record operations within the block."""
        if not self._recording:
            raise RuntimeError("Trying to stop recording a tape which is not recording.")
        self._pop()
        try:
            yield
        finally:
            self._push()

    def reset(self) -> None:
        """Forget everything recorded."""
        self._pop()
        self._calls, self._watched, self._kept, self._variables = [], set(), [], {}
        self._push()

    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: Any = UnconnectedGradients.NONE,
    ) -> Any:
        """Return the derivatives of the sum of the targets with respect to the sources.

        Args:
            target: a tensor, or a nest of tensors.
            sources: watched tensors or variables, a nest of them.
            output_gradients: cotangents of the targets, ones where None.
            unconnected_gradients: "none" or "zero", what is returned where the targets do not depend on a source.
        Returns:
            The derivatives, nested as `sources`.
        Raises:
            RuntimeError: if called a second time on a tape that is not persistent, or on one that recorded nothing.
            TypeError: if there is no target, or a source is neither a tensor nor a variable.
        """
        self._begin()
        if target is None:
            raise TypeError("Argument `target` should be a tensor, or a nest of tensors, but received None.")
        unconnected = (
            unconnected_gradients
            if type(unconnected_gradients) is UnconnectedGradients
            else UnconnectedGradients(getattr(unconnected_gradients, "value", unconnected_gradients))
        )
        targets = [
            convert_to_tensor(t) if not hasattr(t, "_gradient_source") else t
            for t in ([target] if type(target) is EagerTensor else nest.flatten(target, expand_composites=True))
        ]
        flat_sources = nest.flatten(sources, expand_composites=True)
        seeds: list[Any] = [None] * len(targets)
        if output_gradients is not None:
            seeds = [None if g is None else convert_to_tensor(g) for g in nest.flatten(output_gradients)]
        # A persistent tape that is still recording records its own derivatives, for those of higher order.
        results = self._backward(targets, flat_sources, seeds, unconnected)
        self._end()
        return nest.pack_sequence_as(sources, results, expand_composites=True)

    def _begin(self) -> None:
        if self._used and not self._persistent or not self._started:
            raise RuntimeError(
                "A non-persistent GradientTape can only be used to compute one set of gradients (or jacobians). "
                "Make it with GradientTape(persistent=True), and use it after a `with` block."
            )
        if self._recording and not self._persistent:
            self._pop()

    def _expect_persistent(self, experimental_use_pfor: bool) -> None:
        if not experimental_use_pfor and not self._persistent and current_graph() is None:
            raise RuntimeError(
                "GradientTape must be created with persistent=True to compute the jacobian in eager execution with "
                "experimental_use_pfor=False."
            )

    def _end(self) -> None:
        if not self._persistent:
            self._used = True
            self._calls, self._watched, self._kept = [], set(), []

    def jacobian(
        self,
        target: Any,
        sources: Any,
        unconnected_gradients: Any = UnconnectedGradients.NONE,
        parallel_iterations: int | None = None,
        experimental_use_pfor: bool = True,
    ) -> Any:
        """Return the derivatives of each element of a tensor with respect to the sources.

        Args:
            target: a tensor; in a graph, of known shape.
            sources: watched tensors or variables, a nest of them.
            unconnected_gradients: "none" or "zero", what is returned where the target does not depend on a source.
            parallel_iterations: accepted; the elements are differentiated one after the other.
            experimental_use_pfor: False asks, as in TensorFlow, for a persistent tape in eager execution.
        Returns:
            For each source a tensor of shape target.shape + source.shape, nested as `sources`.
        Raises:
            RuntimeError: if called a second time on a tape that is not persistent, or with `experimental_use_pfor`
                False.
            ValueError: in a graph, if the size of `target` is not known.
        """
        self._expect_persistent(experimental_use_pfor)
        self._begin()
        unconnected = UnconnectedGradients(getattr(unconnected_gradients, "value", unconnected_gradients))
        tensor = target if hasattr(target, "_gradient_source") else convert_to_tensor(target)
        flat = nest.flatten(sources, expand_composites=True)
        dims = tuple(tensor.shape.as_list()) if tensor.shape.is_fully_defined() else None
        if dims is None:
            raise ValueError(f"The size of the target of GradientTape.jacobian must be known, got shape {tensor.shape}")
        size = math.prod(dims)
        kind = tensor.dtype.base_dtype.as_numpy_dtype
        rows = []
        for index in range(size):
            seed = np.zeros(size, kind)
            seed[index] = 1
            rows.append(self._backward([tensor], flat, [convert_to_tensor(seed.reshape(dims))], unconnected))
        results = []
        for position, source in enumerate(flat):
            pieces = [row[position] for row in rows]
            results.append(_stack(pieces, source, dims, 0, unconnected))
        self._end()
        return nest.pack_sequence_as(sources, results, expand_composites=True)

    def batch_jacobian(
        self,
        target: Any,
        source: Any,
        unconnected_gradients: Any = UnconnectedGradients.NONE,
        parallel_iterations: int | None = None,
        experimental_use_pfor: bool = True,
    ) -> Any:
        """Return, for each entry of a batch, the derivatives of the target's elements with respect to the source's.

        Args:
            target: a tensor of shape [b, y1, ...]; entry i depends on entry i of the source alone.
            source: a watched tensor of shape [b, x1, ...].
            unconnected_gradients: accepted; zeros are returned where the target does not depend on the source.
            parallel_iterations, experimental_use_pfor: see `jacobian`.
        Returns:
            A tensor of shape [b, y1, ..., x1, ...].
        Raises:
            RuntimeError: if called a second time on a tape that is not persistent.
            ValueError: if the sizes of the batch differ, or the inner sizes of the target are not known.
        """
        self._expect_persistent(experimental_use_pfor)
        self._begin()
        target, source = convert_to_tensor(target), convert_to_tensor(source)
        if target.shape.rank is None or target.shape.rank == 0:
            raise ValueError(f"target must be of rank 1 or more, got shape {target.shape}")
        if source.shape.rank is None or source.shape.rank == 0:
            raise ValueError(f"source must be of rank 1 or more, got shape {source.shape}")
        if not target.shape[:1].is_compatible_with(source.shape[:1]):
            raise ValueError(
                f"Need first dimension of target shape and source shape to match, got {target.shape} and {source.shape}"
            )
        inner = target.shape[1:]
        if not inner.is_fully_defined():
            raise ValueError(f"The inner sizes of the target of batch_jacobian must be known, got {target.shape}")
        dims = tuple(inner.as_list())
        size = math.prod(dims)
        pieces = []
        for index in range(size):
            mask = np.zeros(size, target.dtype.as_numpy_dtype)
            mask[index] = 1
            seed = lookup("Mul")(lookup("OnesLike")(target), mask.reshape((1, *dims)))  # type: ignore[operator]
            pieces.extend(self._backward([target], [source], [seed], UnconnectedGradients.ZERO))
        self._end()
        return _stack(pieces, source, dims, 1, UnconnectedGradients.ZERO)

    def _backward(
        self, targets: list[Any], sources: list[Any], seeds: list[Any], unconnected: UnconnectedGradients
    ) -> list[Gradient]:
        cotangents = Cotangents()
        for target, seed in zip(targets, seeds, strict=True):
            tensor = self._source(target) if hasattr(target, "_gradient_source") else target
            if not is_differentiable(tensor):
                continue
            if seed is None:
                like = convert_to_tensor(target) if tensor is not target else tensor
                seed = lookup("OnesLike")(like)  # type: ignore[operator]
            cotangents.add(tensor, seed)
        found = []
        for source in sources:
            if not isinstance(source, Tensor) and not hasattr(source, "_gradient_source"):
                raise TypeError(f"Cannot differentiate with respect to {source!r}: sources are tensors and variables")
            found.append(self._source(source))
        watched = self._watched
        backpropagate(reversed(list(self._calls)), cotangents, keep={id(tensor) for tensor in found}, flows_to=watched)
        results: list[Gradient] = []
        for source, tensor in zip(sources, found, strict=True):
            total = cotangents.total(tensor) if id(tensor) in watched else None
            if total is None and unconnected is UnconnectedGradients.ZERO:
                total = lookup("ZerosLike")(convert_to_tensor(source))  # type: ignore[operator]
            results.append(total)
        return results


def _stack(
    pieces: list[Gradient], source: Any, dims: tuple[int, ...], axis: int, unconnected: UnconnectedGradients
) -> Gradient:
    """Return derivatives of single elements as one tensor, with the sizes `dims` in place of `axis`."""
    like = convert_to_tensor(source)
    given = [None if piece is None else convert_to_tensor(piece) for piece in pieces]
    if not given and unconnected is UnconnectedGradients.NONE:
        return None
    if given and all(piece is None for piece in given):
        return None
    sizes: Any = like.shape.as_list() if like.shape.is_fully_defined() else lookup("Shape")(like)  # type: ignore[operator]
    if isinstance(sizes, list):
        shape: Any = [*sizes[:axis], *dims, *sizes[axis:]]
    else:
        parts = [lookup("Slice")(sizes, [0], [axis]), convert_to_tensor(list(dims), int32)]  # type: ignore[operator]
        parts.append(lookup("Slice")(sizes, [axis], [-1]))  # type: ignore[operator]
        shape = lookup("ConcatV2")(parts, 0)  # type: ignore[operator]
    if not given:
        return lookup("Fill")(shape, np.zeros((), like.dtype.as_numpy_dtype))  # type: ignore[operator]
    filled = [lookup("ZerosLike")(like) if piece is None else piece for piece in given]  # type: ignore[operator]
    return lookup("Reshape")(lookup("Pack")(filled, axis=axis), shape)  # type: ignore[operator]


_CURRENT: Any = object()


def gradient_source(item: Any, graph: Graph | None = _CURRENT) -> Tensor:
    """Return the tensor at which the gradient with respect to `item` is found, as a graph has it.

    Args:
        item: a tensor or variable.
        graph: a graph, by default the current one; None for eager execution.
    """
    source = source_tensor(item)
    graph = current_graph() if graph is _CURRENT else graph
    if graph is None or not graph.building_function:
        return source
    if isinstance(source, EagerTensor):
        return capture_eager(graph, source)
    return graph.capture(source) if hasattr(item, "_gradient_source") else source  # type: ignore[arg-type]


def watch_variable_access(variable: Any) -> None:
    """Tell every recording tape that a trainable variable is read."""
    for tape in context.state.tapes:
        tape.watch_variable(variable)
