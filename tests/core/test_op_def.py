"""Declarations: what a schema line says, and how a kernel's parameters become attributes."""

from __future__ import annotations

import pytest

from penstock.core import dtypes
from penstock.core.dtypes import FLOATING, DType
from penstock.core.errors import NotFoundError
from penstock.core.op import Op, op
from penstock.core.op_def import REQUIRED, OpDef, Type, lookup, parse_schema
from penstock.core.shape import Dims


def test_a_schema_line_names_inputs_and_outputs_with_their_types():
    name, inputs, outputs = parse_schema("MatMul(a: T, b: int32) -> product: T")
    assert name == "MatMul"
    assert [(a.name, a.type_attr, a.dtype) for a in inputs] == [("a", "T", None), ("b", None, dtypes.int32)]
    assert [(a.name, a.type_attr) for a in outputs] == [("product", "T")]


def test_a_schema_line_may_have_sequences_references_and_host_inputs():
    _, inputs, outputs = parse_schema("X(a: N * T, b: list(Tin), c: ref T, d: host int32) -> (e: N * T, f: list(Tin))")
    assert inputs[0].number_attr == "N" and inputs[0].type_attr == "T"
    assert inputs[1].list_attr == "Tin"
    assert inputs[2].is_ref and inputs[3].is_host
    assert [o.is_sequence for o in outputs] == [True, True]


def test_an_operation_may_have_neither_inputs_nor_outputs():
    assert parse_schema("NoOp()") == ("NoOp", (), ())


@pytest.mark.parametrize("line", ["MatMul", "MatMul(a) -> b: T", "MatMul a: T"])
def test_a_malformed_schema_line_is_refused(line):
    with pytest.raises(ValueError, match="cannot read"):
        parse_schema(line)


def test_keyword_parameters_of_the_kernel_are_attributes():
    def kernel(x, *, axis: int = 0, kind: str, out: DType = dtypes.int32, resources):
        return x

    declared = OpDef("Y(x: T) -> y: out", kernel, types={"T": FLOATING, "out": Type(dtypes.INTEGER, dtypes.int64)})
    assert {name: a.kind for name, a in declared.attributes.items()} == {
        "axis": "int",
        "kind": "string",
        "out": "type",
        "T": "type",
    }
    assert declared.attributes["kind"].default is REQUIRED
    assert declared.attributes["out"].default is dtypes.int64
    assert declared.attributes["T"].allowed == FLOATING
    assert declared.injected == ("resources",)
    assert declared.kernel_attributes == ("axis", "kind", "out")


def test_an_attribute_without_a_known_annotation_is_refused():
    def kernel(x, *, axis: set):
        return x

    with pytest.raises(TypeError, match="axis"):
        OpDef("Y(x: T) -> y: T", kernel)


def test_declaring_a_name_twice_is_refused():
    @op("TestDeclaredTwice(x: T) -> y: T")
    def first(x):
        return x

    assert isinstance(first, Op)
    with pytest.raises(ValueError, match="TestDeclaredTwice"):
        op("TestDeclaredTwice(x: T) -> y: T")(lambda x: x)


def test_looking_up_an_unknown_operation_names_it():
    with pytest.raises(NotFoundError, match="NoSuchOperation"):
        lookup("NoSuchOperation")


def test_annotations_may_be_types_as_well_as_text():
    def kernel(x, *, a, b, c, d):
        return x

    annotations = {"a": float, "b": list[int], "c": DType, "d": Dims}
    for name, annotation in annotations.items():
        kernel.__annotations__[name] = annotation
    declared = OpDef("Y(x: T) -> y: T", kernel)
    assert [declared.attributes[name].kind for name in "abcd"] == ["float", "list(int)", "type", "shape"]
