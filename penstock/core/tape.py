"""Tapes: calls recorded as they happen, and played backward."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from penstock.core import context, nest
from penstock.core.backprop import Call, Cotangents, Gradient, backpropagate, is_differentiable
from penstock.core.convert import convert_to_tensor
from penstock.core.gradients import UnconnectedGradients, source_tensor
from penstock.core.op_def import lookup
from penstock.core.tensor import Tensor


class GradientTape:
    """Records operations on watched tensors and variables, for derivatives of what they compute.

    Args:
        persistent: whether `gradient` may be called more than once.
        watch_accessed_variables: whether trainable variables are watched when they are read.

    >>> from penstock.core.convert import convert_to_tensor
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

    def __enter__(self) -> GradientTape:
        self._push()
        return self

    def __exit__(self, *_: Any) -> None:
        if self._recording:
            self._pop()

    def _push(self) -> None:
        if self._recording:
            raise ValueError("Tape is still recording, This can happen if you try to re-enter an already-active tape.")
        self._recording = True
        context.state.tapes = [*context.state.tapes, self]

    def _pop(self) -> None:
        if not self._recording:
            raise ValueError("Tape is not recording.")
        self._recording = False
        context.state.tapes = [tape for tape in context.state.tapes if tape is not self]

    def record(self, call: Call) -> None:
        """Note a call, if it takes anything that is watched."""
        watched = self._watched
        for tensor in call.inputs:
            if id(tensor) in watched:
                break
        else:
            return
        self._calls.append(call)
        for tensor in call.outputs:
            if is_differentiable(tensor):
                watched.add(id(tensor))

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
        if self._watches_variables and id(variable) not in self._variables:
            self._watch_source(variable)

    def _watch_source(self, item: Any) -> None:
        source = source_tensor(item)
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
            RuntimeError: if called a second time on a tape that is not persistent.
        """
        if self._used and not self._persistent:
            raise RuntimeError(
                "A non-persistent GradientTape can only be used to compute one set of gradients (or jacobians). "
                "Make it with GradientTape(persistent=True)."
            )
        unconnected = UnconnectedGradients(getattr(unconnected_gradients, "value", unconnected_gradients))
        if self._recording and not self._persistent:
            self._pop()
        targets = [
            convert_to_tensor(t) if not hasattr(t, "_gradient_source") else t
            for t in nest.flatten(target, expand_composites=True)
        ]
        flat_sources = nest.flatten(sources, expand_composites=True)
        seeds: list[Any] = [None] * len(targets)
        if output_gradients is not None:
            seeds = [None if g is None else convert_to_tensor(g) for g in nest.flatten(output_gradients)]
        recording = self._recording
        if recording:
            self._pop()
        try:
            results = self._backward(targets, flat_sources, seeds, unconnected)
        finally:
            if recording:
                self._push()
        if not self._persistent:
            self._used = True
            self._calls, self._watched, self._kept = [], set(), []
        return nest.pack_sequence_as(sources, results, expand_composites=True)

    def _backward(
        self, targets: list[Any], sources: list[Any], seeds: list[Any], unconnected: UnconnectedGradients
    ) -> list[Gradient]:
        cotangents = Cotangents()
        for target, seed in zip(targets, seeds, strict=True):
            tensor = source_tensor(target) if hasattr(target, "_gradient_source") else target
            if not is_differentiable(tensor):
                continue
            if seed is None:
                like = convert_to_tensor(target) if tensor is not target else tensor
                seed = lookup("OnesLike")(like)  # type: ignore[operator]
            cotangents.add(tensor, seed)
        found = []
        for source in sources:
            if not isinstance(source, Tensor) and not hasattr(source, "_gradient_source"):
                raise ValueError(f"Cannot differentiate with respect to {source!r}: sources are tensors and variables")
            found.append(source_tensor(source))
        wanted = {id(tensor) for tensor in found}
        watched = self._watched
        backpropagate(
            reversed(self._calls),
            cotangents,
            keep=lambda tensor: id(tensor) in wanted,
            flows_to=lambda tensor: id(tensor) in watched,
        )
        results: list[Gradient] = []
        for source, tensor in zip(sources, found, strict=True):
            total = cotangents.total(tensor) if id(tensor) in watched else None
            if total is None and unconnected is UnconnectedGradients.ZERO:
                total = lookup("ZerosLike")(convert_to_tensor(source))  # type: ignore[operator]
            results.append(total)
        return results


def watch_variable_access(variable: Any) -> None:
    """Tell every recording tape that a trainable variable is read."""
    for tape in context.state.tapes:
        tape.watch_variable(variable)
