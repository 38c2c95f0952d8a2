"""What holds for each operation in each type that it takes, and for empty inputs and such of size 1.

Every case of tests/ops is run in every real type of its operation; the cases that are not picked for the quick run are
marked slow.
"""

from __future__ import annotations

import importlib.util
import zlib
from pathlib import Path

import numpy as np
import pytest

import penstock.ops  # noqa: F401  declares the operations
from penstock.core import context
from penstock.core.convert import convert_to_tensor
from penstock.core.errors import OpError
from penstock.core.graph import Graph
from penstock.runtime.session import Session
from penstock.testing.op_case import OpCase, _as_array

HERE = Path(__file__).parent
PORTIONS = 12  # one of which runs in the quick run
REFUSED = (OpError, ValueError, TypeError)


def _cases() -> list[OpCase]:
    """Return one case for each operation that keeps no state, and name, of the tests beside this one."""
    found: dict[str, OpCase] = {}
    for path in sorted(HERE.rglob("test_*.py")):
        if path == Path(__file__):
            continue
        text = path.read_text(encoding="utf-8")
        if "OpCase(" not in text:
            continue
        spec = importlib.util.spec_from_file_location(f"properties_{path.stem}_{zlib.crc32(str(path).encode())}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for value in vars(module).values():
            if isinstance(value, (list, tuple)):
                found.update(
                    {str(case): case for case in value if isinstance(case, OpCase) and not case.op.is_stateful}
                )
    return [found[name] for name in sorted(found)]


CASES = _cases()


def _portion(number: int) -> list[OpCase]:
    return [case for case in CASES if zlib.crc32(str(case).encode()) % PORTIONS == number]


def _types(case: OpCase) -> list[np.dtype]:
    """Return the real types that the operation takes in place of that of the first floating or integer input."""
    for argument in case.op.inputs:
        if argument.type_attr is not None and not argument.is_host and argument.type_attr not in case.attrs:
            allowed = case.op.attributes[argument.type_attr].allowed or ()
            if any(item.dtype.kind not in "fiu" for item in case._flat_arrays() if isinstance(item, np.ndarray)):
                return []
            return [np.dtype(t.as_numpy_dtype) for t in sorted(allowed, key=str) if t.is_floating or t.is_integer]
    return []


def _with(case: OpCase, change) -> list:
    """Return the inputs with the numeric ones changed."""
    numeric = [
        argument.type_attr is not None and not argument.is_host and argument.type_attr == _first_type(case)
        for argument in case.op.inputs
    ]
    return [
        ([change(item) for item in entry] if OpCase._is_sequence(entry) else change(entry))
        if is_numeric and (OpCase._is_sequence(entry) or isinstance(entry, np.ndarray))
        else entry
        for is_numeric, entry in zip(numeric, case.inputs, strict=True)
    ]


def _first_type(case: OpCase) -> str | None:
    return next((a.type_attr for a in case.op.inputs if a.type_attr is not None and not a.is_host), None)


def _agrees(case: OpCase, inputs: list) -> None:
    """Check that graph and eager execution give the same, of the shape and type that the graph promised, or refuse."""
    with context.eager_mode():
        try:
            eager = case._numpy(OpCase._call(case, inputs))
        except REFUSED:
            return
    graph = Graph()
    with graph.as_default():
        outputs = case._call([[convert_to_tensor(i) for i in e] if OpCase._is_sequence(e) else e for e in inputs])
    with Session(graph=graph) as session:
        values = session.run(outputs)
    for tensor, value, expected in zip(outputs, values, eager, strict=True):
        assert tensor.shape.is_compatible_with(expected.shape), f"{case}: {tensor.shape} promised, got {expected.shape}"
        got = _as_array(value)
        assert got.dtype == expected.dtype == np.dtype(tensor.dtype.base_dtype.as_numpy_dtype), f"{case}: {got.dtype}"
        if got.dtype.kind == "V" or got.dtype.name.startswith(("bfloat16", "float8")):
            got, expected = got.astype(np.float32), expected.astype(np.float32)  # NumPy knows no NaN of these types
        np.testing.assert_array_equal(got, expected, err_msg=str(case))


def _check(case: OpCase) -> None:
    for dtype in _types(case):
        with np.errstate(all="ignore"):
            _agrees(case, _with(case, lambda item, to=dtype: item.astype(to)))
    _agrees(case, _with(case, lambda item: item[:0] if item.ndim else item))
    _agrees(case, _with(case, lambda item: item[:1] if item.ndim else item))
    _agrees(case, _with(case, lambda item: item[..., :0] if item.ndim else item))


@pytest.mark.parametrize(
    "number", [pytest.param(n, marks=() if n == 0 else pytest.mark.slow, id=str(n)) for n in range(PORTIONS)]
)
def test_types_and_sizes_agree_between_graph_and_eager(number):
    wrong = []
    for case in _portion(number):
        try:
            _check(case)
        except (AssertionError, *REFUSED) as error:
            wrong.append(f"{case}: {type(error).__name__}: {str(error).strip()[:300]}")
    assert not wrong, "\n".join(wrong)
