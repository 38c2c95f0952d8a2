"""Penalties on weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from penstock.core.graph import Graph
from penstock.core.graph_keys import GraphKeys
from penstock.layers import regularizers
from penstock.ops.constant import constant
from penstock.runtime.session import Session
from tests.layers.harness import normal

W = normal(4, 3)
L1, L2 = float(np.abs(W).sum()), float(np.square(W).sum() / 2)


def run(build: Any) -> Any:
    with Graph().as_default() as graph:
        tensor = build()
        with Session(graph=graph) as session:
            return session.run(tensor)


@pytest.mark.parametrize(
    ("regularizer", "expected"),
    [
        (regularizers.l1_regularizer(0.3), 0.3 * L1),
        (regularizers.l2_regularizer(3.0), 3.0 * L2),
        (regularizers.l1_l2_regularizer(0.3, 2.0), 0.3 * L1 + 2.0 * L2),
        (regularizers.l1_l2_regularizer(0.0, 2.0), 2.0 * L2),
        (regularizers.l1_l2_regularizer(0.3, 0.0), 0.3 * L1),
        (regularizers.l1_l2_regularizer(2.0, 0.0), 2.0 * L1),
        (
            regularizers.sum_regularizer([regularizers.l1_regularizer(0.3), None, regularizers.l2_regularizer(0.0)]),
            0.3 * L1,
        ),
    ],
)
def test_penalty(regularizer: Any, expected: float) -> None:
    assert run(lambda: regularizer(W)) == pytest.approx(expected, rel=1e-5)


def test_names_are_tensorflow_s() -> None:
    with Graph().as_default():
        assert regularizers.l2_regularizer(0.1)(W).name == "l2_regularizer:0"
        assert regularizers.l1_regularizer(0.1, scope="mine")(W).name == "mine:0"


def test_strength_of_zero_is_no_penalty() -> None:
    assert regularizers.l1_regularizer(0.0)(W) is None
    assert regularizers.sum_regularizer([None]) is None


@pytest.mark.parametrize("scale", [1, -0.5, float("nan")])
def test_strength_that_is_no_float_from_zero_is_refused(scale: Any) -> None:
    for make in (regularizers.l1_regularizer, regularizers.l2_regularizer):
        with pytest.raises(ValueError, match="scale"):
            make(scale)


def test_l1_strength_of_one_is_refused() -> None:
    with pytest.raises(ValueError, match="greater than or equal to 1.0"):
        regularizers.l1_regularizer(1.0)


def test_regularization_of_a_list_is_summed_and_collected() -> None:
    with Graph().as_default() as graph:
        weights = [constant(W), constant(W * 2)]
        total = regularizers.apply_regularization(regularizers.l2_regularizer(0.1), weights)
        assert len(graph.get_collection(GraphKeys.REGULARIZATION_LOSSES)) == 2
        with Session(graph=graph) as session:
            assert session.run(total) == pytest.approx(0.1 * L2 * 5, rel=1e-5)


def test_regularization_needs_weights_and_scalars() -> None:
    with Graph().as_default():
        with pytest.raises(ValueError, match="No weights to regularize"):
            regularizers.apply_regularization(regularizers.l2_regularizer(0.1))
        with pytest.raises(ValueError, match="must return a scalar"):
            regularizers.apply_regularization(lambda w: w * 2, [constant(W)])
