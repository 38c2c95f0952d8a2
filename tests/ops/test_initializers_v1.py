"""TensorFlow 1's initializers."""

from __future__ import annotations

import numpy as np
import pytest

import penstock.ops  # noqa: F401  declares the operations
from penstock.core import dtypes
from penstock.core.graph import Graph
from penstock.ops import initializers_v1 as v1
from penstock.ops.random import seeds
from penstock.runtime.session import Session

RECORDED = {
    "truncated_normal": (
        v1.truncated_normal_initializer(1, 0.1, seed=3),
        [0.96890283, 1.0487098, 1.1671165, 0.92000496],
    ),
    "random_normal": (v1.random_normal_initializer(1, 0.1, seed=3), [1.2976111, 0.96890283, 1.0487098, 1.1671165]),
    "random_uniform": (
        v1.random_uniform_initializer(-1, 2, seed=3),
        [-0.96589661, -0.20029044, -0.34059465, -0.86458421],
    ),
    "uniform_unit_scaling": (
        v1.uniform_unit_scaling_initializer(1.5, seed=3),
        [-1.7953494, -0.8576771, -1.0295141, -1.6712675],
    ),
    "glorot_uniform": (v1.glorot_uniform_initializer(seed=3), [-0.7979331, -0.38118985, -0.45756179, -0.74278557]),
    "glorot_normal": (v1.glorot_normal_initializer(seed=3), [-0.16665436, 0.26104254, 0.89560252, -0.42870542]),
    "he_normal": (v1.he_normal(3), [-0.35352734, 0.55375487, 1.89986, -0.90942156]),
    "he_uniform": (v1.he_uniform(3), [-1.6926715, -0.80862576, -0.97063506, -1.5756861]),
    "lecun_normal": (v1.lecun_normal(3), [-0.24998157, 0.39156383, 1.3434039, -0.64305818]),
    "lecun_uniform": (v1.lecun_uniform(3), [-1.1968997, -0.57178479, -0.68634266, -1.1141784]),
    "orthogonal": (v1.orthogonal_initializer(2.0, seed=3), [1.7895088, 0.292887, -0.48100302, -0.18477997]),
    "scaling_uniform": (
        v1.variance_scaling_initializer(2.0, "fan_avg", "uniform", seed=3),
        [-1.1284478, -0.53908384, -0.64709008, -1.0504574],
    ),
    "scaling_untruncated": (
        v1.variance_scaling_initializer(2.0, "fan_out", "untruncated_normal", seed=3),
        [1.5907983, -0.16622137, 0.26036429, 0.89327556],
    ),
    "scaling_normal": (
        v1.variance_scaling_initializer(2.0, "fan_out", "normal", seed=3),
        [-0.18896832, 0.29599443, 1.015518, -0.48610628],
    ),
}

ALL = [
    v1.zeros_initializer(),
    v1.ones_initializer(dtypes.int32),
    v1.constant_initializer(3),
    v1.random_uniform_initializer(-1, 2, seed=3),
    v1.random_normal_initializer(1.0, 0.1, seed=3),
    v1.truncated_normal_initializer(1.0, 0.1, seed=3),
    v1.uniform_unit_scaling_initializer(1.5, seed=3),
    v1.variance_scaling_initializer(2.0, "fan_out", "normal", seed=3),
    v1.orthogonal_initializer(2.0, seed=3),
    v1.identity_initializer(2.0),
    v1.glorot_uniform_initializer(seed=3),
    v1.glorot_normal_initializer(seed=3),
    v1.lecun_uniform(3),
    v1.lecun_normal(3),
    v1.he_uniform(3),
    v1.he_normal(3),
]


def _value(initializer: v1.Initializer, shape: list[int]) -> np.ndarray:
    with Graph().as_default() as graph:
        seeds.set_random_seed(11)
        value = initializer(shape)
    return Session(graph=graph).run(value)


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_numbers_are_those_of_tensorflow(name: str) -> None:
    """For a graph seed of 11 and a seed of 3 the first values are TensorFlow's."""
    initializer, expected = RECORDED[name]
    np.testing.assert_allclose(_value(initializer, [2, 7]).reshape(-1)[:4], expected, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("initializer", ALL, ids=lambda item: type(item).__name__)
def test_config_makes_an_equal_initializer(initializer: v1.Initializer) -> None:
    """`from_config` gives back what `get_config` described."""
    again = type(initializer).from_config(initializer.get_config())
    assert again.get_config() == initializer.get_config()
    np.testing.assert_array_equal(_value(again, [3, 4]), _value(initializer, [3, 4]))


def test_dtype_of_the_call_wins() -> None:
    """The type given to the call is taken before that of the constructor."""
    with Graph().as_default():
        assert v1.zeros_initializer(dtypes.int32)([2]).dtype == dtypes.int32
        assert v1.zeros_initializer(dtypes.int32)([2], dtypes.float64).dtype == dtypes.float64


def test_constant_repeats_its_last_value() -> None:
    """Too few values are filled up, unless the shapes must agree."""
    assert _value(v1.constant_initializer([1.0, 2.0]), [4]).tolist() == [1.0, 2.0, 2.0, 2.0]
    with pytest.raises(TypeError, match=r"Expected Tensor's shape: \(4,\), but got \(2,\)"):
        _value(v1.constant_initializer([1.0, 2.0], verify_shape=True), [4])


def test_orthogonal_matrix_is_orthogonal() -> None:
    """The shorter side consists of orthonormal vectors."""
    value = _value(v1.orthogonal_initializer(seed=3), [4, 6])
    np.testing.assert_allclose(value @ value.T, np.eye(4), atol=1e-5)


def test_large_zeros_are_computed() -> None:
    """Large values are no constants of the graph."""
    with Graph().as_default():
        assert v1.zeros_initializer()([40, 3]).op.type == "Const"
        assert v1.zeros_initializer()([4000, 3]).op.type == "Fill"


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: v1.variance_scaling_initializer(-1.0), "`scale` must be a positive float"),
        (lambda: v1.variance_scaling_initializer(mode="x"), "`mode` should be one of"),
        (lambda: v1.variance_scaling_initializer(distribution="x"), "`distribution` should be one of"),
        (lambda: v1.orthogonal_initializer()([3]), "at least two-dimensional"),
        (lambda: v1.identity_initializer()([3]), "at least two-dimensional"),
        (lambda: v1.zeros_initializer()([None, 3]), "fully known shape"),
    ],
    ids=["scale", "mode", "distribution", "orthogonal", "identity", "unknown"],
)
def test_bad_arguments_are_refused(make, text: str) -> None:
    """What makes no initializer or value is refused, saying why."""
    with pytest.raises(ValueError, match=text):
        make()
