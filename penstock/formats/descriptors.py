"""The messages of TensorFlow that TensorBoard does not ship, built from a short description.

The messages that TensorBoard ships are in package `tensorboard`, those here in package `penstock`, both with
TensorFlow's names and field numbers: what is written is the same bytes and the same text, and real TensorFlow (package
`tensorflow`) can be imported in the same process. Both use protobuf's default pool, so that a `SavedModel` holds
TensorBoard's `MetaGraphDef`.
"""

from __future__ import annotations

import importlib
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_PACKAGE = "penstock"
_Field = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "double": _Field.TYPE_DOUBLE,
    "int64": _Field.TYPE_INT64,
    "uint64": _Field.TYPE_UINT64,
    "int32": _Field.TYPE_INT32,
    "float": _Field.TYPE_FLOAT,
    "fixed64": _Field.TYPE_FIXED64,
    "fixed32": _Field.TYPE_FIXED32,
    "bool": _Field.TYPE_BOOL,
    "string": _Field.TYPE_STRING,
    "bytes": _Field.TYPE_BYTES,
}

# What the fields below take from TensorBoard, and the module that has it.
_IMPORTED_MESSAGES = {
    "ClusterDef": "cluster_pb2",
    "ConfigProto": "config_pb2",
    "MetaGraphDef": "meta_graph_pb2",
    "TensorProto": "tensor_pb2",
    "TensorShapeProto": "tensor_shape_pb2",
    "VersionDef": "versions_pb2",
}
_IMPORTED_ENUMS = {"DataType": "types_pb2"}

# Enumeration -> its values in order, from 0.
ENUMS: dict[str, list[str]] = {
    "Endianness": ["LITTLE", "BIG"],
    "Code": [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ],
}

# Message -> its fields, each "number name type". `repeated` stands before the type, `| oneof` behind it; a map's type
# is map<key,value>. A message with a dot in its name is nested.
MESSAGES: dict[str, list[str]] = {
    "BundleHeaderProto": ["1 num_shards int32", "2 endianness Endianness", "3 version VersionDef"],
    "BundleEntryProto": [
        "1 dtype DataType",
        "2 shape TensorShapeProto",
        "3 shard_id int32",
        "4 offset int64",
        "5 size int64",
        "6 crc32c fixed32",
        "7 slices repeated TensorSliceProto",
    ],
    "TensorSliceProto": ["1 extent repeated TensorSliceProto.Extent"],
    "TensorSliceProto.Extent": ["1 start int64", "2 length int64 | has_length_hack"],
    "CheckpointState": [
        "1 model_checkpoint_path string",
        "2 all_model_checkpoint_paths repeated string",
        "3 all_model_checkpoint_timestamps repeated double",
        "4 last_preserved_timestamp double",
    ],
    "SavedModel": ["1 saved_model_schema_version int64", "2 meta_graphs repeated MetaGraphDef"],
    "FingerprintDef": [
        "1 saved_model_checksum uint64",
        "2 graph_def_program_hash uint64",
        "3 signature_def_hash uint64",
        "4 saved_object_graph_hash uint64",
        "5 checkpoint_hash uint64",
        "6 version VersionDef",
        "7 uuid string",
    ],
    "XSpace": ["1 planes repeated XPlane", "2 errors repeated string", "3 warnings repeated string"]
    + ["4 hostnames repeated string"],
    "XPlane": [
        "1 id int64",
        "2 name string",
        "3 lines repeated XLine",
        "4 event_metadata map<int64, XEventMetadata>",
        "5 stat_metadata map<int64, XStatMetadata>",
        "6 stats repeated XStat",
    ],
    "XLine": [
        "1 id int64",
        "2 name string",
        "3 timestamp_ns int64",
        "4 events repeated XEvent",
        "9 duration_ps int64",
        "10 display_id int64",
        "11 display_name string",
    ],
    "XEvent": [
        "1 metadata_id int64",
        "2 offset_ps int64 | data",
        "3 duration_ps int64",
        "4 stats repeated XStat",
        "5 num_occurrences int64 | data",
    ],
    "XStat": [
        "1 metadata_id int64",
        "2 double_value double | value",
        "3 uint64_value uint64 | value",
        "4 int64_value int64 | value",
        "5 str_value string | value",
        "6 bytes_value bytes | value",
        "7 ref_value uint64 | value",
    ],
    "XEventMetadata": [
        "1 id int64",
        "2 name string",
        "3 metadata bytes",
        "4 display_name string",
        "5 stats repeated XStat",
        "6 child_id repeated int64",
    ],
    "XStatMetadata": ["1 id int64", "2 name string", "3 description string"],
    "NamedTensorProto": ["1 name string", "2 tensor TensorProto"],
    "BytesList": ["1 value repeated bytes"],
    "FloatList": ["1 value repeated float"],
    "Int64List": ["1 value repeated int64"],
    "Feature": ["1 bytes_list BytesList | kind", "2 float_list FloatList | kind", "3 int64_list Int64List | kind"],
    "Features": ["1 feature map<string, Feature>"],
    "FeatureList": ["1 feature repeated Feature"],
    "FeatureLists": ["1 feature_list map<string, FeatureList>"],
    "Example": ["1 features Features"],
    "SequenceExample": ["1 context Features", "2 feature_lists FeatureLists"],
    "QueueRunnerDef": [
        "1 queue_name string",
        "2 enqueue_op_name repeated string",
        "3 close_op_name string",
        "4 cancel_op_name string",
        "5 queue_closed_exception_types repeated Code",
    ],
    "ValuesDef": ["1 values repeated string", "2 external_values map<string, string>"],
    "ControlFlowContextDef": ["1 cond_ctxt CondContextDef | ctxt", "2 while_ctxt WhileContextDef | ctxt"],
    "CondContextDef": [
        "1 context_name string",
        "2 pred_name string",
        "3 pivot_name string",
        "4 branch int32",
        "5 values_def ValuesDef",
        "6 nested_contexts repeated ControlFlowContextDef",
    ],
    "WhileContextDef": [
        "1 context_name string",
        "2 parallel_iterations int32",
        "3 back_prop bool",
        "4 swap_memory bool",
        "5 pivot_name string",
        "6 pivot_for_pred_name string",
        "7 pivot_for_body_name string",
        "8 loop_exit_names repeated string",
        "9 values_def ValuesDef",
        "10 loop_enter_names repeated string",
        "11 maximum_iterations_name string",
        "12 nested_contexts repeated ControlFlowContextDef",
    ],
    "InterconnectLink": ["1 device_id int32", "2 type string", "3 strength int32"],
    "LocalLinks": ["1 link repeated InterconnectLink"],
    "DeviceLocality": ["1 bus_id int32", "2 numa_node int32", "3 links LocalLinks"],
    "DeviceAttributes": [
        "1 name string",
        "2 device_type string",
        "4 memory_limit int64",
        "5 locality DeviceLocality",
        "6 incarnation fixed64",
        "7 physical_device_desc string",
        "8 xla_global_id int64",
    ],
    "TaskDeviceFilters": ["1 device_filters repeated string"],
    "JobDeviceFilters": ["1 name string", "2 tasks map<int32, TaskDeviceFilters>"],
    "ClusterDeviceFilters": ["1 jobs repeated JobDeviceFilters"],
    "ServerDef": [
        "1 cluster ClusterDef",
        "2 job_name string",
        "3 task_index int32",
        "4 default_session_config ConfigProto",
        "5 protocol string",
        "6 port int32",
        "7 cluster_device_filters ClusterDeviceFilters",
        "8 replica int32",
    ],
}


def _set_type(field: Any, type_name: str) -> None:
    """Set a field's type from its name in the description."""
    if type_name in _SCALARS:
        field.type = _SCALARS[type_name]
        return
    imported = type_name in _IMPORTED_MESSAGES or type_name in _IMPORTED_ENUMS
    field.type = _Field.TYPE_ENUM if type_name in ENUMS or type_name in _IMPORTED_ENUMS else _Field.TYPE_MESSAGE
    field.type_name = f".{'tensorboard' if imported else _PACKAGE}.{type_name}"


def _add_field(message: Any, full_name: str, description: str) -> None:
    """Add one field to a message's descriptor; a map also adds its entry message."""
    number, name, type_name = description.split(" ", 2)
    type_name, _, oneof = type_name.partition(" | ")
    field = message.field.add(name=name, number=int(number), label=_Field.LABEL_OPTIONAL)
    if type_name.startswith("map<"):
        entry_name = "".join(word.capitalize() for word in name.split("_")) + "Entry"
        entry = message.nested_type.add(name=entry_name)
        entry.options.map_entry = True
        key_type, value_type = type_name[len("map<") : -1].split(", ")
        _add_field(entry, f"{full_name}.{entry_name}", f"1 key {key_type}")
        _add_field(entry, f"{full_name}.{entry_name}", f"2 value {value_type}")
        field.label = _Field.LABEL_REPEATED
        type_name = f"{full_name}.{entry_name}"
    elif type_name.startswith("repeated "):
        field.label = _Field.LABEL_REPEATED
        type_name = type_name.removeprefix("repeated ")
    elif oneof:
        if oneof not in [declared.name for declared in message.oneof_decl]:
            message.oneof_decl.add(name=oneof)
        field.oneof_index = [declared.name for declared in message.oneof_decl].index(oneof)
    _set_type(field, type_name)


def _file_descriptor() -> Any:
    """Describe all messages and enumerations above as one proto3 file."""
    file = descriptor_pb2.FileDescriptorProto(name="penstock/formats/messages.proto", package=_PACKAGE, syntax="proto3")
    for module in sorted({*_IMPORTED_MESSAGES.values(), *_IMPORTED_ENUMS.values()}):
        file.dependency.append(importlib.import_module(f"tensorboard.compat.proto.{module}").DESCRIPTOR.name)
    for name, values in ENUMS.items():
        enum = file.enum_type.add(name=name)
        for number, value in enumerate(values):
            enum.value.add(name=value, number=number)
    by_name: dict[str, Any] = {}
    for full_name, fields in MESSAGES.items():
        parent, _, name = full_name.rpartition(".")
        by_name[full_name] = by_name[parent].nested_type.add(name=name) if parent else file.message_type.add(name=name)
        for field in fields:
            _add_field(by_name[full_name], full_name, field)
    return file


def build() -> dict[str, Any]:
    """Register the messages with protobuf's default pool.

    Returns:
        Message class by name, for the messages that are not nested in another.
    """
    pool = descriptor_pool.Default()
    file = pool.AddSerializedFile(_file_descriptor().SerializeToString())
    return {
        name: message_factory.GetMessageClass(descriptor) for name, descriptor in file.message_types_by_name.items()
    }
