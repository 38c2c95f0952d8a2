"""Updates of several variables at once: the rules, and what they do where a variable cannot take part."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core import array
from penstock.core.dtypes import as_dtype
from penstock.core.errors import FailedPreconditionError, InvalidArgumentError
from penstock.core.resources import VariableStorage
from penstock.ops.fused.updates import FUSED_UPDATES
from penstock.ops.state.training import apply_adam, apply_gradient_descent

SHAPES = [(3, 4), (), (7,), (0, 2)]


def storage(value, name="v"):
    held = VariableStorage(name, as_dtype(value.dtype), value.shape)
    held.assign(array.from_numpy(value))
    return held


def values(seed, dtype, shapes=SHAPES):
    generator = np.random.default_rng(seed)
    return [np.asarray(generator.random(shape), dtype) for shape in shapes]


def tensors(items):
    return [array.from_numpy(item, copy=True) for item in items]


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_adam_is_the_rule_of_single_updates(dtype, nesterov):
    scalars = (0.9, 0.99, 0.01, 0.9, 0.999, 1e-3)
    fused, single = ([[storage(v) for v in values(seed, dtype)] for seed in range(3)] for _ in range(2))
    for step in range(3):
        grads = values(10 + step, dtype)
        FUSED_UPDATES["ApplyAdam"].kernel(*fused, *scalars, tensors(grads), use_nesterov=nesterov)
        for index, grad in enumerate(tensors(grads)):
            apply_adam.ref.kernel(*(column[index] for column in single), *scalars, grad, use_nesterov=nesterov)
    tolerance = {"float16": 1e-2, "float32": 1e-6, "float64": 1e-13}[dtype]
    for column, expected in zip(fused, single, strict=True):
        for mine, plain in zip(column, expected, strict=True):
            np.testing.assert_allclose(array.to_numpy(mine.value), array.to_numpy(plain.value), rtol=tolerance)


def test_memory_that_is_not_contiguous_is_updated_in_its_order():
    scalars = (0.9, 0.99, 0.01, 0.9, 0.999, 1e-3)
    start, grad = np.arange(6.0).reshape(2, 3), np.arange(6.0).reshape(3, 2)
    turned = array.from_numpy(start.T.copy()).t()
    results = []
    for value in (turned, array.from_numpy(start)):
        column = [[storage(start)], [storage(start)], [storage(start)]]
        column[0][0].assign(value)
        FUSED_UPDATES["ApplyAdam"].kernel(*column, *scalars, [array.from_numpy(grad).t()])
        results.append(array.to_numpy(column[0][0].value))
    np.testing.assert_allclose(*results, rtol=1e-13)


def test_a_value_read_before_keeps_its_value():
    held = storage(np.ones(3))
    before = held.read_shared()
    FUSED_UPDATES["ResourceApplyGradientDescent"].kernel([held], 1.0, tensors([np.ones(3)]))
    assert before.tolist() == [1.0] * 3 and held.value.tolist() == [0.0] * 3


def test_a_gradient_of_another_shape_is_refused_as_by_the_single_update():
    held = [storage(np.ones(3), "first"), storage(np.ones(3), "second")]
    grads = tensors([np.ones(3), np.ones(4)])
    with pytest.raises(InvalidArgumentError) as fused:
        FUSED_UPDATES["ApplyGradientDescent"].kernel(held, 1.0, grads)
    with pytest.raises(InvalidArgumentError) as single:
        apply_gradient_descent.ref.kernel(held[1], 1.0, grads[1])
    assert fused.value.message == single.value.message


def test_a_variable_without_a_value_is_named():
    empty = VariableStorage("empty", as_dtype("float64"), (3,))
    with pytest.raises(FailedPreconditionError, match="uninitialized value empty"):
        FUSED_UPDATES["ApplyGradientDescent"].kernel([storage(np.ones(3)), empty], 1.0, tensors([np.ones(3)] * 2))
