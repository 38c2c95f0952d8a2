"""The tables of modules outside TensorFlow's public face, in processes of their own, as the name is a process's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
START = """
import importlib, sys
from penstock.alias import install, internal, tables
install("v1")
"""
ALL = """
for module, names in tables.NAMES.items():
    for name, target in names.items():
        assert internal.resolve(target) is not None, (module, name)
for name in sorted(tables.modules()):
    assert importlib.import_module(name) is not None, name
"""
MISTAKES = """
try:
    from tensorflow.python.ops.array_ops import no_such_function
except ImportError as error:
    assert "array_ops" in str(error)
else:
    raise AssertionError
try:
    importlib.import_module("tensorflow.python.ops.no_such_module")
except ModuleNotFoundError:
    pass
else:
    raise AssertionError
"""
GENERATED = """
generated = importlib.import_module("tensorflow.python.ops.gen_math_ops")
ops = importlib.import_module("tensorflow.python.framework.ops")
with ops.Graph().as_default():
    product = generated.mat_mul([[1.0, 2.0]], [[3.0, 4.0]], transpose_b=True)
    assert product.op.type == "MatMul" and product.shape.as_list() == [1, 1]
    try:
        generated.mat_mul([[1.0]], [[1.0]], True)
    except TypeError as error:
        assert "attributes by keyword" in str(error)
    else:
        raise AssertionError
"""


def run(program: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, "-c", START + program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("program", [ALL, MISTAKES, GENERATED], ids=["all", "mistakes", "generated operations"])
def test_the_tables_hold_what_they_say(program):
    run(program)


NAMES = [
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
]


def test_what_programs_import_of_internals_is_there():
    checks = (
        f"found = importlib.import_module('tensorflow.{m}')\n"
        f"assert not [name for name in {n.split()} if not hasattr(found, name)], '{m}'\n"
        for m, n in NAMES
    )
    run("".join(checks))
