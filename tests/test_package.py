"""What importing the package does, and does not do."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


def output(program: str, **environment: str) -> str:
    env = {**{k: v for k, v in os.environ.items() if k != "GOMP_SPINCOUNT"}, **environment}
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, env=env, check=True
    )
    return result.stdout.strip()


def test_importing_the_package_alone_loads_no_kernels():
    assert output("import penstock, sys; print('torch' in sys.modules)") == "False"


def test_idle_threads_soon_sleep_unless_the_user_says_otherwise():
    program = "import penstock, os; print(os.environ['GOMP_SPINCOUNT'])"
    assert output(program) == "2000"
    assert output(program, GOMP_SPINCOUNT="7") == "7"


def test_a_name_that_does_not_exist_is_an_attribute_error():
    assert output("import penstock; print(hasattr(penstock, 'no_such_name'))") == "False"


FIRST = [
    "import penstock.v2",
    "import penstock.v1",
    "import penstock.data.dataset",
    "import penstock; penstock.constant",
]


@pytest.mark.parametrize("first", FIRST)
def test_names_of_rooms_mean_the_face(first):
    used = "tf.constant\nprint(tf.data.Dataset.__name__, tf.train.Checkpoint.__name__)"
    assert output(f"{first}\nimport penstock as tf\n{used}") == "DatasetV2 Checkpoint"
