"""Variables that accompany another variable: the slots of optimizers, and moving averages."""

from __future__ import annotations

from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.shape import TensorShape
from penstock.language.variable_base import SaveSliceInfo, Variable
from penstock.language.variable_scope import get_variable, get_variable_scope, variable_scope
from penstock.language.variables import ResourceVariable
from penstock.ops.array.filling import zeros
from penstock.ops.array.shaping import shape_v1
from penstock.train.scopes import colocate_with


def create_slot(primary: Any, val: Any, name: str, colocate_with_primary: bool = True) -> Any:
    """Return a variable `<primary>/<name>` with the initial value `val`.

    Args:
        primary: the variable or tensor that the slot accompanies.
        val: the initial value, a tensor or what becomes one.
        name: the slot's name; made unique among those of `primary`.
        colocate_with_primary: whether the slot lives on the device of `primary`.
    """
    val = convert_to_tensor(val)
    return _create(primary, name, colocate_with_primary, val, None, None, val.shape.is_fully_defined())


def create_slot_with_initializer(
    primary: Any, initializer: Any, shape: Any, dtype: Any, name: str, colocate_with_primary: bool = True
) -> Any:
    """Return a variable `<primary>/<name>` of the given shape and type.

    Args:
        primary, name, colocate_with_primary: see `create_slot`.
        initializer: a function of shape and dtype that returns the initial value.
        shape: the slot's shape.
        dtype: the slot's type.
    """
    shape = TensorShape(shape)
    return _create(primary, name, colocate_with_primary, initializer, shape, dtype, shape.is_fully_defined())


def zeros_initializer(shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
    """Return zeros; what slots begin with, where nothing else is said."""
    return zeros(shape, dtype)


def create_zeros_slot(primary: Any, name: str, dtype: Any = None, colocate_with_primary: bool = True) -> Any:
    """Return a variable `<primary>/<name>` of zeros, with the shape of `primary`.

    Args:
        primary, name, colocate_with_primary: see `create_slot`.
        dtype: the slot's type, by default that of `primary`.
    """
    dtype = primary.dtype.base_dtype if dtype is None else dtype
    shape = primary.get_shape()
    if shape.is_fully_defined():
        return create_slot_with_initializer(primary, zeros_initializer, shape, dtype, name, colocate_with_primary)
    value = primary.initialized_value() if hasattr(primary, "initialized_value") else primary
    return create_slot(primary, zeros(shape_v1(value), dtype), name, colocate_with_primary)


def _create(
    primary: Any, name: str, colocated: bool, initializer: Any, shape: Any, dtype: Any, validate_shape: bool
) -> Any:
    prefix = primary.op.name if getattr(primary, "_in_graph_mode", True) else primary._shared_name
    with variable_scope(None, f"{prefix}/{name}"):
        if not colocated:
            return _create_variable(primary, initializer, shape, dtype, validate_shape, prefix)
        with colocate_with(primary):
            return _create_variable(primary, initializer, shape, dtype, validate_shape, prefix)


def _create_variable(primary: Any, initializer: Any, shape: Any, dtype: Any, validate_shape: bool, prefix: str) -> Any:
    scope = get_variable_scope()
    partitioner = scope.partitioner
    scope.set_partitioner(None)
    try:
        slot = get_variable(
            "",
            initializer=initializer,
            trainable=False,
            use_resource=isinstance(primary, ResourceVariable) if isinstance(primary, Variable) else None,
            shape=shape,
            dtype=dtype,
            validate_shape=validate_shape,
        )
    finally:
        scope.set_partitioner(partitioner)
    whole = getattr(primary, "_save_slice_info", None)
    rank = slot.shape.ndims
    if whole is not None and rank:
        slot._set_save_slice_info(
            SaveSliceInfo(
                f"{whole.full_name}/{slot.name[len(prefix) + 1 : -2]}",
                whole.full_shape[:rank],
                whole.var_offset[:rank],
                whole.var_shape[:rank],
            )
        )
    return slot
