"""What a Saver saves: for each variable, the tensors to write and the way back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.graph import current_graph
from penstock.core.tensor import SymbolicTensor, Tensor
from penstock.language.graph_functions import device
from penstock.language.variable_base import Variable
from penstock.language.variables import PartitionedVariable, ResourceVariable
from penstock.ops.array.shaping import reshape
from penstock.ops.constant import identity
from penstock.ops.state.variables import assign_op, assign_variable_op
from penstock.train.scopes import colocate_with

_VARIABLE_OPS = ("Variable", "VariableV2", "AutoReloadVariable", "VarHandleOp", "ReadVariableOp")


class SaveSpec:
    """One tensor to be saved.

    Args:
        tensor: the tensor, or a function that returns it.
        slice_spec: which part of a larger tensor it is, as SaveV2 takes it; "" for a whole one.
        name: its name in the checkpoint.
        dtype: its type, by default that of the tensor.
        device: where it is, by default the tensor's device.
    """

    def __init__(self, tensor: Any, slice_spec: str, name: str, dtype: Any = None, device: str | None = None) -> None:
        if callable(tensor) and (dtype is None or device is None):
            raise AssertionError(
                "When passing a callable `tensor` to a SaveSpec, an explicit dtype and device must be provided."
            )
        self._tensor = tensor
        self.slice_spec = slice_spec
        self.name = name
        self.dtype = tensor.dtype.base_dtype if dtype is None else dtype
        self.device = tensor.device if device is None else device

    @property
    def tensor(self) -> Any:
        """The tensor."""
        return self._tensor() if callable(self._tensor) else self._tensor


class SaveableObject:
    """Tensors that are saved and restored together. Subclass it to save state other than variables.

    Args:
        op: what the tensors belong to: an operation, tensor or variable.
        specs: the tensors.
        name: the name by which a Saver sorts.
    """

    def __init__(self, op: Any, specs: Sequence[SaveSpec], name: str) -> None:
        self.op = op
        self.specs = list(specs)
        self.name = name

    @property
    def optional_restore(self) -> bool:
        """Whether restoring may pass over it."""
        return False

    @property
    def device(self) -> str:
        """Where its tensors are."""
        return self.specs[0].device

    def restore(self, restored_tensors: Sequence[Any], restored_shapes: Sequence[Any] | None) -> Any:
        """Return the operation that puts restored tensors in their place.

        Args:
            restored_tensors: one for each of the specs.
            restored_shapes: the shapes to give them first, or None.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say how to restore: override restore")


class VariableSaveable(SaveableObject):
    """Saves a variable, whole or as a part of a larger one."""

    def __init__(self, var: Any, slice_spec: str, name: str) -> None:
        self.variable = var
        self._is_resource = isinstance(var, ResourceVariable)
        super().__init__(
            var, [SaveSpec(_value(var, slice_spec), slice_spec, name, var.dtype.base_dtype, var.device)], name
        )

    def restore(self, restored_tensors: Sequence[Any], restored_shapes: Sequence[Any] | None) -> Any:
        """Return the operation that assigns a restored tensor to the variable; see `SaveableObject.restore`."""
        (restored,) = restored_tensors
        if restored_shapes is not None:
            restored = reshape(restored, restored_shapes[0])
        validate_shape = restored_shapes is None and self.variable.get_shape().is_fully_defined()
        if not self._is_resource:
            reference = self.variable._ref() if hasattr(self.variable, "_ref") else self.variable
            with colocate_with(self.variable):
                return assign_op(reference, restored, validate_shape=validate_shape)
        with device(self.variable.device):
            return assign_variable_op(self.variable.handle, identity(restored), validate_shape=validate_shape)


def _value(var: Any, slice_spec: str) -> Any:
    """Return what is saved of a variable: in a graph, the node that it made for that when it was created."""
    if current_graph() is None:
        return lambda: convert_to_tensor(var)
    if slice_spec and not isinstance(var, Tensor):
        if not isinstance(var, ResourceVariable):
            return var.value()
        read = var.read_value()
        with device("/cpu:0"):
            return identity(read)
    if isinstance(var, Tensor):
        return var
    return var._graph_element if isinstance(var, ResourceVariable) else var._ref()


def _name_of(var: Any) -> str:
    return var.op.name if getattr(var, "_in_graph_mode", True) else var._shared_name


def _as_variable_tensor(item: Any) -> Any:
    """Return the reference or value of a variable that a tensor is, or None if it is something else."""
    if not isinstance(item, SymbolicTensor):
        try:
            item = convert_to_tensor(item, as_ref=True)
        except (TypeError, ValueError):
            return None
    return item if isinstance(item, SymbolicTensor) and item.op.type in _VARIABLE_OPS else None


def names_to_variables(var_list: Iterable[Any]) -> dict[str, Any]:
    """Return the names under which variables are saved.

    Args:
        var_list: variables, partitions of variables, partitioned variables, or SaveableObjects.
    Returns:
        Name -> variable, list of partitions, or SaveableObject.
    Raises:
        TypeError: if an item is none of them.
        ValueError: if two have the same name.
    """
    names: dict[str, Any] = {}
    for item in var_list:
        part = getattr(item, "_save_slice_info", None)
        if isinstance(item, SaveableObject):
            name = item.name
        elif isinstance(item, PartitionedVariable):
            name, item = item.name, list(item)
        elif isinstance(item, Variable) and part is not None:
            parts = names.setdefault(part.full_name, [])
            if not isinstance(parts, list):
                raise ValueError(f"At least two variables have the same name: {part.full_name}")
            parts.append(item)
            continue
        elif isinstance(item, Variable):
            name = _name_of(item)
        else:
            tensor = _as_variable_tensor(item)
            if tensor is None:
                raise TypeError(f"Variable to save is not a Variable: {item}")
            item, name = tensor, (tensor.op.inputs[0].op.name if tensor.op.type == "ReadVariableOp" else tensor.op.name)
        if name in names:
            raise ValueError(f"At least two variables have the same name: {name}")
        names[name] = item
    return names


def saveables_of(names: Mapping[str, Any]) -> list[SaveableObject]:
    """Return what is to be saved, sorted by name.

    Args:
        names: name -> variable, partitioned variable, list of partitions, or SaveableObject.
    Raises:
        TypeError: if a name is no string, or an item is none of them.
        ValueError: if a variable is to be saved under two names.
    """
    saveables: list[SaveableObject] = []
    seen: set[int] = set()
    for name in sorted(names, key=str):
        if not isinstance(name, str):
            raise TypeError(
                "names_to_saveables must be a dict mapping string names to trackable operations. "
                f"Name is not a string: {name!r}"
            )
        item = names[name]
        for saveable in _saveables_for(name, item):
            key = id(saveable.op)
            if key in seen:
                raise ValueError(f"The same saveable will be restored with two names: {name}")
            seen.add(key)
            saveables.append(saveable)
    return saveables


def _saveables_for(name: str, item: Any) -> list[SaveableObject]:
    if isinstance(item, SaveableObject):
        return [item]
    if isinstance(item, PartitionedVariable):
        item = list(item)
    if isinstance(item, (list, tuple)):
        parts: list[SaveableObject] = []
        for variable in item:
            info = variable._save_slice_info
            if info is None:
                raise ValueError(
                    f"{variable.name!r} in a list of partitions is no partition of a larger variable; pass it by itself"
                )
            if info.full_name != item[0]._save_slice_info.full_name:
                raise ValueError(
                    f"Slices must all be from the same tensor: {item[0]._save_slice_info.full_name} != {info.full_name}"
                )
            parts.append(VariableSaveable(variable, info.spec, name))
        return parts
    if isinstance(item, Variable):
        return [VariableSaveable(item, "", name)]
    tensor = _as_variable_tensor(item)
    if tensor is None:
        raise TypeError(
            f"names_to_saveables must be a dict mapping string names to Tensors/Variables. Not a variable: {item}"
        )
    if tensor.op.type == "ReadVariableOp":
        raise TypeError(
            f"{item} is a value read from a variable: pass the variable itself, to which it can be restored"
        )
    return [VariableSaveable(tensor, "", name)]
