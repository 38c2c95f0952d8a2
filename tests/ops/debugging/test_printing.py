from __future__ import annotations

import sys

import numpy as np
import pytest

import penstock.ops  # noqa: F401
from penstock.core import dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.errors import InvalidArgumentError, NotFoundError
from penstock.core.gradients import gradients_of
from penstock.core.graph import Graph
from penstock.core.op_def import lookup
from penstock.ops.constant import constant, placeholder
from penstock.ops.debugging.printing import print_v1, print_v2, string_format, string_format_op
from penstock.runtime.session import Session
from penstock.testing.op_case import OpCase, integers

COVERS = ("Print", "PrintV2")
CASES = [
    OpCase(
        string_format_op,
        [[integers(0, 9, 2, dtype=np.int32), np.array(b"q", object)]],
        lambda items: np.array(b'a [%d %d] b "q"' % tuple(items[0]), object),
        attrs={"template": "a {} b {}", "placeholder": "{}"},
    )
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


@pytest.mark.parametrize(
    ("inputs", "options", "printed"),
    [
        (["hello", constant([1.5, 2.0])], {}, "hello [1.5 2]\n"),
        ([[1, constant(3), "s"], {"a": constant("q")}], {}, "[1, 3, 's'] {'a': \"q\"}\n"),
        ([constant("text")], {}, "text\n"),
        ([constant(np.arange(10))], {"summarize": 2, "end": "|"}, "[0 1 ... 8 9]|"),
        (["a", "b"], {"sep": "-"}, "a-b\n"),
        (["x {}", constant(1)], {}, "x {} 1\n"),
        ([(), [], {}], {}, "() [] {}\n"),
        ([np.arange(3), None, True, b"y"], {}, "array([0, 1, 2]) None True b'y'\n"),
        ([], {}, "\n"),
    ],
)
def test_values_are_printed_eagerly(inputs, options, printed, capsys):
    assert print_v2(*inputs, **options) is None
    assert capsys.readouterr().err == printed


def test_streams(capsys, tmp_path):
    print_v2("out", output_stream=sys.stdout)
    path = f"file://{tmp_path}/log"
    print_v2("one", output_stream=path)
    print_v2("two", output_stream=path)
    assert capsys.readouterr() == ("out\n", "")
    assert (tmp_path / "log").read_text() == "one\ntwo\n"
    with pytest.raises(ValueError, match="Unsupported output stream"):
        print_v2("x", output_stream="foo")
    with pytest.raises(InvalidArgumentError, match="Unknown output stream: foo"):
        lookup("PrintV2")("x", output_stream="foo")
    with pytest.raises(NotFoundError):
        print_v2("x", output_stream=f"file://{tmp_path}/none/log")
    with pytest.raises(ValueError, match="Unrecognized keyword"):
        print_v2("x", foo=1)


def test_a_graph_prints_when_it_runs(capsys):
    with Graph().as_default() as graph, Session(graph=graph) as session:
        x = placeholder(dtypes.int32)
        op = print_v2("x:", x)
        assert [each.type for each in graph.get_operations()] == ["Placeholder", "StringFormat", "PrintV2"]
        assert capsys.readouterr().err == ""
        session.run(op, {x: [1, 2]})
    assert capsys.readouterr().err == "x: [1 2]\n"


def test_print_passes_its_input_on(capsys):
    with Graph().as_default() as graph:
        x = placeholder(dtypes.float32)
        y = print_v1(x, [x, "seen"], message="m ", first_n=2, summarize=1)
        (slope,) = gradients_of(graph, [y], [x])
        with Session(graph=graph) as session:
            values = [session.run([y, slope], {x: [3.0, 4.0]})[0].tolist() for _ in range(3)]
        with Session(graph=graph) as other:
            other.run(y, {x: [5.0]})
    assert values == [[3.0, 4.0]] * 3
    assert capsys.readouterr().err == "m [3...][seen]\nm [3...][seen]\nm [5][seen]\n"


def test_print_writes_eagerly(capsys):
    assert float(print_v1(1.0, [convert_to_tensor([[1, 2], [3, 4]])])) == 1.0
    assert capsys.readouterr().err == "[[1 2][3...]...]\n"


def test_templates_must_fit():
    assert string_format("a % b", constant([1, 2]), placeholder="%").numpy() == b"a [1 2] b"
    with pytest.raises(ValueError, match="expects 2 tensors, but the inputs only has 1"):
        string_format("{} {}", [constant(1)])
