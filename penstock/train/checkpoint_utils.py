"""Looking into checkpoints, and starting variables from them."""

from __future__ import annotations

import math
import os
import re
from typing import Any

import numpy as np

from penstock.core.dtypes import DType, as_dtype
from penstock.core.errors import NotFoundError
from penstock.core.graph import get_default_graph
from penstock.core.graph_keys import GraphKeys
from penstock.core.operation import Operation
from penstock.core.shape import TensorShape
from penstock.language.graph_functions import device
from penstock.language.variables import PartitionedVariable
from penstock.ops.io.checkpoint import open_checkpoint, restore_v2_op, translated
from penstock.train.checkpoint_management import latest_checkpoint
from penstock.train.saveable import VariableSaveable


class CheckpointReader:
    """Reads a checkpoint.

    Args:
        filename: the prefix of the checkpoint's files.
    Raises:
        NotFoundError: if there is no such checkpoint.
        DataLossError: if its index is damaged.
    """

    def __init__(self, filename: Any) -> None:
        self._reader = open_checkpoint(os.fspath(filename))

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        """Return the shape of each tensor by name."""
        return {name: list(shape) for name, (shape, _) in self._described().items()}

    def get_variable_to_dtype_map(self) -> dict[str, DType]:
        """Return the type of each tensor by name."""
        return {name: as_dtype(enum) for name, (_, enum) in self._described().items()}

    def _described(self) -> dict[str, tuple[tuple[int, ...], int]]:
        return translated(self._reader.shape_and_dtype_map, self._reader.prefix)

    def has_tensor(self, tensor_str: str) -> bool:
        """Tell whether the checkpoint has a tensor of that name."""
        return tensor_str in self._reader

    def get_tensor(self, tensor_str: str) -> Any:
        """Return a tensor's elements as a NumPy array (a scalar for shape ()).

        Raises:
            NotFoundError: if there is no tensor of that name.
            DataLossError: if its bytes are damaged.
        """
        if tensor_str not in self._reader:
            raise NotFoundError(None, None, f"Key {tensor_str} not found in checkpoint")
        elements: np.ndarray = translated(lambda: self._reader.get(tensor_str), self._reader.prefix)
        return elements[()] if elements.ndim == 0 else elements

    def debug_string(self) -> bytes:
        """Return a line for each tensor with its name, type and shape."""
        lines = []
        for name, (shape, enum) in sorted(self._described().items()):
            dtype = {"float32": "float", "float64": "double", "float16": "half"}.get(
                as_dtype(enum).name, as_dtype(enum).name
            )
            lines.append(f"{name} (DT_{dtype.upper()}) [{','.join(map(str, shape))}]\n")
        return "".join(lines).encode()


def NewCheckpointReader(filepattern: Any) -> CheckpointReader:
    """Return a reader of the checkpoint with this prefix; see `CheckpointReader`."""
    return CheckpointReader(filepattern)


def _prefix_of(checkpoint: Any) -> str:
    path = os.fspath(checkpoint)
    if not os.path.isdir(path):
        return path
    latest = latest_checkpoint(path)
    if latest is None:
        raise ValueError(f"Couldn't find 'checkpoint' file or checkpoints in given directory {path}")
    return latest


def load_checkpoint(ckpt_dir_or_file: Any) -> CheckpointReader:
    """Return a reader of a checkpoint.

    Args:
        ckpt_dir_or_file: the checkpoint's prefix, or a directory, which stands for its latest checkpoint.
    Raises:
        ValueError: if the directory has no checkpoint.
        NotFoundError, DataLossError: see `CheckpointReader`.
    """
    return CheckpointReader(_prefix_of(ckpt_dir_or_file))


def load_variable(ckpt_dir_or_file: Any, name: str) -> Any:
    """Return the elements of a tensor in a checkpoint.

    Args:
        ckpt_dir_or_file: see `load_checkpoint`.
        name: the tensor's name; one that ends in ":0" stands for the name before it.
    """
    return load_checkpoint(ckpt_dir_or_file).get_tensor(name.removesuffix(":0"))


def list_variables(ckpt_dir_or_file: Any) -> list[tuple[str, list[int]]]:
    """Return the name and shape of each tensor in a checkpoint, sorted by name; see `load_checkpoint`."""
    return sorted(load_checkpoint(ckpt_dir_or_file).get_variable_to_shape_map().items())


def print_tensors_in_checkpoint_file(
    file_name: Any,
    tensor_name: str | None,
    all_tensors: bool,
    all_tensor_names: bool = False,
    count_exclude_pattern: str = "",
) -> None:
    """Print what is in a checkpoint: the line of each tensor, or names, or elements.

    Args:
        file_name: the checkpoint's prefix.
        tensor_name: the tensor whose elements are printed; none by default.
        all_tensors: whether the elements of all tensors are printed.
        all_tensor_names: whether the names of all tensors are printed.
        count_exclude_pattern: a regular expression for names that are not counted.
    """
    reader = CheckpointReader(file_name)
    shapes = reader.get_variable_to_shape_map()
    if all_tensors or all_tensor_names:
        for name in sorted(shapes):
            print(f"tensor: {name} ({reader.get_variable_to_dtype_map()[name].name}) {shapes[name]}")
            if all_tensors:
                print(reader.get_tensor(name))
    elif tensor_name:
        print("tensor_name: ", tensor_name)
        print(reader.get_tensor(tensor_name))
    else:
        print(reader.debug_string().decode())
    counted = [math.prod(s) for n, s in shapes.items() if not re.match(count_exclude_pattern or r"(?!)", n)]
    print(f"# Total number of params: {sum(counted)}")


def init_from_checkpoint(ckpt_dir_or_file: Any, assignment_map: Any) -> None:
    """Replace the initializers of variables, so that they start from what a checkpoint has.

    Args:
        ckpt_dir_or_file: see `load_checkpoint`.
        assignment_map: a dict or a list of pairs. From a name in the checkpoint to a variable, its name, or the list of
            its partitions; or from a scope of the checkpoint, which ends in "/", to a scope of the graph, which does
            too.
    Raises:
        ValueError: if a tensor or variable does not exist, or their shapes differ.
    """
    prefix = _prefix_of(ckpt_dir_or_file)
    reader = CheckpointReader(prefix)
    shapes = reader.get_variable_to_shape_map()
    pairs = assignment_map.items() if isinstance(assignment_map, dict) else assignment_map
    for tensor_name, target in sorted(pairs, key=lambda pair: pair[0]):
        if isinstance(target, str) and target.endswith("/"):
            _init_scope_from(prefix, shapes, tensor_name, target)
        else:
            parts = _variables_for(target)
            _init_variable_from(prefix, shapes, tensor_name, parts)


def _whole_name(variable: Any) -> str:
    part = getattr(variable, "_save_slice_info", None)
    return variable.op.name if part is None else part.full_name


def _variables_by_name() -> dict[str, list[Any]]:
    graph = get_default_graph()
    found: dict[str, list[Any]] = {}
    for key in (GraphKeys.GLOBAL_VARIABLES, GraphKeys.LOCAL_VARIABLES):
        for variable in graph.get_collection(key):
            parts = found.setdefault(_whole_name(variable), [])
            if not any(variable is part for part in parts):
                parts.append(variable)
    return found


def _variables_for(target: Any) -> list[Any]:
    if isinstance(target, str):
        found = _variables_by_name()
        if target not in found:
            raise ValueError(f"Variable {target} is not among the variables of the graph: {sorted(found)}")
        return found[target]
    if isinstance(target, PartitionedVariable):
        return list(target)
    return list(target) if isinstance(target, (list, tuple)) else [target]


def _init_scope_from(prefix: str, shapes: dict[str, list[int]], source: str, target: str) -> None:
    scope = target[:-1]
    source_scope = source.removesuffix("/")
    if source and not source.endswith("/"):
        raise ValueError(
            f"Assignment map with scope only name {scope} should map to scope only {source}. "
            "Should be 'scope/': 'other_scope/'."
        )
    variables = {
        name: parts for name, parts in _variables_by_name().items() if not scope or name.startswith(scope + "/")
    }
    for name, parts in sorted(variables.items()):
        rest = name[len(scope) :].lstrip("/")
        tensor_name = f"{source_scope}/{rest}" if source_scope else rest
        if tensor_name not in shapes:
            raise ValueError(f"Tensor {tensor_name} ({name} in {target}) is not found in {prefix} checkpoint")
        _init_variable_from(prefix, shapes, tensor_name, parts)


def _init_variable_from(prefix: str, shapes: dict[str, list[int]], tensor_name: str, parts: list[Any]) -> None:
    if tensor_name not in shapes:
        raise ValueError(f"Tensor {tensor_name} is not found in {prefix} checkpoint {shapes}")
    for variable in parts:
        info = getattr(variable, "_save_slice_info", None)
        shape = variable.get_shape() if info is None else TensorShape(info.full_shape)
        if not shape.is_compatible_with(shapes[tensor_name]):
            raise ValueError(
                f"Shape of variable {variable.name} ({shape}) doesn't match with shape of tensor {tensor_name} "
                f"({shapes[tensor_name]}) from checkpoint reader."
            )
        _set_initializer(variable, prefix, tensor_name, "" if info is None else info.spec)


def _set_initializer(variable: Any, prefix: str, tensor_name: str, slice_spec: str) -> None:
    with device("/cpu:0"):
        (value,) = restore_v2_op(
            prefix, [tensor_name], [slice_spec], dtypes=[variable.dtype.base_dtype], name="checkpoint_initializer"
        )
        value.set_shape(variable.get_shape())
        saveable = VariableSaveable(variable, slice_spec, tensor_name)
        assign = saveable.restore([value], None)
        variable._initializer = assign if isinstance(assign, Operation) else assign.op
        variable._initial_value = value
