"""What stands for the names outside TensorFlow's public face that programs, and Keras, import all the same.

`NAMES` gives, for a module, names of its own: `"module:attribute"`, or `"module:"` for a module itself. Most modules
need none, since most of `tensorflow.python` repeats the public face.
"""

from __future__ import annotations

import re

ROOT_NAMES = {"keras": "penstock.keras:", "examples": "tensorflow.examples:", "core": "tensorflow.core:"}

NAMES: dict[str, dict[str, str]] = {
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
    "tensorflow.examples": {},
    "tensorflow.examples.tutorials": {},
    "tensorflow.examples.tutorials.mnist": {
        "input_data": "penstock.examples.tutorials.mnist.input_data:",
    },
    "tensorflow.contrib.rnn.python.ops.core_rnn_cell": {"_linear": "penstock.contrib.rnn_cells:linear"},
    "tensorflow.contrib.rnn.python.ops.core_rnn_cell_impl": {"_linear": "penstock.contrib.rnn_cells:linear"},
    "tensorflow.experimental.dtensor": {},
    "tensorflow.python": {"keras": "penstock.keras:"},
    "tensorflow.python.checkpoint.checkpoint": {"Checkpoint": "penstock.train.checkpoint:Checkpoint"},
    "tensorflow.python.client.device_lib": {"list_local_devices": "penstock.alias.stand_ins:list_local_devices"},
    "tensorflow.python.client.session": {"BaseSession": "penstock.runtime.session:BaseSession"},
    "tensorflow.python.client.timeline": {"Timeline": "penstock.runtime.timeline:Timeline"},
    "tensorflow.python.data.ops.dataset_ops": {
        "Dataset": "penstock.data.dataset:Dataset",
        "DatasetV1": "penstock.data.v1:DatasetV1",
        "DatasetV2": "penstock.data.dataset:Dataset",
        "make_one_shot_iterator": "penstock.data.v1:make_one_shot_iterator",
    },
    "tensorflow.python.data.ops.iterator_ops": {
        "Iterator": "penstock.data.iterator:GraphIterator",
        "OwnedIterator": "penstock.data.iterator:OwnedIterator",
    },
    "tensorflow.python.eager.context": {
        "async_wait": "penstock.alias.stand_ins:async_wait",
        "context": "penstock.alias.stand_ins:context",
        "eager_mode": "penstock.core.context:eager_mode",
        "executing_eagerly": "penstock.core.context:executing_eagerly",
        "graph_mode": "penstock.alias.stand_ins:graph_mode",
        "num_gpus": "penstock.alias.stand_ins:num_gpus",
        "_reset_context": "penstock.alias.stand_ins:async_wait",
    },
    "tensorflow.python.eager.def_function": {"function": "penstock.language.function:function"},
    "tensorflow.python.framework.composite_tensor": {"CompositeTensor": "penstock.core.type_spec:CompositeTensor"},
    "tensorflow.python.framework.config": {
        "disable_op_determinism": "penstock.alias.stand_ins:disable_op_determinism",
        "enable_op_determinism": "penstock.runtime.config.execution:enable_op_determinism",
        "is_op_determinism_enabled": "penstock.alias.stand_ins:is_op_determinism_enabled",
    },
    "tensorflow.python.framework.convert_to_constants": {
        "convert_variables_to_constants_v2": "penstock.language.function.wrapping:convert_variables_to_constants_v2",
    },
    "tensorflow.python.framework.func_graph": {"FuncGraph": "penstock.core.func_graph:FuncGraph"},
    "tensorflow.python.framework.function": {"Defun": "penstock.language.defun:Defun"},
    "tensorflow.python.framework.graph_io": {
        "write_graph": "penstock.graphs.files:write_graph",
    },
    "tensorflow.python.framework.meta_graph": {
        "read_meta_graph_file": "penstock.train.meta_graph_import:read_meta_graph_file",
    },
    "tensorflow.python.framework.ops": {
        "EagerTensor": "penstock.core.tensor:EagerTensor",
        "SymbolicTensor": "penstock.core.tensor:SymbolicTensor",
        "convert_to_tensor": "penstock.language.graph_functions:convert_to_tensor",
        "executing_eagerly_outside_functions": "penstock.language.init_scope:executing_eagerly_outside_functions",
        "get_name_scope": "penstock.alias.stand_ins:get_name_scope",
    },
    "tensorflow.python.framework.random_seed": {"get_seed": "penstock.ops.random.seeds:get_seed"},
    "tensorflow.python.framework.smart_cond": {
        "smart_cond": "penstock.language.smart_cond:smart_cond",
        "smart_constant_value": "penstock.language.smart_cond:smart_constant_value",
    },
    "tensorflow.python.framework.tensor_shape": {
        "as_shape": "penstock.core.shape:as_shape",
        "unknown_shape": "penstock.alias.stand_ins:unknown_shape",
        "matrix": "penstock.alias.stand_ins:matrix_shape",
        "scalar": "penstock.alias.stand_ins:scalar_shape",
        "vector": "penstock.alias.stand_ins:vector_shape",
    },
    "tensorflow.python.framework.tensor_util": {
        "constant_value": "penstock.core.inference:constant_value",
        "is_tensor": "penstock.language.graph_functions:is_tensor",
        "is_tf_type": "penstock.language.graph_functions:is_tensor",
        "MakeNdarray": "penstock.language.tensor_protos:make_ndarray",
    },
    "tensorflow.python.framework.test_util": {
        "TensorFlowTestCase": "penstock.testing.test_case:TestCase",
    },
    "tensorflow.python.framework.type_spec_registry": {
        "get_name": "penstock.alias.stand_ins:type_spec_name",
        "lookup": "penstock.alias.stand_ins:type_spec_of_name",
    },
    "tensorflow.python.layers.utils": {
        "constant_value": "penstock.language.smart_cond:smart_constant_value",
        "smart_cond": "penstock.language.smart_cond:smart_cond",
    },
    "tensorflow.python.lib.io.file_io": {
        "FileIO": "penstock.platform.gfile:GFile",
        "copy": "penstock.platform.gfile:copy",
        "create_dir": "penstock.platform.gfile:mkdir",
        "delete_file": "penstock.platform.gfile:remove",
        "delete_recursively": "penstock.platform.gfile:rmtree",
        "file_exists": "penstock.platform.gfile:exists",
        "get_matching_files": "penstock.platform.gfile:glob",
        "is_directory": "penstock.platform.gfile:isdir",
        "list_directory": "penstock.platform.gfile:listdir",
        "recursive_create_dir": "penstock.platform.gfile:makedirs",
        "rename": "penstock.platform.gfile:rename",
        "stat": "penstock.platform.gfile:stat",
        "walk": "penstock.platform.gfile:walk",
        "read_file_to_string": "penstock.alias.stand_ins:read_file_to_string",
        "write_string_to_file": "penstock.alias.stand_ins:write_string_to_file",
    },
    "tensorflow.python.lib.io.tf_record": {
        "tf_record_iterator": "penstock.platform.tf_record:tf_record_iterator",
        "TFRecordCompressionType": "penstock.platform.tf_record:TFRecordCompressionType",
        "TFRecordOptions": "penstock.platform.tf_record:TFRecordOptions",
        "TFRecordWriter": "penstock.platform.tf_record:TFRecordWriter",
    },
    "tensorflow.python.ops.control_flow_ops": {
        "with_dependencies": "penstock.language.control_flow:with_dependencies",
    },
    "tensorflow.python.ops.init_ops": {
        "Initializer": "penstock.ops.initializers_v1:Initializer",
    },
    "tensorflow.python.ops.linalg.sparse.sparse_csr_matrix_ops": {
        "csr_sparse_matrix_to_sparse_tensor": "penstock.alias.stand_ins:csr_to_sparse_tensor",
        "sparse_matrix_sparse_mat_mul": "penstock.alias.stand_ins:sparse_product",
        "sparse_tensor_to_csr_sparse_matrix": "penstock.alias.stand_ins:sparse_tensor_to_csr",
    },
    "tensorflow.python.ops.lookup_ops": {
        "HashTable": "penstock.language.lookup:StaticHashTable",
        "index_table_from_tensor": "penstock.contrib.lookup:index_table_from_tensor",
        "index_table_from_file": "penstock.contrib.lookup:index_table_from_file",
        "index_to_string_table_from_file": "penstock.contrib.lookup:index_to_string_table_from_file",
        "index_to_string_table_from_tensor": "penstock.contrib.lookup:index_to_string_table_from_tensor",
    },
    "tensorflow.python.ops.math_ops": {"is_nan": "penstock.ops.math.unary:is_nan"},
    "tensorflow.python.ops.resource_variable_ops": {
        "ResourceVariable": "penstock.language.resource_variable:ResourceVariable",
        "is_resource_variable": "penstock.alias.stand_ins:is_resource_variable",
    },
    "tensorflow.python.ops.rnn_cell_impl": {"_linear": "penstock.contrib.rnn_cells:linear"},
    "tensorflow.python.platform": {
        "app": "penstock.platform.app:",
        "flags": "penstock.platform.flags:",
        "gfile": "penstock.platform.gfile:",
        "tf_logging": "penstock.platform.logging:",
    },
    "tensorflow.python.summary.summary_iterator": {
        "summary_iterator": "penstock.summary.iterator:summary_iterator",
    },
    "tensorflow.python.tools.freeze_graph": {
        "freeze_graph": "penstock.train.freeze_graph:freeze_graph",
    },
    "tensorflow.python.tools.inspect_checkpoint": {
        "print_tensors_in_checkpoint_file": "penstock.train.checkpoint_utils:print_tensors_in_checkpoint_file",
    },
    "tensorflow.python.trackable.autotrackable": {
        "AutoTrackable": "penstock.language.trackable:AutoTrackable",
    },
    "tensorflow.python.trackable.base": {
        "Trackable": "penstock.language.trackable:Trackable",
    },
    "tensorflow.python.trackable.data_structures": {
        "ListWrapper": "penstock.language.trackable:ListWrapper",
        "_DictWrapper": "penstock.language.trackable:DictWrapper",
    },
    "tensorflow.python.training.checkpoint_utils": {
        "NewCheckpointReader": "penstock.train.checkpoint_utils:NewCheckpointReader",
    },
    "tensorflow.python.training.moving_averages": {
        "assign_moving_average": "penstock.train.moving_averages:assign_moving_average",
    },
    "tensorflow.python.training.py_checkpoint_reader": {
        "NewCheckpointReader": "penstock.train.checkpoint_utils:NewCheckpointReader",
    },
    "tensorflow.python.training.slot_creator": {
        "create_slot": "penstock.train.slot_creator:create_slot",
        "create_slot_with_initializer": "penstock.train.slot_creator:create_slot_with_initializer",
        "create_zeros_slot": "penstock.train.slot_creator:create_zeros_slot",
    },
    "tensorflow.python.training.tracking.base": {
        "Trackable": "penstock.language.trackable:Trackable",
    },
    "tensorflow.python.training.tracking.util": {
        "Checkpoint": "penstock.train.checkpoint:Checkpoint",
    },
    "tensorflow.python.util.deprecation": {
        "deprecated": "penstock.alias.stand_ins:deprecated",
        "deprecated_args": "penstock.alias.stand_ins:deprecated",
        "silence": "penstock.alias.stand_ins:silence",
    },
    "tensorflow.python.util.tf_contextlib": {"contextmanager": "contextlib:contextmanager"},
    "tensorflow.python.util.tf_decorator": {
        "unwrap": "penstock.alias.stand_ins:unwrap",
        "make_decorator": "penstock.alias.stand_ins:make_decorator",
    },
    "tensorflow.python.util.tf_export": {
        "keras_export": "penstock.alias.stand_ins:export",
        "tf_export": "penstock.alias.stand_ins:export",
    },
}

# Modules that have no names of their own here, by package: all that is asked of them comes from the fallbacks.
PACKAGES: dict[str, str] = {
    "tensorflow.core": "example framework profiler protobuf util",
    "tensorflow.core.example": "example_pb2 feature_pb2",
    "tensorflow.core.framework": (
        "attr_value_pb2 cost_graph_pb2 device_attributes_pb2 function_pb2 graph_pb2 node_def_pb2 op_def_pb2 "
        "step_stats_pb2 summary_pb2 tensor_description_pb2 tensor_pb2 tensor_shape_pb2 types_pb2 variable_pb2 "
        "versions_pb2"
    ),
    "tensorflow.core.protobuf": (
        "cluster_pb2 config_pb2 meta_graph_pb2 queue_runner_pb2 rewriter_config_pb2 saved_model_pb2 "
        "saved_object_graph_pb2 saver_pb2 struct_pb2 tensorflow_server_pb2 trackable_object_graph_pb2"
    ),
    "tensorflow.core.util": "event_pb2",
    "tensorflow.python": (
        "checkpoint client compat data distribute eager feature_column framework layers lib module ops platform "
        "saved_model summary tools trackable training util"
    ),
    "tensorflow.python.checkpoint": "checkpoint checkpoint_management checkpoint_options",
    "tensorflow.python.client": "client_lib device_lib session timeline",
    "tensorflow.python.compat": "compat v2_compat",
    "tensorflow.python.data": "experimental ops util",
    "tensorflow.python.data.experimental": "ops",
    "tensorflow.python.data.experimental.ops": "distribute",
    "tensorflow.python.data.ops": "dataset_ops iterator_ops options readers",
    "tensorflow.python.data.util": "nest",
    "tensorflow.python.distribute": "distribute_lib distribution_strategy_context values",
    "tensorflow.python.eager": "backprop context def_function function tape",
    "tensorflow.python.framework": (
        "common_shapes composite_tensor config constant_op device device_spec dtypes errors errors_impl "
        "extension_type func_graph function graph_io graph_util graph_util_impl importer indexed_slices "
        "load_library meta_graph ops random_seed smart_cond sparse_tensor tensor tensor_conversion tensor_shape "
        "tensor_spec tensor_util test_util type_spec type_spec_registry versions"
    ),
    "tensorflow.python.layers": "base convolutional core layers normalization pooling utils",
    "tensorflow.python.lib": "io",
    "tensorflow.python.lib.io": "file_io python_io tf_record",
    "tensorflow.python.module": "module",
    "tensorflow.python.ops": (
        "array_ops array_ops_stack bincount_ops bitwise_ops candidate_sampling_ops check_ops clip_ops cond "
        "confusion_matrix control_flow_assert control_flow_case control_flow_ops control_flow_switch_case ctc_ops "
        "custom_gradient data_flow_ops distributions embedding_ops functional_ops gen_array_ops gen_bitwise_ops "
        "gen_candidate_sampling_ops gen_control_flow_ops gen_ctc_ops gen_data_flow_ops gen_functional_ops "
        "gen_image_ops gen_io_ops gen_linalg_ops gen_list_ops gen_logging_ops gen_lookup_ops gen_math_ops "
        "gen_nn_ops gen_parsing_ops gen_random_ops gen_resource_variable_ops gen_rnn_ops gen_script_ops "
        "gen_set_ops gen_sparse_ops gen_spectral_ops gen_state_ops gen_stateless_random_ops gen_string_ops "
        "gen_training_ops gradient_checker gradients gradients_impl gradients_util histogram_ops image_ops "
        "image_ops_impl init_ops init_ops_v2 inplace_ops io_ops linalg linalg_ops linalg_ops_impl list_ops "
        "logging_ops lookup_ops losses manip_ops map_fn math_ops metrics metrics_impl nn nn_impl nn_ops numpy_ops "
        "parsing_ops partitioned_variables ragged random_ops ref_variable resource_variable_ops rnn rnn_cell "
        "rnn_cell_impl script_ops sets sets_impl shape_util signal sort_ops sparse_ops special_math_ops "
        "spectral_ops standard_ops state_ops string_ops template tensor_array_ops tensor_math_operator_overrides "
        "unconnected_gradients variable_scope variable_v1 variables vectorized_map weights_broadcast_ops "
        "while_loop"
    ),
    "tensorflow.python.ops.linalg": "linalg linalg_impl linear_operator sparse",
    "tensorflow.python.ops.linalg.sparse": "sparse_csr_matrix_ops",
    "tensorflow.python.ops.losses": "losses losses_impl util",
    "tensorflow.python.ops.ragged": "ragged_factory_ops ragged_math_ops ragged_tensor ragged_tensor_shape",
    "tensorflow.python.ops.signal": (
        "dct_ops fft_ops mel_ops mfcc_ops reconstruction_ops shape_ops signal spectral_ops window_ops"
    ),
    "tensorflow.python.platform": "app build_info flags gfile googletest resource_loader sysconfig test tf_logging",
    "tensorflow.python.saved_model": (
        "builder builder_impl load loader loader_impl main_op save saved_model signature_constants "
        "signature_def_utils signature_def_utils_impl simple_save tag_constants utils utils_impl"
    ),
    "tensorflow.python.summary": "summary summary_iterator writer",
    "tensorflow.python.summary.writer": "writer writer_cache",
    "tensorflow.python.tools": "freeze_graph inspect_checkpoint",
    "tensorflow.python.trackable": "autotrackable base data_structures",
    "tensorflow.python.training": (
        "adadelta adagrad adagrad_da adam basic_loops basic_session_run_hooks checkpoint_management checkpoint_utils "
        "coordinator ftrl gradient_descent input learning_rate_decay momentum monitored_session moving_averages "
        "optimizer proximal_adagrad proximal_gradient_descent py_checkpoint_reader queue_runner queue_runner_impl "
        "rmsprop saver session_manager session_run_hook slot_creator summary_io supervisor sync_replicas_optimizer "
        "tracking training training_ops training_util"
    ),
    "tensorflow.python.training.tracking": "base data_structures tracking util",
    "tensorflow.python.util": (
        "compat deprecation dispatch nest object_identity tf_contextlib tf_decorator tf_export tf_inspect tf_should_use"
    ),
}

# Where names of `tensorflow.python` modules are looked up that `NAMES` does not have, by the last part of the module's
# name or the part before it; the face of TensorFlow 1 comes last, as it has nearly everything.
FALLBACKS: dict[str, tuple[str, ...]] = {
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
    "gfile": ("penstock.v1.gfile",),
    "graph_util": ("penstock.v1.graph_util",),
    "graph_util_impl": ("penstock.v1.graph_util",),
    "array_ops": ("penstock.v1.manip",),
    "base": ("penstock.v1.layers",),
    "app": ("penstock.platform.app",),
    "compat": ("penstock.compat",),
    "flags": ("penstock.platform.flags",),
    "googletest": ("penstock.v1.test",),
    "resource_loader": ("penstock.v1.resource_loader",),
    "signature_def_utils": ("penstock.v1.saved_model.signature_def_utils",),
    "signature_def_utils_impl": ("penstock.v1.saved_model.signature_def_utils",),
    "sysconfig": ("penstock.v1.sysconfig",),
    "tf_logging": ("penstock.platform.logging",),
    "training_ops": ("penstock.v1.raw_ops",),
    "util": ("penstock.v1.losses",),
    "core": ("penstock.v1.layers",),
    "convolutional": ("penstock.v1.layers",),
    "ctc_ops": ("penstock.v1.nn",),
    "embedding_ops": ("penstock.v1.nn",),
    "candidate_sampling_ops": ("penstock.v1.nn",),
    "image_ops_impl": ("penstock.v1.image",),
    "linalg": ("penstock.v1.linalg",),
    "linalg_impl": ("penstock.v1.linalg",),
    "lookup_ops": ("penstock.v1.lookup",),
    "losses_impl": ("penstock.v1.losses",),
    "metrics": ("penstock.v1.metrics",),
    "metrics_impl": ("penstock.v1.metrics",),
    "normalization": ("penstock.v1.layers",),
    "parsing_ops": ("penstock.v1.io",),
    "pooling": ("penstock.v1.layers",),
    "python_io": ("penstock.v1.python_io",),
    "ragged_factory_ops": ("penstock.v1.ragged",),
    "ragged_math_ops": ("penstock.v1.ragged",),
    "ragged_tensor": ("penstock.v1.ragged",),
    "rnn": ("penstock.v1.nn",),
    "rnn_cell": ("penstock.v1.nn.rnn_cell",),
    "rnn_cell_impl": ("penstock.v1.nn.rnn_cell",),
    "saved_model": ("penstock.v1.saved_model",),
    "sets": ("penstock.v1.sets",),
    "sets_impl": ("penstock.v1.sets",),
    "sparse_ops": ("penstock.v1.sparse",),
    "spectral_ops": ("penstock.v1.signal",),
    "tf_inspect": ("inspect",),
    "unconnected_gradients": ("penstock.v1",),
    "writer": ("penstock.v1.summary",),
    "test": ("penstock.v1.test",),
}

# The files in which the packages of tf.contrib define what they export.
CONTRIB_INTERNALS = re.compile(r"tensorflow\.contrib\.(\w+)\.python(?:\.|$)")

_BY_GROUP = {"signal": "penstock.v1.signal", "training": "penstock.v1.train", "layers": "penstock.v1.layers"}


def modules() -> set[str]:
    """Return the dotted names of all modules."""
    listed = {f"{package}.{name}" for package, names in PACKAGES.items() for name in names.split()}
    return listed.union(NAMES, PACKAGES)


def fallbacks(module: str) -> tuple[str, ...]:
    """Return the modules of Penstock in which the names of one of TensorFlow's are looked up, in order.

    Args:
        module: a dotted name below `tensorflow.python`, or within one of the packages of `tensorflow.contrib`.
    """
    if internals := CONTRIB_INTERNALS.match(module):
        return (f"penstock.v1.contrib.{internals[1]}", "penstock.compat.v1")
    *_, group, last = module.split(".")
    return (*FALLBACKS.get(last, ()), *((_BY_GROUP[group],) if group in _BY_GROUP else ()), "penstock.compat.v1")
