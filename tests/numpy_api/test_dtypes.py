"""Types and their promotion."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import penstock as tf
from penstock.numpy_api.dtypes import set_prefer_float32

tnp = tf.experimental.numpy
TYPES = [np.dtype(name) for name in "bool i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 c8 c16".split()]


@pytest.mark.parametrize("scalar", [True, 1, 1.0, 1j])
def test_python_numbers_are_weak(scalar: object) -> None:
    for dtype in TYPES:
        expected = dtype if scalar is True else np.result_type(dtype, scalar)
        assert tnp.result_type(dtype, scalar) == tf.as_dtype(expected)
        assert tnp.add(tf.zeros(2, tf.as_dtype(dtype)), scalar).dtype == tf.as_dtype(expected)


def test_types_are_promoted_as_by_numpy() -> None:
    for one, other in itertools.product(TYPES, TYPES):
        assert tnp.promote_types(one, tf.as_dtype(other)) == np.promote_types(one, other)
        assert tnp.result_type(tf.zeros(2, tf.as_dtype(one)), np.zeros(2, other)) == tf.as_dtype(
            np.promote_types(one, other)
        )


def test_bfloat16_has_no_common_type_with_wide_integers() -> None:
    assert tnp.result_type(tf.bfloat16, np.float32) == tf.float32
    with pytest.raises(TypeError):
        tnp.result_type(tf.bfloat16, np.int32)


def test_lists_are_as_weak_as_their_elements() -> None:
    assert tnp.result_type([1, 2]) == tf.int64
    assert tnp.result_type([1, 2], np.float32) == tf.float32
    assert tnp.result_type([tf.constant(1.0), 2]) == tf.float32


def test_python_floats_may_be_float32() -> None:
    set_prefer_float32(True)
    try:
        assert tnp.array(1.5).dtype == tf.float32
        assert tnp.add(1, 2j).dtype == tf.complex64
        assert tnp.arange(3.0).dtype == tf.float32
        assert tnp.array(np.array([1.5])).dtype == tf.float64
        assert tnp.add(tf.constant(1), 1.5).dtype == tf.float64
    finally:
        set_prefer_float32(False)
    assert tnp.array(1.5).dtype == tf.float64


def test_limits_and_constants_are_numpys() -> None:
    assert tnp.finfo(tf.float32).eps == np.finfo(np.float32).eps
    assert tnp.iinfo(np.int8).max == 127
    assert (tnp.pi, tnp.e, tnp.inf, tnp.newaxis) == (np.pi, np.e, np.inf, None)
    assert tnp.float_ is np.float64 and tnp.ndarray is tf.Tensor
