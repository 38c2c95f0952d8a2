"""What holds for every declared operation."""

from __future__ import annotations

import importlib.util
import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import penstock.ops  # noqa: F401  declares the operations
from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
from penstock.core.op_def import REQUIRED, registered
from penstock.testing.op_case import OpCase

HERE = Path(__file__).parent
SCHEMAS = HERE.parents[2] / "shared" / "api" / "ops.json"
OPERATIONS = {name: op for name, op in registered().items() if op.kernel.__module__.startswith("penstock.ops")}

# Operations whose calls cannot be one OpCase, and the tests that cover them instead.
COVERED_ELSEWHERE = {
    "Case": "tests/language/test_control_flow.py",
    "If": "tests/language/test_control_flow.py",
    "StatelessCase": "tests/language/test_control_flow.py",
    "StatelessIf": "tests/language/test_control_flow.py",
    "StatelessWhile": "tests/language/test_control_flow.py",
    "While": "tests/language/test_control_flow.py",
    "Placeholder": "tests/runtime/test_session.py",
    **dict.fromkeys(["_Recv", "_Send"], "tests/ops/test_rendezvous.py"),
    **dict.fromkeys(
        [
            "CloseSummaryWriter",
            "EncodedImages",
            "EncodedSounds",
            "FlushSummaryWriter",
            "HistogramBuckets",
            "WriteGraphSummary",
            "WriteRawProtoSummary",
            "WriteSummary",
        ],
        "tests/summary/test_v2.py",
    ),
    **dict.fromkeys(
        [
            "IteratorFromStringHandleV2",
            "IteratorGetNext",
            "IteratorGetNextAsOptional",
            "IteratorToStringHandle",
            "IteratorV2",
            "MakeIterator",
            "OptionalFromValue",
            "OptionalGetValue",
            "OptionalHasValue",
            "OptionalNone",
            "PipelineCall",
            "PipelineOneShotIterator",
        ],
        "tests/data",
    ),
    "DenseLabelsCTCLoss": "tests/ops/nn/test_ctc.py",
    "GatherTree": "tests/seq2seq/test_decoding.py",
}


@cache
def covered() -> set[str]:
    """Return the operations that some case or test under tests/ops names."""
    found: set[str] = set()
    for path in sorted(HERE.rglob("test_*.py")):
        if path == Path(__file__):
            continue
        spec = importlib.util.spec_from_file_location(f"cases_{path.stem}_{abs(hash(path))}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for value in vars(module).values():
            if isinstance(value, (list, tuple)):
                found.update(case.op.name for case in value if isinstance(case, OpCase))
        found.update(getattr(module, "COVERS", ()))
    return found


def test_every_operation_has_a_case():
    missing = sorted(set(OPERATIONS) - covered() - set(COVERED_ELSEWHERE))
    assert not missing, f"{len(missing)} operations without an OpCase (or an entry in their test's COVERS): {missing}"


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_operation_has_a_shape_rule(name):
    op = OPERATIONS[name]
    assert op.shape_rule is not None or not op.outputs, f"{name} has no shape rule"


# Operations that TensorFlow's registry lacks, and why they exist; graphs with them are for Penstock.
OWN = {
    "DenseLabelsCTCLoss": "labels of tf.nn.ctc_loss may hold the blank, which the operation CTCLoss refuses",
    "EncodedImages": "what a TensorFlow 2 image summary writes; TensorFlow composes it of a loop over images",
    "EncodedSounds": "what a TensorFlow 2 audio summary writes",
    "GatherTree": "TensorFlow 1 had it in contrib",
    "HistogramBuckets": "what a TensorFlow 2 histogram summary writes",
    "PipelineCall": "a dataset is a tree of Python nodes, which a graph sees as a variant",
    "PipelineOneShotIterator": "the same for its iterator",
}


@cache
def schemas() -> dict[str, dict]:
    if not SCHEMAS.exists():
        pytest.skip("the recorded schemas of TensorFlow's operations are not beside this repository")
    return {entry["op"]: entry for entry in json.loads(SCHEMAS.read_text())}


def describe(argument) -> tuple:
    dtype = None if argument.dtype is None else argument.dtype.as_datatype_enum
    return argument.name, dtype, argument.type_attr, argument.number_attr, argument.list_attr, argument.is_ref


def recorded(argument) -> tuple:
    dtype = argument.get("type")
    return (
        argument["name"],
        None if dtype is None else dtypes.as_dtype(dtype).as_datatype_enum,
        argument.get("type_attr"),
        argument.get("number_attr"),
        argument.get("type_list_attr"),
        argument.get("is_ref", False),
    )


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_schemas_are_tensorflows(name):
    theirs = schemas().get(name)
    if name in OWN:
        assert theirs is None, f"TensorFlow has an operation {name}: take its schema"
        return
    assert theirs is not None, f"TensorFlow has no operation {name}"
    ours = OPERATIONS[name]
    assert [describe(a) for a in ours.inputs] == [recorded(a) for a in theirs["in"]]
    assert [describe(a) for a in ours.outputs] == [recorded(a) for a in theirs["out"]]
    assert {n: a.kind for n, a in ours.attributes.items()} == {a["name"]: a["type"] for a in theirs["attrs"]}
    for attribute in theirs["attrs"]:
        assert (ours.attributes[attribute["name"]].default is REQUIRED) == ("default" not in attribute), attribute[
            "name"
        ]


@pytest.mark.parametrize("name", sorted(set(OPERATIONS) - set(OWN)))
def test_least_values_of_attributes_are_tensorflows(name):
    ours = OPERATIONS[name].attributes
    assert {n: a.minimum for n, a in ours.items()} == {a["name"]: a.get("min") for a in schemas()[name]["attrs"]}


@pytest.mark.parametrize(
    ("name", "inputs", "attrs", "message"),
    [
        ("AvgPool", [np.zeros((1, 2, 2, 1), np.float32)], {"ksize": [2, 2], "strides": [1] * 4}, "ksize.*length 2.*4"),
        ("SpaceToDepth", [np.zeros((1, 2, 2, 1), np.float32)], {"block_size": 1}, "block_size.*1 less than minimum 2"),
        ("ConcatV2", [[np.zeros(2, np.float32)], 0], {}, "N.*1 less than minimum 2"),
        ("TopK", [np.zeros(2, np.float32)], {"k": -1}, "k.*-1 less than minimum 0"),
    ],
)
def test_less_than_the_least_value_is_refused(name, inputs, attrs, message):
    attrs = {"padding": "VALID", **attrs} if "padding" in OPERATIONS[name].attributes else attrs
    with pytest.raises(InvalidArgumentError, match=message):
        OPERATIONS[name](*inputs, **attrs)
    with Graph().as_default(), pytest.raises(ValueError, match=message):
        OPERATIONS[name](*inputs, **attrs)
