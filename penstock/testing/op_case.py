"""One case of one operation, checked in every way in which the operation can be used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock.core import array, context
from penstock.core.backprop import gradient_function_of
from penstock.core.convert import convert_to_tensor
from penstock.core.gradients import gradients_of
from penstock.core.graph import Graph
from penstock.core.indexed_slices import IndexedSlices
from penstock.core.op import Op
from penstock.core.op_def import lookup
from penstock.core.shape_rules import format_dims
from penstock.core.tape import GradientTape
from penstock.core.tensor import EagerTensor, Tensor
from penstock.runtime.session import Session


def normal(*shape: int, dtype: Any = np.float64, seed: int = 0) -> np.ndarray:
    """Return standard normal numbers, the same for each call."""
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def uniform(low: float, high: float, *shape: int, dtype: Any = np.float64, seed: int = 0) -> np.ndarray:
    """Return uniform numbers in [low, high), the same for each call."""
    return np.random.default_rng(seed).uniform(low, high, shape).astype(dtype)


def integers(low: int, high: int, *shape: int, dtype: Any = np.int32, seed: int = 0) -> np.ndarray:
    """Return integers in [low, high), the same for each call."""
    return np.random.default_rng(seed).integers(low, high, shape).astype(dtype)


class OpCase:
    """A call of an operation with its expected result.

    Args:
        op: the operation, as declared.
        inputs: one item an input: a NumPy array, Python numbers, or a list of arrays for a sequence.
        reference: a function of the inputs (and attributes) that gives the expected output or outputs, the expected
            value itself, or None where only consistency is checked.
        attrs: attributes.
        name: what tells this case from others of the same operation.
        gradient: "both" derivatives are compared with differences, "first" only, or None where there are none.
        tolerance: relative and absolute tolerance for values.
        gradient_tolerance: the same for derivatives, which are computed in float64.
    """

    def __init__(
        self,
        op: Op,
        inputs: Sequence[Any],
        reference: Callable[..., Any] | Any = None,
        attrs: dict[str, Any] | None = None,
        name: str = "",
        gradient: str | None = "both",
        tolerance: float = 1e-5,
        gradient_tolerance: float = 1e-5,
    ) -> None:
        self.op = op
        self.inputs = list(inputs)
        self.reference = reference
        self.attrs = attrs or {}
        self.name = name
        self.gradient = gradient
        self.tolerance = tolerance
        self.gradient_tolerance = gradient_tolerance

    def __str__(self) -> str:
        return f"{self.op.name}-{self.name}" if self.name else self.op.name

    def check(self) -> None:
        """Check value, type, shapes, graph against eager, memory, and derivatives.

        Raises:
            AssertionError: saying which of them does not hold.
        """
        before = [np.array(item, copy=True) for item in self._flat_arrays()]
        with context.eager_mode():
            eager = self._call(self.inputs)
        self._check_values(eager)
        self._check_graph(eager)
        self._check_unknown_shapes(eager)
        self._check_memory()
        self._check_layout(eager)
        for old, new in zip(before, self._flat_arrays(), strict=True):
            np.testing.assert_array_equal(old, new, err_msg=f"{self}: an input was written to")
        if self.gradient is not None and self._float_positions():
            self._check_gradient()

    # Calls

    def _call(self, inputs: Sequence[Any]) -> list[Any]:
        result = self.op(*inputs, **self.attrs)
        if result is None:
            return []
        return _flatten(result) if isinstance(result, (list, tuple)) else [result]

    def _flat_arrays(self) -> list[Any]:
        return [item for entry in self.inputs for item in (entry if self._is_sequence(entry) else [entry])]

    @staticmethod
    def _is_sequence(entry: Any) -> bool:
        return isinstance(entry, (list, tuple)) and bool(entry) and isinstance(entry[0], np.ndarray)

    def _numpy(self, tensors: Sequence[Any]) -> list[np.ndarray]:
        values = [array.to_numpy(tensor.value) for tensor in tensors]
        return [_as_array(value) for value in values]

    # Checks

    def _check_values(self, eager: list[EagerTensor]) -> None:
        if self.reference is None:
            return
        expected = self.reference(*self.inputs) if callable(self.reference) else self.reference
        wanted = list(expected) if isinstance(expected, (list, tuple)) and len(eager) > 1 else [expected]
        assert len(wanted) == len(eager), f"{self}: {len(wanted)} outputs expected, got {len(eager)}"
        for value, reference in zip(self._numpy(eager), wanted, strict=True):
            self._compare(value, _as_array(reference), "value")

    def _compare(self, value: np.ndarray, reference: np.ndarray, what: str) -> None:
        assert value.shape == reference.shape, f"{self}: {what} has shape {value.shape}, expected {reference.shape}"
        if value.dtype == object or value.dtype.kind in "biu":
            np.testing.assert_array_equal(value, reference, err_msg=f"{self}: {what}")
        else:
            wide = np.complex128 if value.dtype.kind == "c" else np.float64
            np.testing.assert_allclose(
                value.astype(wide),
                reference.astype(wide),
                rtol=self.tolerance,
                atol=self.tolerance,
                err_msg=f"{self}: {what}",
            )

    def _check_graph(self, eager: list[EagerTensor]) -> None:
        graph = Graph()
        with graph.as_default():
            outputs = self._call(self._constants())
        for tensor, value in zip(outputs, eager, strict=True):
            assert tensor.dtype.base_dtype == value.dtype.base_dtype, (
                f"{self}: static type {tensor.dtype.name}, value {value.dtype.name}"
            )
            assert tensor.shape.is_compatible_with(value.shape), (
                f"{self}: static shape {format_dims(tensor.dims)}, value {format_dims(value.dims)}"
            )
        if self.op.is_stateful:
            return
        with Session(graph=graph) as session:
            for got, expected in zip(session.run(outputs), self._numpy(eager), strict=True):
                np.testing.assert_array_equal(_as_array(got), expected, err_msg=f"{self}: graph and eager differ")

    def _constants(self) -> list[Any]:
        return [
            [convert_to_tensor(item) for item in entry] if self._is_sequence(entry) else entry for entry in self.inputs
        ]

    def _check_unknown_shapes(self, eager: list[EagerTensor]) -> None:
        for hide in (
            lambda shape: None,
            lambda shape: [None] * len(shape),
            lambda shape: [None if axis % 2 else size for axis, size in enumerate(shape)],
        ):
            graph = Graph()
            feeds: dict[Any, Any] = {}

            def hidden(entry: Any, feeds: dict[Any, Any] = feeds, hide: Any = hide) -> Any:
                if isinstance(entry, np.ndarray) and entry.dtype != object:
                    placeholder = lookup("Placeholder")(dtype=entry.dtype, shape=hide(entry.shape))  # type: ignore[operator]
                    feeds[placeholder] = entry
                    return placeholder
                return entry

            with graph.as_default():
                inputs = [
                    [hidden(i) for i in entry] if self._is_sequence(entry) else hidden(entry) for entry in self.inputs
                ]
                outputs = self._call(inputs)
            for tensor, value in zip(outputs, eager, strict=True):
                assert tensor.shape.is_compatible_with(value.shape), (
                    f"{self}: with unknown shapes, static shape {format_dims(tensor.dims)}, value "
                    f"{format_dims(value.dims)}"
                )
            if self.op.is_stateful or not outputs:
                continue
            with Session(graph=graph) as session:
                for got, expected in zip(session.run(outputs, feeds), self._numpy(eager), strict=True):
                    np.testing.assert_array_equal(
                        _as_array(got), expected, err_msg=f"{self}: fed values and constants differ"
                    )

    def _check_memory(self) -> None:
        if self.op.is_view or self.op.is_stateful:
            return
        with context.eager_mode():
            inputs = [
                [convert_to_tensor(i) for i in entry]
                if self._is_sequence(entry)
                else convert_to_tensor(entry)
                if isinstance(entry, np.ndarray)
                else entry
                for entry in self.inputs
            ]
            outputs = self._call(inputs)
        given = [
            t for entry in inputs for t in (entry if isinstance(entry, list) else [entry]) if isinstance(t, EagerTensor)
        ]
        for other in outputs[1:]:
            assert not array.shares_memory(outputs[0].value, other.value), (
                f"{self}: the first result shares memory with another: declare view=True"
            )
        for output in outputs:
            for tensor in given:
                assert not array.shares_memory(output.value, tensor.value), (
                    f"{self}: the result shares memory with an input: declare view=True"
                )

    def _check_layout(self, eager: list[EagerTensor]) -> None:
        """Compare the result for inputs that are laid out in memory the other way round."""
        matrices = [item for item in self._flat_arrays() if isinstance(item, np.ndarray) and item.ndim > 1]
        if self.op.is_stateful or not any(item.dtype != object for item in matrices):
            return
        with context.eager_mode():
            inputs = [
                [_turned(item) for item in entry] if self._is_sequence(entry) else _turned(entry)
                for entry in self.inputs
            ]
            outputs = self._numpy(self._call(inputs))
        for got, expected in zip(outputs, self._numpy(eager), strict=True):
            if expected.dtype.kind not in "fc":
                np.testing.assert_array_equal(got, expected, err_msg=f"{self}: values depend on the layout of inputs")
            else:
                self._compare(got, expected, "value for inputs of another layout")

    # Derivatives

    def _float_positions(self) -> list[tuple[int, int | None]]:
        positions: list[tuple[int, int | None]] = []
        for index, entry in enumerate(self.inputs):
            if self.op.inputs[index].is_host:
                continue
            if self._is_sequence(entry):
                positions.extend((index, k) for k, item in enumerate(entry) if item.dtype.kind == "f")
            elif isinstance(entry, np.ndarray) and entry.dtype.kind == "f":
                positions.append((index, None))
        return positions

    def _check_gradient(self) -> None:
        positions = self._float_positions()
        start = [np.asarray(self._at(position), dtype=np.float64) for position in positions]
        with context.eager_mode():
            weights = [
                np.random.default_rng(7 + i).uniform(0.5, 1.5, tensor.shape.as_list())
                for i, tensor in enumerate(self._call(self._with(positions, start)))
            ]
            self._compare_derivatives(
                positions, start, lambda points: self._objective(positions, points, weights), "gradient"
            )
            if self.gradient == "both":
                directions = [
                    np.random.default_rng(70 + i).uniform(0.5, 1.5, point.shape) for i, point in enumerate(start)
                ]
                self._compare_derivatives(
                    positions,
                    start,
                    lambda points: self._slope(positions, points, weights, directions),
                    "second gradient",
                )
            self._check_symbolic_gradient(positions, start, weights)

    def _at(self, position: tuple[int, int | None]) -> np.ndarray:
        index, item = position
        return self.inputs[index] if item is None else self.inputs[index][item]

    def _with(self, positions: list[tuple[int, int | None]], points: Sequence[Any]) -> list[Any]:
        inputs = [list(entry) if self._is_sequence(entry) else entry for entry in self.inputs]
        for (index, item), point in zip(positions, points, strict=True):
            if item is None:
                inputs[index] = point
            else:
                inputs[index][item] = point
        return inputs

    def _objective(self, positions: Any, points: Sequence[Tensor], weights: Sequence[np.ndarray]) -> Any:
        """Return a weighted sum of the outputs, a scalar whose gradient exercises them all."""
        outputs = self._call(self._with(positions, points))
        total: Any = None
        for output, weight in zip(outputs, weights, strict=True):
            if output.dtype.is_floating:
                part = _sum(lookup("Mul")(output, convert_to_tensor(weight, output.dtype)))  # type: ignore[operator]
                total = part if total is None else lookup("AddV2")(total, part)  # type: ignore[operator]
        return total

    def _slope(self, positions: Any, points: Sequence[Tensor], weights: Any, directions: Sequence[np.ndarray]) -> Any:
        """Return the objective's derivative in a fixed direction, a scalar whose gradient holds second derivatives."""
        with GradientTape() as tape:
            tape.watch(list(points))
            value = self._objective(positions, points, weights)
        grads = tape.gradient(value, list(points))
        total: Any = None
        for grad, direction in zip(grads, directions, strict=True):
            if grad is not None:
                part = _sum(lookup("Mul")(_dense(grad), convert_to_tensor(direction)))  # type: ignore[operator]
                total = part if total is None else lookup("AddV2")(total, part)  # type: ignore[operator]
        return total

    def _compare_derivatives(
        self, positions: Any, start: list[np.ndarray], function: Callable[..., Any], what: str
    ) -> None:
        points = [convert_to_tensor(point) for point in start]
        with GradientTape() as tape:
            tape.watch(points)
            value = function(points)
        if value is None:
            return
        grads = tape.gradient(value, points)
        for index, grad in enumerate(grads):
            got = np.zeros(start[index].shape) if grad is None else np.asarray(_dense(grad).numpy())
            expected = self._differences(start, index, function)
            scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
            np.testing.assert_allclose(
                got,
                expected,
                rtol=self.gradient_tolerance,
                atol=self.gradient_tolerance * scale,
                err_msg=f"{self}: {what} with respect to input {positions[index]}",
            )

    def _differences(
        self, start: list[np.ndarray], index: int, function: Callable[..., Any], step: float = 1e-5
    ) -> np.ndarray:
        result = np.zeros(start[index].shape)
        for position in np.ndindex(*start[index].shape):
            sides = []
            for sign in (1, -1):
                moved = [point.copy() for point in start]
                moved[index][position] += sign * step
                value = function([convert_to_tensor(point) for point in moved])
                sides.append(0.0 if value is None else float(value))
            result[position] = (sides[0] - sides[1]) / (2 * step)
        return result

    def _check_symbolic_gradient(self, positions: Any, start: list[np.ndarray], weights: Sequence[np.ndarray]) -> None:
        """Compare the gradient built into a graph, for unknown shapes, with the tape's."""
        points = [convert_to_tensor(point) for point in start]
        with GradientTape() as tape:
            tape.watch(points)
            value = self._objective(positions, points, weights)
        grads = [_dense(grad) for grad in tape.gradient(value, points)]
        graph = Graph()
        with graph.as_default():
            placeholders = [lookup("Placeholder")(dtype=np.float64, shape=None) for _ in start]  # type: ignore[operator]
            total = self._objective(positions, placeholders, weights)
            built = gradients_of(graph, [total], placeholders)
            fetches = [None if grad is None else convert_to_tensor(grad) for grad in built]
        with Session(graph=graph) as session:
            for fetch, grad in zip(fetches, grads, strict=True):
                assert (fetch is None) == (grad is None), (
                    f"{self}: the gradients of graph and tape are connected differently"
                )
                if fetch is not None:
                    got = session.run(fetch, dict(zip(placeholders, start, strict=True)))
                    np.testing.assert_allclose(
                        got,
                        _dense(grad).numpy(),
                        rtol=1e-9,
                        atol=1e-12,
                        err_msg=f"{self}: gradients of graph and tape differ",
                    )


def _turned(entry: Any) -> Any:
    """Return an array as a tensor whose axes lie in memory in reverse order; anything else as it is."""
    if not isinstance(entry, np.ndarray) or entry.ndim < 2 or entry.dtype == object:
        return entry
    order = list(range(entry.ndim))[::-1]
    return lookup("Transpose")(convert_to_tensor(np.ascontiguousarray(entry.T)), order)  # type: ignore[operator]


def _flatten(result: Any) -> list[Any]:
    return [leaf for item in result for leaf in (_flatten(item) if isinstance(item, (list, tuple)) else [item])]


def _as_array(value: Any) -> np.ndarray:
    """Return a value as an array; bytes as an object, since NumPy's own type for them drops zeros at the end."""
    return np.asarray(value, dtype=object if isinstance(value, bytes) else None)


def _dense(grad: Any) -> Any:
    return convert_to_tensor(grad) if isinstance(grad, IndexedSlices) else grad


def _sum(tensor: Tensor) -> Tensor:
    flat = lookup("Reshape")(tensor, [-1])  # type: ignore[operator]
    return lookup("Sum")(flat, [0])  # type: ignore[operator]


def has_gradient(op: Op) -> bool:
    """Tell whether an operation's declaration, or the registry of gradients, has a gradient function."""
    call: Any = type("Call", (), {"op_def": op, "attrs": {}, "type": op.name, "name": op.name})
    try:
        return gradient_function_of(call) is not None
    except LookupError:
        return False
