"""Which passes run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any


@dataclass(frozen=True)
class Options:
    """Switches of the compiler's passes; all are on by default.

    Attributes:
        simplify: algebraic rewrites, and shapes that are known when compiling.
        fold_constants: computing once what depends on constants only.
        merge_common: computing equal expressions once.
        reorder_pooling: ReLU after max-pooling instead of before, and positions of maxima kept for the derivative.
        used_columns: of products that are split, the columns that are used alone.
        fuse_bias: products and convolutions together with the bias that is added to them.
        fuse_batch_norm: batch normalization with the sum and the ReLU behind it, and the derivative with theirs.
        narrow_products: products whose results have a few columns in machine code of their own.
        fuse_scaled_sum: sums one of whose terms is multiplied by a number.
        fuse_updates: the variable updates of an optimizer's step in one multi-tensor kernel.
        split_gradients: large gradients block by block, where their variables are updated.
        forward_updates: values of variables after their updates, without a read of their memory.
        fuse_elementwise: chains of elementwise operations in one loop of machine code.
        sum_in_place: sums over the iterations of a loop in memory of their own.
        use_stacks: stacks in place of lists that a loop extends or takes elements from in each iteration.
        repeat_products: products that loops repeat in machine code of their own.
        compile_scalar_loops: loops whose variables are all single numbers as machine code.
        shorten_lifetimes: what uses up large values as early as it can run.
        reuse_memory: results in the memory of inputs that nothing needs any more.
        capture: programs of a GPU as graphs of its driver, once their shapes are stable.
        specialize: kernels that are bound to their attributes once, when the program is made.
    """

    simplify: bool = True
    fold_constants: bool = True
    merge_common: bool = True
    reorder_pooling: bool = True
    used_columns: bool = True
    fuse_bias: bool = True
    fuse_batch_norm: bool = True
    narrow_products: bool = True
    fuse_scaled_sum: bool = True
    fuse_updates: bool = True
    split_gradients: bool = True
    forward_updates: bool = True
    fuse_elementwise: bool = True
    sum_in_place: bool = True
    use_stacks: bool = True
    repeat_products: bool = True
    compile_scalar_loops: bool = True
    shorten_lifetimes: bool = True
    reuse_memory: bool = True
    capture: bool = True
    specialize: bool = True

    @classmethod
    def none(cls) -> Options:
        """Return options with every pass off."""
        return cls(**{field.name: False for field in fields(cls)})

    @classmethod
    def only(cls, name: str) -> Options:
        """Return options with one pass on."""
        return replace(cls.none(), **{name: True})


# The names by which single passes are switched.
PASS_NAMES = frozenset(field.name for field in fields(Options))
# What the fields of RewriterConfig switch.
_REWRITES = {
    "arithmetic_optimization": ("simplify",),
    "constant_folding": ("fold_constants",),
    "common_subgraph_elimination": ("merge_common",),
    "loop_optimization": ("sum_in_place", "use_stacks", "repeat_products"),
    "remapping": (
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
    ),
    "memory_optimization": ("split_gradients", "shorten_lifetimes", "reuse_memory"),
}
# What TensorFlow calls the optimizers that stand behind these fields, where `RewriterConfig.optimizers` lists them.
_OPTIMIZERS = {
    "arithmetic": "arithmetic_optimization",
    "constfold": "constant_folding",
    "common_subgraph_elimination": "common_subgraph_elimination",
    "loop": "loop_optimization",
    "remap": "remapping",
    "memory": "memory_optimization",
}
_OFF = {"memory_optimization": 1}  # the value of a field that means off, where it is not the usual one
_USUAL_OFF = 2


_default = Options()
GROUP_NAMES = frozenset(_REWRITES)


def default_options() -> Options:
    """Return the options of what is compiled without any of its own."""
    return _default


def set_default_options(chosen: Mapping[str, Any]) -> None:
    """Choose what `default_options` returns.

    Args:
        chosen: name of a field of RewriterConfig, or of one of `Options` -> whether it is on; those that switch nothing
            here are passed over. What is said of a pass by its own name counts more than what is said of its group.
    """
    global _default
    options = Options.none() if chosen.get("disable_meta_optimizer") else Options()
    for field, names in _REWRITES.items():
        if not chosen.get(field, True):
            options = replace(options, **dict.fromkeys(names, False))
    single = {name: bool(chosen[name]) for name in PASS_NAMES if name in chosen}
    _default = replace(options, **single)


def options_from_config(config: Any) -> Options:
    """Return the options that a ConfigProto asks for.

    `graph_options.optimizer_options.opt_level` of L0 switches all passes off, except those that `do_constant_folding`
    or `do_common_subexpression_elimination` ask for by name; `graph_options.rewrite_options` switches groups of them
    off, or all with `disable_meta_optimizer`. Where its `optimizers` lists names, of TensorFlow's optimizers or of the
    fields of `Options`, these run and no others.

    Args:
        config: a ConfigProto message, or None.
    """
    graph_options = getattr(config, "graph_options", None)
    if graph_options is None:
        return _default
    optimizer, rewrites = graph_options.optimizer_options, graph_options.rewrite_options
    options = _default
    if optimizer.opt_level < 0 or rewrites.disable_meta_optimizer:
        options = replace(
            Options.none(),
            fold_constants=optimizer.do_constant_folding,
            merge_common=optimizer.do_common_subexpression_elimination,
        )
    if rewrites.optimizers:
        listed = {name for given in rewrites.optimizers for name in _REWRITES.get(_OPTIMIZERS.get(given, ""), (given,))}
        options = replace(Options.none(), **dict.fromkeys(listed & PASS_NAMES, True))
    for field, names in _REWRITES.items():
        if getattr(rewrites, field) == _OFF.get(field, _USUAL_OFF):
            options = replace(options, **dict.fromkeys(names, False))
    return options
