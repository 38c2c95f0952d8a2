from __future__ import annotations

import pytest

import penstock.v1 as tf
from penstock.core.context import eager_mode

tfe = tf.contrib.eager


@pytest.fixture(autouse=True)
def eager():
    with eager_mode():
        yield


def test_gradients_by_position_name_and_structure():
    value, gradients = tfe.value_and_gradients_function(lambda x, y: x * x * y)(3.0, 2.0)
    assert float(value) == 18 and [float(g) for g in gradients] == [12, 9]
    assert [float(g) for g in tfe.gradients_function(lambda x, y: x * y, params=["y"])(3.0, 2.0)] == [3]
    assert float(tfe.gradients_function(lambda x: x * x)(3.0, dy=10.0)[0]) == 60


def test_gradients_by_the_variables_that_were_used():
    v = tfe.Variable(4.0)
    value, [(gradient, variable)] = tfe.implicit_value_and_gradients(lambda x: v * v * x)(2.0)
    assert float(value) == 32 and float(gradient) == 16 and variable is v
    assert float(tfe.implicit_gradients(lambda: v * v)()[0][0]) == 8


def test_functions_without_values_or_variables_are_refused():
    for function in (tfe.gradients_function(lambda x: None), tfe.implicit_gradients(lambda x: None)):
        with pytest.raises(ValueError, match="returns None"):
            function(1.0)
    with pytest.raises(ValueError, match="No trainable variables"):
        tfe.implicit_gradients(lambda x: x)(tf.constant(1.0))


def test_datasets_are_iterated():
    assert [int(item) for item in tfe.Iterator(tf.data.Dataset.range(3))] == [0, 1, 2]
