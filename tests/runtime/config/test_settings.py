"""Settings of the compiler, of kernels and of eager execution."""

from __future__ import annotations

import pytest

import penstock as tf
from penstock.compiler.options import Options, default_options, set_default_options
from penstock.core import array
from penstock.ops.random import seeds
from penstock.runtime.config import optimizer


@pytest.fixture
def fresh():
    saved = dict(optimizer._chosen)
    optimizer._chosen.clear()
    set_default_options({})
    yield
    optimizer._chosen.clear()
    optimizer._chosen.update(saved)
    set_default_options(saved)


def test_options_switch_passes_of_what_is_compiled_later(fresh):
    assert default_options() == Options()
    tf.config.optimizer.set_experimental_options({"constant_folding": False, "unknown": True})
    assert not default_options().fold_constants and default_options().simplify
    assert tf.config.optimizer.get_experimental_options() == {
        "constant_folding": False,
        "disable_model_pruning": False,
        "disable_meta_optimizer": False,
    }
    tf.config.optimizer.set_experimental_options({"constant_folding": True})
    assert default_options() == Options()
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    assert default_options() == Options.none()


def test_jit_is_remembered():
    try:
        tf.config.optimizer.set_jit(True)
        assert tf.config.optimizer.get_jit() == "autoclustering"
    finally:
        tf.config.optimizer.set_jit(False)
    assert tf.config.optimizer.get_jit() == ""


def test_the_device_policy_is_one_of_four():
    config = tf.config.experimental
    assert config.get_device_policy() == "silent"
    try:
        config.set_device_policy("warn")
        assert config.get_device_policy() == "warn"
        with pytest.raises(ValueError, match="bogus"):
            config.set_device_policy("bogus")
    finally:
        config.set_device_policy(None)
    assert config.get_device_policy() == "silent"
    assert config.get_synchronous_execution()


def test_deterministic_operations_need_seeds(monkeypatch):
    monkeypatch.setattr(seeds, "_eager", seeds._EagerSeeds())
    try:
        tf.config.experimental.enable_op_determinism()
        with pytest.raises(RuntimeError, match="seed"):
            tf.random.uniform([2])
        tf.random.set_seed(1)
        assert tf.random.uniform([2]).shape == [2]
    finally:
        array.set_deterministic(False)
