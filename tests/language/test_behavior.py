"""Which TensorFlow a process behaves as, decided by what it imports and calls. Each case is a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest


def run(program: str) -> str:
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.mark.parametrize(
    ("program", "printed"),
    [
        ("import penstock as tf; print(tf.executing_eagerly(), tf.constant(1).numpy())", "True 1"),
        ("import penstock.v1 as tf; print(tf.executing_eagerly(), tf.constant(1).name)", "False Const:0"),
        ("import penstock.compat.v1 as tf; print(tf.executing_eagerly(), tf.constant(1).name)", "False Const:0"),
        (
            "import penstock as tf; print(tf.compat.v1.executing_eagerly(), tf.compat.v1.Session.__name__)",
            "True Session",
        ),
        ("import penstock.compat.v1 as v1; import penstock as tf; print(tf.constant(1).numpy())", "1"),
        ("import penstock.v1 as tf; tf.enable_eager_execution(); print(tf.constant(1).numpy())", "1"),
        ("import penstock as tf; tf.compat.v1.disable_v2_behavior(); print(tf.constant(1).name)", "Const:0"),
        ("import penstock.v1 as tf; print(type(tf.zeros([2, 3]).shape[0]).__name__)", "Dimension"),
        ("import penstock as tf; print(type(tf.zeros([2, 3]).shape[0]).__name__)", "int"),
        ("import penstock.v1 as tf; print(tf.Variable(1.0, name='w').op.type)", "VariableV2"),
    ],
)
def test_the_process_behaves_as_the_face_it_uses(program, printed):
    assert run(program) == printed


def test_eager_execution_cannot_be_enabled_after_a_graph_was_begun():
    program = """
import penstock.v1 as tf
tf.constant(1)
try:
    tf.enable_eager_execution()
except ValueError as error:
    print(error)
"""
    assert "program startup" in run(program)


def test_asking_for_a_name_that_is_missing_changes_nothing():
    assert run("import penstock.v1 as tf; print(hasattr(tf, 'no_such_name'), tf.executing_eagerly())") == "False False"
    assert run("import penstock as tf; print(hasattr(tf, 'placeholder'), tf.executing_eagerly())") == "False True"
