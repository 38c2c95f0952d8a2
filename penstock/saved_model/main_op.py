"""Operations to run after a graph is loaded."""

from __future__ import annotations

from typing import Any

from penstock.language.control_flow import group
from penstock.language.graph_functions import control_dependencies
from penstock.language.lookup import tables_initializer
from penstock.language.variables import global_variables_initializer, local_variables_initializer


def main_op() -> Any:
    """Return an operation that initializes all variables and fills all tables."""
    return group(global_variables_initializer(), local_variables_initializer(), tables_initializer())


def main_op_with_restore(restore_op_name: Any) -> Any:
    """Return an operation that initializes, and then restores.

    Args:
        restore_op_name: the operation that restores.
    """
    with control_dependencies([main_op()]):
        return group(restore_op_name)
