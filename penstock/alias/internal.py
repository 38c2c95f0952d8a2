"""Names outside TensorFlow's public face that programs, and Keras, import all the same.

`MODULES` gives, for each such module, its names: `"module:attribute"`, or `"module:"` for a module itself. A name that
is not in the table is looked up in the fallbacks, since most of `tensorflow.python` repeats the public face.
"""

from __future__ import annotations

import importlib
import types
from typing import Any

ROOT_NAMES = {"keras": "penstock.keras:", "examples": "tensorflow.examples:", "core": "tensorflow.core:"}

MODULES: dict[str, dict[str, str]] = {
    "tensorflow.__internal__": {
        "CompositeTensor": "penstock.core.type_spec:CompositeTensor",
        "EagerTensor": "penstock.core.tensor:EagerTensor",
        "FuncGraph": "penstock.core.func_graph:FuncGraph",
        "decorator": "tensorflow.__internal__.decorator:",
        "dispatch": "tensorflow.__internal__.dispatch:",
        "distribute": "tensorflow.__internal__.distribute:",
        "eager_context": "tensorflow.__internal__.eager_context:",
        "nest": "penstock.core.nest:",
        "ops": "tensorflow.__internal__.ops:",
        "smart_cond": "tensorflow.__internal__.smart_cond:",
        "tf2": "tensorflow.__internal__.tf2:",
        "tracking": "tensorflow.__internal__.tracking:",
        "types": "tensorflow.__internal__.types:",
    },
    "tensorflow.__internal__.decorator": {"unwrap": "penstock.alias.stand_ins:unwrap"},
    "tensorflow.__internal__.dispatch": {"add_dispatch_support": "penstock.alias.stand_ins:add_dispatch_support"},
    "tensorflow.__internal__.distribute": {
        "interim": "tensorflow.__internal__.distribute.interim:",
        "strategy_supports_no_merge_call": "penstock.distribute.strategy:strategy_supports_no_merge_call",
    },
    "tensorflow.__internal__.distribute.interim": {"maybe_merge_call": "penstock.distribute.strategy:maybe_merge_call"},
    "tensorflow.__internal__.eager_context": {
        "eager_mode": "penstock.core.context:eager_mode",
        "executing_eagerly": "penstock.core.context:executing_eagerly",
    },
    "tensorflow.__internal__.ops": {"broadcast_weights": "penstock.losses.weights:broadcast_weights"},
    "tensorflow.__internal__.smart_cond": {"smart_cond": "penstock.language.smart_cond:smart_cond"},
    "tensorflow.__internal__.tf2": {"enabled": "penstock.alias.stand_ins:tf2_enabled"},
    "tensorflow.__internal__.tracking": {
        "AutoTrackable": "penstock.language.trackable:AutoTrackable",
        "Trackable": "penstock.language.trackable:Trackable",
        "no_automatic_dependency_tracking": "penstock.language.trackable:no_automatic_dependency_tracking",
    },
    "tensorflow.__internal__.types": {"Tensor": "penstock.core.convert:TensorLike"},
    "tensorflow.compiler": {},
    "tensorflow.compiler.tf2xla": {},
    "tensorflow.compiler.tf2xla.python": {},
    "tensorflow.compiler.tf2xla.python.xla": {
        "dynamic_slice": "penstock.ops.array.dynamic_slices:dynamic_slice",
        "dynamic_update_slice": "penstock.ops.array.dynamic_slices:dynamic_update_slice",
    },
    "tensorflow.core": {},
    "tensorflow.core.example": {},
    "tensorflow.core.example.example_pb2": {"Example": "penstock.formats.protos:Example"},
    "tensorflow.core.framework": {},
    "tensorflow.core.framework.graph_pb2": {"GraphDef": "penstock.formats.protos:GraphDef"},
    "tensorflow.core.framework.summary_pb2": {
        "Summary": "penstock.formats.protos:Summary",
        "SummaryMetadata": "penstock.formats.protos:SummaryMetadata",
    },
    "tensorflow.core.protobuf": {},
    "tensorflow.core.protobuf.config_pb2": {"ConfigProto": "penstock.formats.protos:ConfigProto"},
    "tensorflow.core.util": {},
    "tensorflow.core.util.event_pb2": {"Event": "penstock.formats.protos:Event"},
    "tensorflow.examples": {},
    "tensorflow.examples.tutorials": {},
    "tensorflow.examples.tutorials.mnist": {
        "input_data": "penstock.examples.tutorials.mnist.input_data:",
    },
    "tensorflow.experimental.dtensor": {},
    "tensorflow.python": {"keras": "penstock.keras:"},
    "tensorflow.python.client": {},
    "tensorflow.python.client.device_lib": {"list_local_devices": "penstock.alias.stand_ins:list_local_devices"},
    "tensorflow.python.client.session": {},
    "tensorflow.python.compat": {},
    "tensorflow.python.compat.v2_compat": {},
    "tensorflow.python.data": {},
    "tensorflow.python.data.experimental": {},
    "tensorflow.python.data.experimental.ops": {},
    "tensorflow.python.data.experimental.ops.distribute": {},
    "tensorflow.python.data.ops": {},
    "tensorflow.python.data.ops.dataset_ops": {
        "Dataset": "penstock.data.dataset:Dataset",
        "DatasetV1": "penstock.data.v1:DatasetV1",
        "DatasetV2": "penstock.data.dataset:Dataset",
    },
    "tensorflow.python.data.ops.iterator_ops": {
        "Iterator": "penstock.data.iterator:GraphIterator",
        "OwnedIterator": "penstock.data.iterator:OwnedIterator",
    },
    "tensorflow.python.distribute": {},
    "tensorflow.python.eager": {},
    "tensorflow.python.eager.context": {
        "async_wait": "penstock.alias.stand_ins:async_wait",
        "context": "penstock.alias.stand_ins:context",
        "eager_mode": "penstock.core.context:eager_mode",
        "executing_eagerly": "penstock.core.context:executing_eagerly",
        "graph_mode": "penstock.alias.stand_ins:graph_mode",
        "num_gpus": "penstock.alias.stand_ins:num_gpus",
        "_reset_context": "penstock.alias.stand_ins:async_wait",
    },
    "tensorflow.python.framework": {},
    "tensorflow.python.framework.config": {
        "disable_op_determinism": "penstock.alias.stand_ins:disable_op_determinism",
        "enable_op_determinism": "penstock.runtime.config.execution:enable_op_determinism",
        "is_op_determinism_enabled": "penstock.alias.stand_ins:is_op_determinism_enabled",
    },
    "tensorflow.python.framework.constant_op": {},
    "tensorflow.python.framework.dtypes": {},
    "tensorflow.python.framework.errors": {},
    "tensorflow.python.framework.errors_impl": {},
    "tensorflow.python.framework.func_graph": {"FuncGraph": "penstock.core.func_graph:FuncGraph"},
    "tensorflow.python.framework.function": {"Defun": "penstock.language.defun:Defun"},
    "tensorflow.python.framework.graph_util": {},
    "tensorflow.python.framework.ops": {
        "EagerTensor": "penstock.core.tensor:EagerTensor",
        "SymbolicTensor": "penstock.core.tensor:SymbolicTensor",
        "convert_to_tensor": "penstock.language.graph_functions:convert_to_tensor",
        "executing_eagerly_outside_functions": "penstock.language.init_scope:executing_eagerly_outside_functions",
    },
    "tensorflow.python.framework.random_seed": {"get_seed": "penstock.ops.random.seeds:get_seed"},
    "tensorflow.python.framework.sparse_tensor": {},
    "tensorflow.python.framework.tensor_shape": {},
    "tensorflow.python.framework.tensor_spec": {},
    "tensorflow.python.framework.tensor_util": {
        "constant_value": "penstock.core.inference:static_value",
        "is_tensor": "penstock.language.graph_functions:is_tensor",
        "is_tf_type": "penstock.language.graph_functions:is_tensor",
    },
    "tensorflow.python.framework.test_util": {},
    "tensorflow.python.framework.type_spec_registry": {
        "get_name": "penstock.alias.stand_ins:type_spec_name",
        "lookup": "penstock.alias.stand_ins:type_spec_of_name",
    },
    "tensorflow.python.layers": {},
    "tensorflow.python.lib": {},
    "tensorflow.python.lib.io": {},
    "tensorflow.python.lib.io.file_io": {},
    "tensorflow.python.lib.io.tf_record": {
        "tf_record_iterator": "penstock.platform.tf_record:tf_record_iterator",
    },
    "tensorflow.python.ops": {},
    "tensorflow.python.ops.linalg": {},
    "tensorflow.python.ops.linalg.sparse": {},
    "tensorflow.python.ops.linalg.sparse.sparse_csr_matrix_ops": {
        "csr_sparse_matrix_to_sparse_tensor": "penstock.alias.stand_ins:csr_to_sparse_tensor",
        "sparse_matrix_sparse_mat_mul": "penstock.alias.stand_ins:sparse_product",
        "sparse_tensor_to_csr_sparse_matrix": "penstock.alias.stand_ins:sparse_tensor_to_csr",
    },
    "tensorflow.python.ops.math_ops": {"is_nan": "penstock.ops.math.unary:is_nan"},
    "tensorflow.python.platform": {
        "app": "penstock.platform.app:",
        "flags": "penstock.platform.flags:",
        "gfile": "penstock.platform.gfile:",
        "tf_logging": "penstock.platform.logging:",
    },
    "tensorflow.python.platform.test": {},
    "tensorflow.python.saved_model": {},
    "tensorflow.python.summary": {},
    "tensorflow.python.trackable": {},
    "tensorflow.python.trackable.data_structures": {
        "ListWrapper": "penstock.language.trackable:ListWrapper",
        "_DictWrapper": "penstock.language.trackable:DictWrapper",
    },
    "tensorflow.python.training": {},
    "tensorflow.python.training.tracking": {},
    "tensorflow.python.util": {},
    "tensorflow.python.util.deprecation": {"silence": "penstock.alias.stand_ins:silence"},
    "tensorflow.python.util.nest": {},
    "tensorflow.python.util.tf_export": {},
}

# Where names of `tensorflow.python` modules are looked up that the table does not have, by the module's last part; the
# face of TensorFlow 1 comes last, as it has nearly everything.
_FALLBACKS: dict[str, tuple[str, ...]] = {
    "math_ops": ("penstock.v1.math",),
    "nn_ops": ("penstock.v1.nn",),
    "nn": ("penstock.v1.nn",),
    "nn_impl": ("penstock.v1.nn",),
    "linalg_ops": ("penstock.v1.linalg",),
    "image_ops": ("penstock.v1.image",),
    "random_ops": ("penstock.v1.random",),
    "string_ops": ("penstock.v1.strings",),
    "losses": ("penstock.v1.losses",),
    "layers": ("penstock.v1.layers",),
    "summary": ("penstock.v1.summary",),
    "training": ("penstock.v1.train",),
    "errors": ("penstock.v1.errors",),
    "errors_impl": ("penstock.v1.errors",),
    "dtypes": ("penstock.v1.dtypes",),
    "nest": ("penstock.core.nest",),
    "data": ("penstock.v1.data",),
    "file_io": ("penstock.v1.gfile",),
    "graph_util": ("penstock.v1.graph_util",),
    "test": ("penstock.v1.test",),
}


class _Module(types.ModuleType):
    """A module of the table. Its names are looked up when they are first used."""

    def __init__(self, name: str) -> None:
        super().__init__(name, f"Names of {name} that stand for those of Penstock.")
        self.__path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = self._find(name)
        self.__dict__[name] = value
        return value

    def _find(self, name: str) -> Any:
        here = self.__name__
        names = MODULES[here]
        if name in names:
            return resolve(names[name])
        if f"{here}.{name}" in MODULES:
            return importlib.import_module(f"{here}.{name}")
        if here.startswith("tensorflow.python."):
            for fallback in (*_FALLBACKS.get(here.rsplit(".", 1)[-1], ()), "penstock.compat.v1"):
                try:
                    return getattr(importlib.import_module(fallback), name)
                except (AttributeError, ImportError):
                    continue
        raise AttributeError(f"module {here!r} has no attribute {name!r} in Penstock: use the public name in `tf`")


_modules: dict[str, _Module] = {}


def resolve(target: str) -> Any:
    """Return what `"module:attribute"` or `"module:"` names."""
    module_name, _, attribute = target.partition(":")
    module_found = namespace(module_name.removeprefix("tensorflow.")) if module_name in MODULES else None
    found = importlib.import_module(module_name) if module_found is None else module_found
    return getattr(found, attribute) if attribute else found


def namespace(name: str) -> types.ModuleType:
    """Return the module of the table below `tensorflow`."""
    full = f"tensorflow.{name}"
    if full not in _modules:
        _modules[full] = _Module(full)
    return _modules[full]


def module(fullname: str) -> types.ModuleType | None:
    """Return the module that the table has under a full name, or that it re-exports there; None if there is none."""
    if fullname in MODULES:
        return namespace(fullname.removeprefix("tensorflow."))
    parent, _, name = fullname.rpartition(".")
    target = MODULES.get(parent, {}).get(name, "")
    return resolve(target) if target.endswith(":") else None
