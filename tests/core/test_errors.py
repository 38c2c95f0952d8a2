"""The errors family: codes, attributes and pickling."""

from __future__ import annotations

import pickle
from types import SimpleNamespace

import pytest

from penstock.core import errors

NAMES = (
    "Cancelled Unknown InvalidArgument DeadlineExceeded NotFound AlreadyExists PermissionDenied ResourceExhausted "
    "FailedPrecondition Aborted OutOfRange Unimplemented Internal Unavailable DataLoss Unauthenticated"
).split()


@pytest.mark.parametrize(("code", "name"), list(enumerate(NAMES, 1)), ids=NAMES)
def test_each_class_has_its_code_both_ways(code, name):
    cls = getattr(errors, f"{name}Error")
    constant = "".join(f"_{letter}" if letter.isupper() else letter.upper() for letter in name).lstrip("_")
    assert getattr(errors, constant) == code
    assert errors.exception_type_from_error_code(code) is cls
    assert errors.error_code_from_exception_type(cls) == code
    error = cls("node", "op", "text", {"key": b"value"})
    assert isinstance(error, errors.OpError)
    assert (error.node_def, error.op, error.message, error.error_code) == ("node", "op", "text", code)
    assert error.experimental_payloads == {"key": b"value"}
    assert str(error) == "text"
    assert repr(error) == f"{name}Error('text')"


def test_codes_outside_of_the_family():
    assert errors.OK == 0
    for code in (0, 17):
        with pytest.raises(KeyError):
            errors.exception_type_from_error_code(code)
    assert errors.error_code_from_exception_type(ValueError) == errors.UNKNOWN


def test_pickling_keeps_everything_but_the_operation():
    error = errors.NotFoundError("node", lambda: None, "text", {"key": b"value"})
    copied = pickle.loads(pickle.dumps(error))
    assert type(copied) is errors.NotFoundError
    assert (copied.node_def, copied.op, copied.message, copied.error_code) == ("node", None, "text", 5)
    assert copied.experimental_payloads == {"key": b"value"}
    plain = pickle.loads(pickle.dumps(errors.OpError(None, None, "text", 3)))
    assert (type(plain), plain.error_code) == (errors.OpError, 3)


def test_python_errors_of_graph_construction_are_type_and_value_errors():
    assert issubclass(errors.OperatorNotAllowedInGraphError, TypeError)
    assert issubclass(errors.InaccessibleTensorError, ValueError)


def test_with_operation_names_the_first_operation_that_failed():
    op = SimpleNamespace(name="dense/matmul", type="MatMul", node_def="node", created_at=("train.py", 14))
    error = errors.InvalidArgumentError(None, None, "bad size")
    assert errors.with_operation(error, op) is error
    assert (error.op, error.node_def) == (op, "node")
    assert str(error) == "MatMul 'dense/matmul': bad size\n\t [[{{node dense/matmul}}]], created at train.py:14"
    before = error.message
    errors.with_operation(error, SimpleNamespace(name="caller", type="PartitionedCall"))
    assert (error.op, error.message) == (op, before)


def test_with_operation_does_not_name_an_operation_twice():
    error = errors.InvalidArgumentError(None, None, "MatMul 'm': bad size")
    errors.with_operation(error, SimpleNamespace(name="m", type="MatMul"))
    assert str(error) == "MatMul 'm': bad size\n\t [[{{node m}}]]"
    assert error.node_def is None
