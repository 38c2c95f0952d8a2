"""Forward-mode differentiation: tangents carried along with the computation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.core import context, nest
from penstock.core.backprop import Call, gradient_function_of, is_differentiable
from penstock.core.convert import convert_to_tensor
from penstock.core.gradients import UnconnectedGradients
from penstock.core.indexed_slices import IndexedSlices
from penstock.core.op_def import lookup
from penstock.core.tape import GradientTape, gradient_source
from penstock.core.tensor import Tensor


class ForwardAccumulator:
    """Computes Jacobian-vector products of everything that is computed within the block.

    The tangent of a call's outputs is found from its gradient: that is linear in the cotangents, so that
    differentiating it once more, with respect to them, gives the product with the tangents of the inputs.

    Args:
        primals: tensors or variables, or a nest of them.
        tangents: the directions, nested, typed and shaped as `primals`.
    Raises:
        ValueError: if a primal is not of a real or complex type, or its tangent has another shape.

    >>> import penstock as tf
    >>> x = tf.constant([2.0, 3.0])
    >>> with tf.autodiff.ForwardAccumulator(x, tf.constant([1.0, 0.0])) as acc:
    ...     y = tf.reduce_sum(x * x)
    >>> float(acc.jvp(y))
    4.0
    """

    order = 1

    def __init__(self, primals: Any, tangents: Any) -> None:
        nest.assert_same_structure(primals, tangents, check_types=False, expand_composites=True)
        self._tangents: dict[int, tuple[Tensor, Tensor]] = {}  # id of a tensor -> the tensor, kept alive, its tangent
        self._recording = False
        flat = nest.flatten(primals, expand_composites=True)
        for primal, tangent in zip(flat, nest.flatten(tangents, expand_composites=True), strict=True):
            source = gradient_source(primal)
            if not is_differentiable(source):
                raise ValueError(
                    f"The primals of a ForwardAccumulator must be of a real or complex type, got {source.dtype.name}"
                )
            direction = convert_to_tensor(tangent, primal.dtype.base_dtype if hasattr(primal, "dtype") else None)
            shape = primal.shape if hasattr(primal, "shape") else source.shape
            if not direction.shape.is_compatible_with(shape):
                raise ValueError(f"A tangent must have the shape of its primal, {shape}; got {direction.shape}")
            if id(source) in self._tangents:
                direction = lookup("AddV2")(self._tangents[id(source)][1], direction)  # type: ignore[operator]
            self._tangents[id(source)] = source, direction

    def __enter__(self) -> ForwardAccumulator:
        if self._recording:
            raise ValueError("Accumulator is already recording.")
        self._recording = True
        context.state.tapes = [*context.state.tapes, self]
        return self

    def __exit__(self, typ: Any, value: Any, traceback: Any) -> None:
        if self._recording:
            self._recording = False
            context.state.tapes = [tape for tape in context.state.tapes if tape is not self]

    def jvp(self, primals: Any, unconnected_gradients: Any = UnconnectedGradients.NONE) -> Any:
        """Return the Jacobian-vector products of tensors computed within the block, and of the primals themselves.

        Args:
            primals: a tensor or variable, or a nest of them.
            unconnected_gradients: "none" or "zero", what is returned for what does not depend on the primals.
        """
        unconnected = UnconnectedGradients(getattr(unconnected_gradients, "value", unconnected_gradients))

        def find(primal: Any) -> Any:
            source = gradient_source(primal)
            found = self._tangents.get(id(source))
            if found is not None:
                return found[1]
            if unconnected is UnconnectedGradients.ZERO:
                return lookup("ZerosLike")(convert_to_tensor(primal))  # type: ignore[operator]
            return None

        return nest.map_structure(find, primals, expand_composites=True)

    # What every tape is asked

    def watches(self, tensor: Tensor) -> bool:
        """Tell whether `tensor` has a tangent."""
        return id(tensor) in self._tangents

    def watch_variable(self, variable: Any) -> None:
        """Variables have the tangents that the accumulator was given."""

    def note_output(self, call: Call, output: Tensor) -> None:
        """Values that only a gradient asks for have no tangents."""

    def concerns(self, inputs: Sequence[Any]) -> bool:
        """Tell whether any input of a call has a tangent."""
        return any(id(item) in self._tangents for item in inputs)

    def record(self, call: Call) -> None:
        """Compute the tangents of the outputs of a call that takes something with a tangent."""
        known = [self._tangents.get(id(tensor)) for tensor in call.inputs]
        if not call.outputs:
            return
        tangents = [None if entry is None else entry[1] for entry in known]
        # Tapes and accumulators around this one see what is computed here; those inside it do not.
        saved = context.state.tapes
        context.state.tapes = saved[: next((i for i, tape in enumerate(saved) if tape is self), len(saved))]
        try:
            products = _product(call, tangents)
        finally:
            context.state.tapes = saved
        for output, product in zip(list(call.outputs), products, strict=False):
            if product is not None:
                self._tangents[id(output)] = output, product


def _product(call: Call, tangents: list[Tensor | None]) -> list[Any]:
    """Return the products of a call's Jacobians with the tangents of its inputs, one for each output."""
    outputs = list(call.outputs)
    function = gradient_function_of(call)
    if function is None:
        return [None] * len(outputs)
    ones = [_cotangent(tensor) for tensor in outputs]
    sources = [one for one in ones if one is not None]
    with GradientTape(watch_accessed_variables=False) as tape:
        for one in sources:
            tape.watch(one)
        if getattr(function, "takes_wanted", False):
            produced = function(call, *ones, wanted=[tangent is not None for tangent in tangents])
        else:
            produced = function(call, *ones)
        if produced is None or isinstance(produced, (Tensor, IndexedSlices)):
            produced = (produced,)
        pairs = [
            (convert_to_tensor(cotangent), tangent)
            for cotangent, tangent in zip(produced, tangents, strict=False)
            if cotangent is not None and tangent is not None
        ]
    if not pairs or not sources:
        return [None] * len(outputs)
    found = iter(tape.gradient([pair[0] for pair in pairs], sources, [pair[1] for pair in pairs]))
    result = [None if one is None else next(found) for one in ones]
    return [convert_to_tensor(item) if isinstance(item, IndexedSlices) else item for item in result]


def _cotangent(tensor: Tensor) -> Any:
    if not is_differentiable(tensor) or tensor.dtype.base_dtype.name in ("resource", "variant"):
        return None
    return lookup("OnesLike")(tensor)  # type: ignore[operator]
