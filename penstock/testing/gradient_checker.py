"""Derivatives of a computation beside those that differences give: `tf.test.compute_gradient` of both TensorFlows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock.core import context
from penstock.core.convert import convert_to_tensor
from penstock.core.gradients import gradients_of
from penstock.core.op_def import lookup
from penstock.core.tape import GradientTape
from penstock.core.tensor import default_session

Jacobian = np.ndarray


def _flat_derivatives(numbers: np.ndarray) -> np.ndarray:
    """Return numbers as one axis; complex ones as their real and imaginary parts."""
    flat = np.ascontiguousarray(numbers).reshape(-1)
    return flat.view(flat.real.dtype) if flat.dtype.kind == "c" else flat


def _differences(function: Callable[[np.ndarray], np.ndarray], x: np.ndarray, delta: float) -> Jacobian:
    """Return the Jacobian by central differences, of shape (size of x, size of y)."""
    rows = []
    for index in range(_flat_derivatives(x).size):
        sides = []
        for sign in (1, -1):
            moved = x.copy()
            _flat_derivatives(moved)[index] += sign * delta
            sides.append(_flat_derivatives(np.asarray(function(moved))).astype(np.float64))
        rows.append((sides[0] - sides[1]) / (2 * delta))
    return np.stack(rows) if rows else np.zeros((0, _flat_derivatives(np.asarray(function(x))).size))


def _start(shape: Sequence[int], dtype: Any) -> np.ndarray:
    numbers = np.random.default_rng(0).random(tuple(shape))
    if dtype.is_complex:
        numbers = numbers + 1j * np.random.default_rng(1).random(tuple(shape))
    return numbers.astype(dtype.as_numpy_dtype)


def compute_gradient_v1(
    x: Any,
    x_shape: Any,
    y: Any,
    y_shape: Sequence[int],
    x_init_value: Any = None,
    delta: float = 1e-3,
    init_targets: Any = None,
    extra_feed_dict: dict[Any, Any] | None = None,
) -> Any:
    """Return the Jacobian of `y` by `x` as gradients give it, and as differences do, in the default session.

    Args:
        x: a tensor of a graph, or a list of them.
        x_shape: its shape, or a list of them.
        y: a tensor that depends on `x`.
        y_shape: its shape.
        x_init_value: where to differentiate; random numbers by default.
        delta: the step of the differences.
        init_targets: operations to run first.
        extra_feed_dict: what else to feed.
    Returns:
        Two arrays of shape (size of x, size of y); a list of such pairs if `x` is a list.
    """
    tensors = list(x) if isinstance(x, list) else [x]
    shapes = list(x_shape) if isinstance(x, list) else [x_shape]
    starts = list(x_init_value) if isinstance(x_init_value, list) else [x_init_value] * len(tensors)
    session = default_session(None, y.graph, "compute", "gradient")
    if init_targets is not None:
        session.run(init_targets)
    points = [
        _start(shape, tensor.dtype.base_dtype) if start is None else np.asarray(start)
        for tensor, shape, start in zip(tensors, shapes, starts, strict=True)
    ]
    with y.graph.as_default():
        seed = lookup("Placeholder")(dtype=y.dtype.base_dtype, shape=tuple(y_shape))  # type: ignore[operator]
        grads = gradients_of(y.graph, [y], tensors, [seed])
        grads = [None if grad is None else convert_to_tensor(grad) for grad in grads]
    feeds: dict[Any, Any] = {**(extra_feed_dict or {}), **dict(zip(tensors, points, strict=True))}
    pairs = []
    for tensor, point, grad in zip(tensors, points, grads, strict=True):

        def value(moved: np.ndarray, tensor: Any = tensor) -> np.ndarray:
            return np.asarray(session.run(y, {**feeds, tensor: moved}))

        columns = []
        unit = np.zeros(tuple(y_shape), y.dtype.base_dtype.as_numpy_dtype)
        flat_unit = _flat_derivatives(unit)
        for index in range(flat_unit.size):
            flat_unit[index] = 1
            found = np.zeros_like(point) if grad is None else np.asarray(session.run(grad, {**feeds, seed: unit}))
            columns.append(_flat_derivatives(found))
            flat_unit[index] = 0
        theoretical = np.stack(columns, axis=1) if columns else np.zeros((_flat_derivatives(point).size, 0))
        pairs.append((theoretical, _differences(value, point, delta).astype(theoretical.dtype)))
    return pairs if isinstance(x, list) else pairs[0]


def compute_gradient_error(
    x: Any,
    x_shape: Any,
    y: Any,
    y_shape: Sequence[int],
    x_init_value: Any = None,
    delta: float = 1e-3,
    init_targets: Any = None,
    extra_feed_dict: dict[Any, Any] | None = None,
) -> float:
    """Return the largest difference between gradients and differences. See `compute_gradient_v1`."""
    pairs = compute_gradient_v1(x, x_shape, y, y_shape, x_init_value, delta, init_targets, extra_feed_dict)
    pairs = pairs if isinstance(pairs, list) else [pairs]
    return max((float(np.abs(a - b).max(initial=0.0)) for a, b in pairs), default=0.0)


def compute_gradient(
    f: Callable[..., Any], x: Sequence[Any], delta: float | None = None
) -> tuple[list[Jacobian], list[Jacobian]]:
    """Return the Jacobians of a function as gradients give them, and as differences do.

    Args:
        f: a function of tensors that returns a tensor.
        x: the list of its arguments, where to differentiate.
        delta: the step of the differences, 1/1024 by default.
    Returns:
        Two lists of arrays of shape (size of y, size of x), one for each argument.
    Raises:
        ValueError: if `x` is not a list.
    """
    if not isinstance(x, (list, tuple)):
        raise ValueError(f"`x` must be a list or tuple of arguments, got {type(x).__name__}: write [x]")
    step = 1.0 / 1024 if delta is None else delta
    with context.eager_mode():
        points = [np.array(convert_to_tensor(item).numpy()) for item in x]  # type: ignore[attr-defined]
        theoretical, numeric = [], []
        arguments = [convert_to_tensor(point) for point in points]
        with GradientTape(persistent=True) as tape:
            tape.watch(arguments)
            result = f(*arguments)
        unit = np.zeros(result.shape.as_list(), result.dtype.as_numpy_dtype)
        flat_unit = _flat_derivatives(unit)
        for position, (argument, point) in enumerate(zip(arguments, points, strict=True)):
            rows = []
            for index in range(flat_unit.size):
                flat_unit[index] = 1
                grad = tape.gradient(result, argument, output_gradients=convert_to_tensor(unit))
                dense = np.zeros_like(point) if grad is None else np.asarray(convert_to_tensor(grad).numpy())  # type: ignore[attr-defined]
                rows.append(_flat_derivatives(dense).copy())
                flat_unit[index] = 0
            jacobian = np.stack(rows) if rows else np.zeros((0, _flat_derivatives(point).size))
            theoretical.append(jacobian)

            def value(moved: np.ndarray, position: int = position) -> np.ndarray:
                items = [moved if index == position else each for index, each in enumerate(points)]
                return np.asarray(f(*(convert_to_tensor(item) for item in items)).numpy())

            numeric.append(_differences(value, point, step).T.astype(jacobian.dtype))
    return theoretical, numeric


def max_error(grad1: Sequence[Jacobian], grad2: Sequence[Jacobian]) -> float:
    """Return the largest difference between two lists of Jacobians."""
    return max((float(np.abs(a - b).max(initial=0.0)) for a, b in zip(grad1, grad2, strict=True)), default=0.0)
