from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def run(program: str, tmp_path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    path = tmp_path / "program.py"
    path.write_text(program)
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "penstock.alias", *options, str(path), "argument"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200, check=False)


def test_a_program_of_tensorflow_2_runs_unmodified(tmp_path: Path) -> None:
    program = """
import sys
import tensorflow as tf
import tensorflow.io.gfile as gfile
from tensorflow.python.framework import tensor_util
from tensorflow.python.ops import math_ops
from tensorflow.compat import v1
assert tf.__version__.startswith("2."), tf.__version__
assert tf.executing_eagerly() and sys.argv[1:] == ["argument"]
assert gfile.exists(sys.argv[0]) and v1.Session and tensor_util.constant_value(tf.constant(1)) == 1
assert float(math_ops.reduce_sum([1.0, 2.0])) == 3.0
assert "tensorflow.python." in tf.Tensor.__module__
print(int(tf.constant(2) + 3))
"""
    done = run(program, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "5\n"


def test_a_program_of_tensorflow_1_runs_unmodified(tmp_path: Path) -> None:
    program = """
import tensorflow as tf
x = tf.placeholder(tf.float32)
with tf.Session() as session:
    print(session.run(x * 2, {x: 4}))
"""
    done = run(program, tmp_path, "--v1")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "8.0\n"


def test_modules_that_do_not_exist_are_not_found(tmp_path: Path) -> None:
    done = run("import tensorflow.absent", tmp_path)
    assert done.returncode != 0 and "No module named 'tensorflow.absent'" in done.stderr


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "penstock.alias", str(tmp_path / "absent.py")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200, check=False)
    assert "absent.py" in done.stderr and done.returncode != 0


def test_another_module_under_the_name_is_left_alone(tmp_path: Path) -> None:
    program = """
import sys, types
sys.modules["tensorflow"] = types.ModuleType("tensorflow")
import penstock.alias
try:
    penstock.alias.install()
except ImportError as error:
    print(error)
"""
    path = tmp_path / "program.py"
    path.write_text(program)
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run([sys.executable, str(path)], env=environment, capture_output=True, text=True, timeout=200)
    assert "TensorFlow itself was imported" in done.stdout


@pytest.mark.parametrize("face", ["v3", ""])
def test_there_are_two_faces(face: str) -> None:
    from penstock.alias import install

    with pytest.raises(ValueError, match="'v1' or 'v2'"):
        install(face)


def test_stand_ins_of_internals_do_what_they_say() -> None:
    from penstock.alias import stand_ins
    from penstock.core import context
    from penstock.ops.sparse.densifying import from_dense, to_dense
    from penstock.runtime.config.execution import enable_op_determinism

    assert not stand_ins.is_op_determinism_enabled()
    enable_op_determinism()
    try:
        assert stand_ins.is_op_determinism_enabled()
    finally:
        stand_ins.disable_op_determinism()
    with context.eager_mode():
        a = from_dense([[1.0, 0.0], [0.0, 2.0]])
        matrix = stand_ins.sparse_tensor_to_csr(a.indices, a.values, a.dense_shape)
        product = stand_ins.csr_to_sparse_tensor(stand_ins.sparse_product(matrix, matrix, "float32"), "float32")
        assert to_dense(product).numpy().tolist() == [[1.0, 0.0], [0.0, 4.0]]
