from __future__ import annotations

import numpy as np
import pytest

import penstock.ops  # noqa: F401
from penstock.core import dtypes
from penstock.core.graph import Graph
from penstock.language.graph_functions import control_dependencies
from penstock.language.variable_scope import get_variable
from penstock.language.variables import global_variables, global_variables_initializer
from penstock.ops.constant import constant, identity, placeholder
from penstock.runtime.session import Session
from penstock.train.global_step import create_global_step
from penstock.train.moving_averages import ExponentialMovingAverage, weighted_moving_average
from tests.train.recordings import recorded

RECORDED = recorded("moving_averages")


@pytest.mark.usefixtures("graph_mode")
@pytest.mark.parametrize("case", sorted(RECORDED))
def test_average_follows_as_recorded(case: str) -> None:
    kind, variables = case.split("-")
    expected = RECORDED[case]
    with Graph().as_default():
        step = create_global_step()
        v = get_variable("v", initializer=constant([1.0, -2.0]), use_resource=variables == "resource")
        update = v.assign_add([0.5, 0.25])
        average = ExponentialMovingAverage(
            0.9, num_updates=step if kind == "num_updates" else None, zero_debias=kind == "tensor_zero_debias"
        )
        with control_dependencies([update, step.assign_add(1)]):
            target = identity(v.read_value(), name="t") if kind.startswith("tensor") else v
            apply_op = average.apply([target])
        assert apply_op.name == "ExponentialMovingAverage"
        assert average.average_name(target) == expected["name"]
        assert sorted(x.name for x in global_variables()) == sorted(expected["variables"])
        with Session() as session:
            session.run(global_variables_initializer())
            for value in expected["average"]:
                session.run(apply_op)
                np.testing.assert_allclose(session.run(average.average(target)), value, rtol=1e-6)


def test_variables_to_restore_puts_averages_in_the_place_of_variables() -> None:
    with Graph().as_default():
        step = create_global_step()
        v = get_variable("v", shape=[2])
        average = ExponentialMovingAverage(0.9)
        names = average.variables_to_restore()
        assert set(names) == {"v/ExponentialMovingAverage", "global_step"}
        assert names["v/ExponentialMovingAverage"] is v
        assert names["global_step"] is step
        average.apply()
        assert set(average.variables_to_restore()) == {"v/ExponentialMovingAverage", "global_step"}


def test_only_floating_variables_are_averaged() -> None:
    with Graph().as_default():
        count = get_variable("count", initializer=constant(1), dtype=dtypes.int32)
        with pytest.raises(TypeError, match="half, float, or double: count:0"):
            ExponentialMovingAverage(0.9).apply([count])


def test_weighted_average_counts_each_step_by_its_weight() -> None:
    with Graph().as_default():
        value, weight = placeholder(dtypes.float32, []), placeholder(dtypes.float32, [])
        average = weighted_moving_average(value, 0.5, weight)
        with Session() as session:
            session.run(global_variables_initializer())
            assert session.run(average, {value: 4.0, weight: 1.0}) == pytest.approx(4.0)
            # numerator 4 * 0.25 + 10 * 3 * 0.5 = 16, denominator 0.25 + 1.5 = 1.75
            assert session.run(average, {value: 10.0, weight: 3.0}) == pytest.approx(16.0 / 1.75)
