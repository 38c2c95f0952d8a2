"""The compiler's passes."""

from __future__ import annotations

from typing import Any

from penstock.compiler.options import GROUP_NAMES, PASS_NAMES, set_default_options

_OPTIONS = frozenset(
    {
        "arithmetic_optimization",
        "auto_mixed_precision",
        "auto_mixed_precision_mkl",
        "auto_mixed_precision_onednn_bfloat16",
        "auto_parallel",
        "constant_folding",
        "debug_stripper",
        "dependency_optimization",
        "disable_meta_optimizer",
        "disable_model_pruning",
        "function_optimization",
        "implementation_selector",
        "layout_optimizer",
        "loop_optimization",
        "min_graph_nodes",
        "pin_to_host_optimization",
        "remapping",
        "scoped_allocator_optimization",
        "shape_optimization",
        "use_plugin_optimizers",
    }
)
_chosen: dict[str, Any] = {}
_jit = False


def get_experimental_options() -> dict[str, Any]:
    """Return what `set_experimental_options` was told."""
    if not _chosen:
        return {}
    return {"disable_model_pruning": False, "disable_meta_optimizer": False, **_chosen}


def set_experimental_options(options: dict[str, Any]) -> None:
    """Switch passes of the compiler on or off, for what is compiled from now on.

    Args:
        options: name of one of TensorFlow's optimizers -> whether it runs. `constant_folding`,
            `arithmetic_optimization`, `remapping`, `common_subgraph_elimination`, `loop_optimization`,
            `memory_optimization`, and `disable_meta_optimizer`, which switches all off, have an effect; the others
            are kept. The name of a single pass, such as `fuse_bias`, switches that pass alone; see
            `penstock.compiler.options.Options` for what there is.
    """
    known = _OPTIONS | GROUP_NAMES | PASS_NAMES
    _chosen.update({name: value for name, value in options.items() if name in known})
    set_default_options(_chosen)


def get_jit() -> str:
    """Return the setting for compilation by XLA: "autoclustering" where it was asked for, or ""."""
    return "autoclustering" if _jit else ""


def set_jit(enabled: bool | str) -> None:
    """Ask for compilation by XLA. Graphs are compiled in any case, by Penstock's own compiler.

    Args:
        enabled: True or "autoclustering", or False or "".
    """
    global _jit
    _jit = enabled in (True, "autoclustering")
