"""The tables of modules outside TensorFlow's public face."""

from __future__ import annotations

import importlib

import pytest

from penstock.alias import install, internal, tables, uninstall


@pytest.fixture
def aliased():
    install("v1")
    yield
    uninstall()


def test_all_that_the_tables_name_is_there(aliased):
    missing = [
        (module, name)
        for module, names in tables.NAMES.items()
        for name, target in names.items()
        if internal.resolve(target) is None
    ]
    assert not missing


def test_every_module_can_be_imported_with_its_parents(aliased):
    for name in sorted(tables.modules()):
        assert importlib.import_module(name) is not None, name


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("python.client.timeline", "Timeline"),
        ("python.client.device_lib", "list_local_devices"),
        ("python.framework.ops", "Graph RegisterGradient name_scope convert_to_tensor get_default_graph"),
        ("python.framework.tensor_shape", "TensorShape as_shape unknown_shape"),
        ("python.framework.convert_to_constants", "convert_variables_to_constants_v2"),
        ("python.framework.graph_util", "convert_variables_to_constants extract_sub_graph"),
        ("python.layers.base", "Layer"),
        ("python.ops.array_ops", "concat placeholder shape zeros_like"),
        ("python.ops.control_flow_ops", "while_loop with_dependencies group"),
        ("python.ops.gen_nn_ops", "conv2d_backprop_input max_pool_grad fused_batch_norm_v3"),
        ("python.ops.nn_ops", "xw_plus_b bias_add softmax"),
        ("python.ops.rnn_cell_impl", "LSTMStateTuple RNNCell _linear"),
        ("python.ops.variable_scope", "get_variable VariableScope"),
        ("python.platform.gfile", "FastGFile Exists"),
        ("python.platform.tf_logging", "info set_verbosity INFO"),
        ("python.training.moving_averages", "assign_moving_average"),
        ("python.training.optimizer", "Optimizer"),
        ("python.util.compat", "as_str as_bytes"),
        ("python.util.nest", "flatten pack_sequence_as"),
        ("core.framework.types_pb2", "DT_FLOAT"),
        ("core.protobuf.config_pb2", "ConfigProto RunMetadata"),
        ("core.example.feature_pb2", "Feature Int64List"),
        ("contrib.rnn.python.ops.core_rnn_cell", "_linear LSTMCell"),
        ("contrib.framework.python.ops", "add_arg_scope arg_scope"),
    ],
)
def test_what_programs_import_of_internals_is_there(aliased, module, names):
    found = importlib.import_module(f"tensorflow.{module}")
    assert all(hasattr(found, name) for name in names.split())


def test_a_name_that_is_not_there_is_refused(aliased):
    with pytest.raises(ImportError, match="array_ops"):
        from tensorflow.python.ops.array_ops import no_such_function  # type: ignore[import-not-found]  # noqa: F401,TID251
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("tensorflow.python.ops.no_such_module")


def test_generated_operations_take_inputs_by_position(aliased):
    generated = importlib.import_module("tensorflow.python.ops.gen_math_ops")
    ops = importlib.import_module("tensorflow.python.framework.ops")
    with ops.Graph().as_default():
        product = generated.mat_mul([[1.0, 2.0]], [[3.0, 4.0]], transpose_b=True)
        assert product.op.type == "MatMul" and product.shape.as_list() == [1, 1]
        with pytest.raises(TypeError, match="attributes by keyword"):
            generated.mat_mul([[1.0]], [[1.0]], True)
