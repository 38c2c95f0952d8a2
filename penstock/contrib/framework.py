"""Helpers for variables by scope and collection, as `tf.contrib.framework` had them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from penstock.contrib.arg_scope import add_arg_scope
from penstock.core.graph import get_default_graph
from penstock.core.graph_keys import GraphKeys
from penstock.language.variable_scope import VariableScope, get_variable
from penstock.train.saver import Saver


def get_variables(
    scope: Any = None, suffix: str | None = None, collection: str = GraphKeys.GLOBAL_VARIABLES
) -> list[Any]:
    """Return the variables of a collection below a scope, whose names end with a suffix.

    Args:
        scope: a variable scope or the start of names (a regular expression); None for all.
        suffix: the end of names; None for any.
        collection: the collection.
    """
    prefix = scope.name if isinstance(scope, VariableScope) else scope
    if suffix is not None:
        prefix = f"{prefix or ''}.*{suffix if ':' in suffix else suffix + ':'}"
    return get_default_graph().get_collection(collection, prefix)


def get_model_variables(scope: Any = None, suffix: str | None = None) -> list[Any]:
    """Return the variables that layers made; see `get_variables`."""
    return get_variables(scope, suffix, GraphKeys.MODEL_VARIABLES)


def get_trainable_variables(scope: Any = None, suffix: str | None = None) -> list[Any]:
    """Return the variables that training changes; see `get_variables`."""
    return get_variables(scope, suffix, GraphKeys.TRAINABLE_VARIABLES)


def get_local_variables(scope: Any = None, suffix: str | None = None) -> list[Any]:
    """Return the local variables; see `get_variables`."""
    return get_variables(scope, suffix, GraphKeys.LOCAL_VARIABLES)


def get_variables_by_name(given_name: str, scope: Any = None) -> list[Any]:
    """Return the variables with a last name, below a scope."""
    suffix = f"/{given_name}:|^{given_name}:"
    return [variable for variable in get_variables(scope) if re.search(suffix, variable.name)]


def get_unique_variable(var_op_name: str) -> Any:
    """Return the variable of a full name.

    Raises:
        ValueError: if there is none, or several.
    """
    found = [variable for variable in get_variables() if variable.op.name == var_op_name]
    if len(found) != 1:
        raise ValueError(f"Variable {var_op_name} {'does not exist' if not found else 'is not unique'} in this graph")
    return found[0]


def filter_variables(
    var_list: Any,
    include_patterns: Any = None,
    exclude_patterns: Any = None,
    reg_search: bool = True,
) -> list[Any]:
    """Return the variables whose names match.

    Args:
        var_list: variables.
        include_patterns: regular expressions, of which one must match; None for all variables.
        exclude_patterns: regular expressions, of which none may match.
        reg_search: whether a pattern may match anywhere in a name, and not only at its start.
    """
    matches = re.search if reg_search else re.match
    chosen = [v for v in var_list if include_patterns is None or any(matches(p, v.op.name) for p in include_patterns)]
    return [v for v in chosen if not any(matches(p, v.op.name) for p in exclude_patterns or ())]


def get_variables_to_restore(include: Any = None, exclude: Any = None) -> list[Any]:
    """Return the global variables whose names start with one of `include` (None for all) and with none of `exclude`.

    Args:
        include, exclude: lists of scopes or names.
    Raises:
        TypeError: if one is given that is no list.
    """
    for label, names in (("include", include), ("exclude", exclude)):
        if names is not None and not isinstance(names, (list, tuple)):
            raise TypeError(f"{label} is provided but is not a list or a tuple: {names!r}")
    wanted = get_variables() if include is None else [v for scope in include for v in get_variables(scope)]
    left_out = {id(v) for scope in exclude or () for v in get_variables(scope)}
    unique = {id(v): v for v in wanted}
    return [v for key, v in unique.items() if key not in left_out]


@add_arg_scope
def variable(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool = True,
    collections: Any = None,
    caching_device: Any = None,
    device: Any = None,
    partitioner: Any = None,
    custom_getter: Any = None,
    use_resource: bool | None = None,
) -> Any:
    """Make a variable or find it, as `tf.get_variable` does; see there for the arguments."""
    names = list(dict.fromkeys([GraphKeys.GLOBAL_VARIABLES, *(collections or [])]))
    with get_default_graph().device(device or ""):
        return get_variable(
            name,
            shape,
            dtype,
            initializer,
            regularizer,
            trainable,
            collections=names,
            caching_device=caching_device,
            partitioner=partitioner,
            use_resource=use_resource,
            custom_getter=custom_getter,
        )


@add_arg_scope
def model_variable(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool = True,
    collections: Any = None,
    caching_device: Any = None,
    device: Any = None,
    partitioner: Any = None,
    custom_getter: Any = None,
    use_resource: bool | None = None,
) -> Any:
    """Make or find a variable that counts as one of the model's; see `variable`."""
    names = [*(collections or []), GraphKeys.MODEL_VARIABLES]
    options = (regularizer, trainable, names, caching_device, device, partitioner, custom_getter, use_resource)
    return variable(name, shape, dtype, initializer, *options)


def assign_from_checkpoint_fn(
    model_path: str, var_list: Any, ignore_missing_vars: bool = False, reshape_variables: bool = False
) -> Callable[[Any], None]:
    """Return a function that restores variables in a session.

    Args:
        model_path: the checkpoint.
        var_list: variables, or a dictionary from names in the checkpoint to variables.
        ignore_missing_vars: must be False: name the variables that the checkpoint has.
        reshape_variables: whether variables may have another shape than the checkpoint, of as many elements.
    Raises:
        ValueError: if there are no variables, or `ignore_missing_vars` is set.
    """
    if not var_list:
        raise ValueError("var_list cannot be empty")
    if ignore_missing_vars:
        raise ValueError("ignore_missing_vars is not supported: pass the variables that tf.train.list_variables names")
    saver = Saver(var_list, reshape=reshape_variables)
    return lambda session: saver.restore(session, model_path)
