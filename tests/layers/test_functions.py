"""Functions that make a layer and apply it."""

from __future__ import annotations

import inspect

import pytest

from penstock.core.graph import Graph
from penstock.language.variables import global_variables
from penstock.layers.convolutional import Conv1D, conv1d
from penstock.layers.core import dense
from tests.layers.harness import normal


def test_the_signature_is_that_of_the_layer_between_inputs_and_reuse():
    names = list(inspect.signature(conv1d).parameters)
    assert names[0] == "inputs" and names[-2:] == ["name", "reuse"]
    assert names[1:-1] == [name for name in inspect.signature(Conv1D).parameters if name != "kwargs"]
    assert inspect.signature(conv1d).parameters["padding"].default == "valid"
    assert conv1d.__name__ == "conv1d" and "Conv1D" in str(conv1d.__doc__)


def test_reuse_shares_the_variables_of_a_name():
    with Graph().as_default():
        dense(normal(2, 3), 4, name="d")
        dense(normal(2, 3), 4, name="d", reuse=True)
        assert len(global_variables()) == 2
        with pytest.raises(ValueError, match="already exists"):
            dense(normal(2, 3), 4, name="d", reuse=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, r"dense\(\): missing a required argument: 'units'"),
        ({"units": 1, "widht": 2}, "unexpected keyword .*'widht'"),
    ],
)
def test_wrong_arguments_are_refused_by_the_functions_name(arguments, message):
    with Graph().as_default(), pytest.raises(TypeError, match=message):
        dense(normal(2, 3), **arguments)
