"""The graph of a saved model: its functions as a library, and the nodes by which a session serves it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from penstock.core import dtypes
from penstock.core.errors import NotFoundError
from penstock.core.graph import Graph
from penstock.core.graph_def import Library
from penstock.core.op_def import lookup
from penstock.core.operation import Operation
from penstock.core.tensor import EagerTensor, SymbolicTensor, Tensor
from penstock.formats import protos
from penstock.graphs.counted_loops import count_loops
from penstock.language.asset import Asset
from penstock.language.control_flow import group
from penstock.language.function import ConcreteFunction
from penstock.language.graph_functions import control_dependencies
from penstock.language.resource import RESTORE_VALUES, SAVE_VALUES
from penstock.ops.array.joining import stack
from penstock.ops.constant import constant, identity, placeholder
from penstock.ops.io.checkpoint import restore_v2_op, save_v2_op
from penstock.ops.state.variables import assign_variable_op, read_variable_op, var_handle_op
from penstock.saved_model.constants import (
    INIT_OP_SIGNATURE_KEY,
    MAIN_OP_KEY,
    PREDICT_METHOD_NAME,
    SERVING,
)
from penstock.saved_model.objects import CREATE, INITIALIZE, SavedObjects
from penstock.saved_model.options import SaveOptions, VariablePolicy
from penstock.saved_model.signatures import SignatureMap, signature_def
from penstock.train.checkpoint import TABLE_VALUES, VARIABLE_VALUE, variable_in
from penstock.train.meta_graph import export_meta_graph


class AssetFiles:
    """The files that a saved model takes along, each under a name of its own.

    Attributes:
        names: path of a file -> its name in the model.
    """

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    def add(self, path: str) -> str:
        """Return the name of a file in the model.

        Raises:
            NotFoundError: if there is no such file.
        """
        path = os.path.abspath(path)
        if not os.path.isfile(path):
            raise NotFoundError(None, None, f"{path}; No such file or directory: the saved model needs it as an asset")
        if path not in self.names:
            taken = set(self.names.values())
            name = os.path.basename(path)
            stem, extension = os.path.splitext(name)
            count = 0
            while name in taken:
                count += 1
                name = f"{stem}_{count}{extension}"
            self.names[path] = name
        return self.names[path]


class Export:
    """Builds the graph of a saved model.

    Args:
        saved: the objects.
        signatures: the signatures.
        defaults: for each signature, defaults of its arguments.
        options: see `SaveOptions`.

    Attributes:
        meta_graph: the MetaGraphDef message.
        assets: the files that it names.
    """

    def __init__(
        self,
        saved: SavedObjects,
        signatures: SignatureMap,
        defaults: Mapping[str, Mapping[str, Any]],
        options: SaveOptions,
    ) -> None:
        self._saved = saved
        self._tensors: dict[int, SymbolicTensor] = {}  # by the number of the node that they are of
        self._constant_names: dict[int, str] = {}
        self._initializers: list[Operation] = []
        self._with_devices = options.experimental_variable_policy is not VariablePolicy.NONE
        self._asset_defs: list[Any] = []
        self.assets = AssetFiles()
        self.graph = Graph()
        with self.graph.as_default():
            for number, node in enumerate(saved.nodes):
                self._add_node(number, node)
            for number, tensor in saved.constants.items():
                if not isinstance(tensor, EagerTensor):
                    continue
                made: Any = constant(tensor.numpy(), tensor.dtype)
                self._tensors[number], self._constant_names[number] = made, made.op.name
            for number in range(len(saved.nodes)):
                if saved.is_resource(number):
                    self._make_resource(number)
            definitions = {
                name: self._add_signature(name, concrete, defaults.get(name, {}))
                for name, concrete in signatures.items()
            }
            self._initialize_resources()
            initializer = group(*self._initializers, name="init")
            saver = None if options.experimental_skip_saver else self._add_saver()
        for concrete in saved.functions.values():
            self.graph._functions[f"{concrete.name.decode()} {id(concrete)}"] = concrete.graph
        names = Library(self.graph).names
        self.graph.add_to_collection(MAIN_OP_KEY, initializer)
        message = self.meta_graph = export_meta_graph(graph=self.graph, saver_def=saver)
        message.meta_info_def.tags.extend(dict.fromkeys([SERVING, *options.extra_tags]))
        for alias, aliased in options.function_aliases.items():
            for concrete in aliased._saved_functions():
                if id(concrete.graph) in names:
                    message.meta_info_def.function_aliases[names[id(concrete.graph)]] = alias
        count_loops(message.graph_def)
        for name, concrete in saved.gradients:
            message.graph_def.library.registered_gradients.add(
                gradient_func=names[id(concrete.graph)], registered_op_type=name
            )
        message.object_graph_def.CopyFrom(saved.message(names, self._constant_names))
        for name, definition in definitions.items():
            message.signature_def[name].CopyFrom(definition)
        info = message.signature_def[INIT_OP_SIGNATURE_KEY].outputs[INIT_OP_SIGNATURE_KEY]
        info.name = initializer.name
        info.tensor_shape.unknown_rank = True
        message.asset_file_def.extend(self._asset_defs)

    def _add_node(self, number: int, node: Any) -> None:
        variable = variable_in(node)
        if variable is not None:
            with self.graph.device(variable.device if self._with_devices else None):
                self._tensors[number] = self._variable(
                    variable.name.removesuffix(":0"), variable.dtype.base_dtype, variable.shape.as_tuple()
                )
        elif isinstance(node, Asset):
            self._add_asset(number, node)

    def _variable(self, name: str, dtype: Any, dims: Any) -> SymbolicTensor:
        """Add a variable and a node that reads it; return the handle."""
        valid = re.sub(r"[^A-Za-z0-9_.\\/>-]", "_", name).lstrip("_\\/>-") or "variable"
        name = self.graph.unique_name(valid)
        handle = var_handle_op(dtype=dtype, shape=dims, shared_name=name, name=f"{name}/")
        value = read_variable_op(handle, dtype=dtype, name=f"{name}/Read/ReadVariableOp/")
        value.set_shape(dims)
        return handle

    def _add_asset(self, number: int, asset: Asset) -> None:
        """Add a variable with an asset's path, which is fed where the graph is loaded."""
        path = asset.asset_path.numpy().decode()
        fed: Any = placeholder(dtypes.string, [], name="asset_path_initializer")
        definition = protos.AssetFileDef(filename=self.assets.add(path))
        definition.tensor_info.name = fed.name
        self._asset_defs.append(definition)
        handle = self._variable("asset_path", dtypes.string, ())
        assigned = assign_variable_op(handle, fed, dtype=dtypes.string)
        self._initializers.append(assigned)
        with control_dependencies([assigned]):
            self._tensors[number] = read_variable_op(handle, dtype=dtypes.string)
        self._tensors[number].set_shape([])

    def _make_resource(self, number: int) -> None:
        (concrete,) = self._saved.traces[id(self._saved.child(number, CREATE))]
        (self._tensors[number],) = self.call(concrete, [])

    def _initialize_resources(self) -> None:
        for number in range(len(self._saved.nodes)):
            if self._saved.is_resource(number):
                (concrete,) = self._saved.traces[id(self._saved.child(number, INITIALIZE))]
                results = self.call(concrete, [])
                self._initializers.extend(result.op for result in results)

    def call(self, concrete: ConcreteFunction, arguments: Sequence[Tensor]) -> list[SymbolicTensor]:
        """Add a call of a function; what it captured is given as this graph has it."""
        captured = [self._tensors[self._saved.number_of(tensor)] for tensor in concrete.captured_inputs]
        kind = "StatefulPartitionedCall" if concrete._flat.is_stateful else "PartitionedCall"
        call: Callable[..., Any] = lookup(kind)  # type: ignore[assignment]
        results = call([*arguments, *captured], f=concrete.graph, Tout=concrete._flat.output_types)
        return results if isinstance(results, list) else []

    def _add_signature(self, name: str, concrete: ConcreteFunction, defaults: Mapping[str, Any]) -> Any:
        _, specs = concrete.structured_input_signature
        prefix = re.sub(r"[^A-Za-z0-9_.]", "_", name).lstrip("_") or "signature"
        inputs = {
            key: placeholder(specs[key].dtype, specs[key].shape, name=f"{prefix}_{re.sub('[^A-Za-z0-9_.]', '_', key)}")
            for key in sorted(specs)
        }
        outputs = concrete.pack(self.call(concrete, list(inputs.values())))
        return signature_def(inputs, outputs, PREDICT_METHOD_NAME, defaults)

    def _table_entries(self) -> list[tuple[ConcreteFunction, list[dict[str, Any]]]]:
        """Return, for each table whose entries are saved, what restores them, and the tensors to write."""
        found = []
        for number, attribute, key, _ in self._saved.objects.values():
            if attribute == TABLE_VALUES:
                save, restore = (self._saved.child(number, name) for name in (SAVE_VALUES, RESTORE_VALUES))
                found.append((restore, save.pack(self.call(save, [constant(key)]))))
        return found

    def _add_saver(self) -> Any:
        """Add the nodes by which a session saves and restores the variables; return the SaverDef message."""
        path: Any = placeholder(dtypes.string, [], name="saver_filename")
        keys: list[Any] = []
        handles: list[SymbolicTensor] = []
        variables: list[Any] = []
        for number, attribute, key, node in self._saved.objects.values():
            if attribute == VARIABLE_VALUE:
                keys.append(key)
                handles.append(self._tensors[number])
                variables.append(variable_in(node))
        types = [variable.dtype.base_dtype for variable in variables]
        restored: list[Any] = []
        written: list[Any] = []
        values: list[Any] = [
            read_variable_op(handle, dtype=dtype) for handle, dtype in zip(handles, types, strict=True)
        ]
        entries = self._table_entries()
        for _, parts in entries:
            keys += [part["name"] for part in parts]
            values += [part["tensor"] for part in parts]
        if keys:
            names = stack([constant(key) if isinstance(key, str) else key for key in keys]) if entries else keys
            types = [value.dtype.base_dtype for value in values]
            written.append(save_v2_op(path, names, [""] * len(keys), values, name="save"))
            found = restore_v2_op(path, names, [""] * len(keys), dtypes=types, name="restore")
            for handle, dtype, value in zip(handles, types, found, strict=False):
                restored.append(assign_variable_op(handle, value, dtype=dtype))
            remaining = list(found[len(handles) :])
            for restore, parts in entries:
                results = self.call(restore, [remaining.pop(0) for _ in parts])
                restored.extend(result.op for result in results)
        with control_dependencies(written):
            saved = identity(path, name="saved")
        return protos.SaverDef(
            filename_tensor_name=path.name,
            save_tensor_name=saved.name,
            restore_op_name=group(*restored, name="restore_all").name,
            version=protos.SaverDef.V2,
        )
