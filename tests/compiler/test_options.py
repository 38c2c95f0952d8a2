"""Which passes a ConfigProto switches on and off, and that sessions follow it."""

from __future__ import annotations

import pytest

import penstock.v1 as tf
from penstock.compiler.options import (
    PASS_NAMES,
    Options,
    default_options,
    options_from_config,
    set_default_options,
)


@pytest.fixture
def config():
    return tf.ConfigProto()


def test_all_passes_are_on_by_default(config):
    assert options_from_config(None) == options_from_config(config) == Options()


def test_level_0_switches_all_off_but_what_is_asked_for(config):
    optimizer = config.graph_options.optimizer_options
    optimizer.opt_level = tf.OptimizerOptions.L0
    assert options_from_config(config) == Options.none()
    optimizer.do_constant_folding = True
    assert options_from_config(config) == Options.only("fold_constants")
    optimizer.do_constant_folding, optimizer.do_common_subexpression_elimination = False, True
    assert options_from_config(config) == Options.only("merge_common")


@pytest.mark.parametrize(
    ("field", "names"),
    [
        ("arithmetic_optimization", ["simplify"]),
        ("constant_folding", ["fold_constants"]),
        ("common_subgraph_elimination", ["merge_common"]),
        ("loop_optimization", ["sum_in_place", "use_stacks", "repeat_products"]),
        (
            "remapping",
            [
                "reorder_pooling",
                "used_columns",
                "fuse_bias",
                "fuse_batch_norm",
                "narrow_products",
                "fuse_scaled_sum",
                "fuse_updates",
                "forward_updates",
                "fuse_elementwise",
                "compile_scalar_loops",
            ],
        ),
        ("memory_optimization", ["split_gradients", "shorten_lifetimes", "reuse_memory"]),
    ],
)
def test_rewrites_can_be_switched_off_one_by_one(config, field, names):
    rewrites = config.graph_options.rewrite_options
    setattr(rewrites, field, rewrites.NO_MEM_OPT if field == "memory_optimization" else rewrites.OFF)
    options = options_from_config(config)
    assert [name for name in Options.__dataclass_fields__ if not getattr(options, name)] == names


@pytest.mark.parametrize("name", sorted(PASS_NAMES))
def test_each_pass_can_be_the_only_one(config, name):
    config.graph_options.rewrite_options.optimizers.append(name)
    assert options_from_config(config) == Options.only(name)


@pytest.mark.parametrize("name", sorted(PASS_NAMES))
def test_each_pass_can_be_switched_off_alone(name):
    try:
        set_default_options({name: False})
        off = [other for other in Options.__dataclass_fields__ if not getattr(default_options(), other)]
        set_default_options({"disable_meta_optimizer": True, name: True})
        assert default_options() == Options.only(name)
    finally:
        set_default_options({})
    assert off == [name]


def test_optimizers_may_be_listed_by_the_names_of_tensorflow(config):
    config.graph_options.rewrite_options.optimizers.extend(["constfold", "memory", "layout"])
    options = options_from_config(config)
    on = [name for name in Options.__dataclass_fields__ if getattr(options, name)]
    assert on == ["fold_constants", "split_gradients", "shorten_lifetimes", "reuse_memory"]


def test_the_meta_optimizer_can_be_disabled(config):
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    assert options_from_config(config) == Options.none()


def test_a_session_compiles_as_its_configuration_says(config):
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [2])
        y = tf.identity(x * 1.0)
        with tf.Session() as session:
            assert "kernel" not in session.program(y, [x]).source
        config.graph_options.optimizer_options.opt_level = tf.OptimizerOptions.L0
        with tf.Session(config=config) as session:
            assert "mul_kernel" in session.program(y, [x]).source
            assert session.run(y, {x: [1.0, 2.0]}).tolist() == [1.0, 2.0]
