"""TensorFlow's protocol buffer messages by name: `protos.GraphDef`, `protos.Summary`, `protos.Example`.

Most are TensorBoard's compiled messages, the others are built in `descriptors`. Each is imported when it is first asked
for, since all together take tens of milliseconds.
"""

from __future__ import annotations

import importlib
from typing import Any

from penstock.formats import descriptors

_TENSORBOARD_MODULES: dict[str, list[str]] = {
    "api_def_pb2": ["ApiDef", "ApiDefs"],
    "attr_value_pb2": ["AttrValue", "NameAttrList"],
    "cluster_pb2": ["ClusterDef", "JobDef"],
    "config_pb2": [
        "BatchingOptions",
        "CallableOptions",
        "ConfigProto",
        "GPUOptions",
        "GraphOptions",
        "OptimizerOptions",
        "RunMetadata",
        "RunOptions",
        "SessionMetadata",
        "TensorConnection",
        "ThreadPoolOptionProto",
    ],
    "cost_graph_pb2": ["CostGraphDef"],
    "cpp_shape_inference_pb2": ["CppShapeInferenceResult"],
    "event_pb2": ["Event", "LogMessage", "SessionLog", "SourceMetadata", "TaggedRunMetadata"],
    "full_type_pb2": ["FullTypeDef", "FullTypeId"],
    "function_pb2": ["FunctionDef", "FunctionDefLibrary", "GradientDef", "RegisteredGradient"],
    "graph_debug_info_pb2": ["GraphDebugInfo"],
    "graph_pb2": ["GraphDef"],
    "histogram_pb2": ["HistogramProto"],
    "meta_graph_pb2": ["AssetFileDef", "CollectionDef", "MetaGraphDef", "SignatureDef", "TensorInfo"],
    "node_def_pb2": ["NodeDef"],
    "op_def_pb2": ["OpDef", "OpDeprecation", "OpList"],
    "resource_handle_pb2": ["ResourceHandleProto"],
    "rewriter_config_pb2": ["AutoParallelOptions", "RewriterConfig", "ScopedAllocatorOptions"],
    "saved_object_graph_pb2": [
        "CapturedTensor",
        "FunctionSpec",
        "SaveableObject",
        "SavedAsset",
        "SavedBareConcreteFunction",
        "SavedConcreteFunction",
        "SavedConstant",
        "SavedFunction",
        "SavedObject",
        "SavedObjectGraph",
        "SavedResource",
        "SavedUserObject",
        "SavedVariable",
    ],
    "saver_pb2": ["SaverDef"],
    "step_stats_pb2": [
        "AllocationRecord",
        "AllocatorMemoryUsed",
        "DeviceStepStats",
        "MemoryStats",
        "NodeExecStats",
        "NodeOutput",
        "StepStats",
    ],
    "struct_pb2": [
        "BoundedTensorSpecProto",
        "DictValue",
        "ListValue",
        "NamedTupleValue",
        "NoneValue",
        "PairValue",
        "StructuredValue",
        "TensorSpecProto",
        "TupleValue",
        "TypeSpecProto",
    ],
    "summary_pb2": ["DataClass", "Summary", "SummaryDescription", "SummaryMetadata"],
    "tensor_description_pb2": ["TensorDescription"],
    "tensor_pb2": ["TensorProto", "VariantTensorDataProto"],
    "tensor_shape_pb2": ["TensorShapeProto"],
    "trackable_object_graph_pb2": ["RegisteredSaver", "TrackableObjectGraph"],
    "types_pb2": ["DataType", "SerializedDType"],
    "variable_pb2": ["SaveSliceInfoDef", "VariableAggregation", "VariableDef", "VariableSynchronization"],
    "verifier_config_pb2": ["VerifierConfig"],
    "versions_pb2": ["VersionDef"],
}
_MODULE_OF = {name: module for module, names in _TENSORBOARD_MODULES.items() for name in names}
_OWN = [name for name in descriptors.MESSAGES if "." not in name]


def __getattr__(name: str) -> Any:
    """Import the message class `name` and keep it."""
    if name in _MODULE_OF:
        found = getattr(importlib.import_module(f"tensorboard.compat.proto.{_MODULE_OF[name]}"), name)
        globals()[name] = found
        return found
    if name in _OWN:
        globals().update(descriptors.build())
        return globals()[name]
    raise AttributeError(f"module {__name__!r} has no message {name!r}")


def __dir__() -> list[str]:
    """List the names of all messages."""
    return sorted([*_MODULE_OF, *_OWN])
