"""The faces: every name has a docstring, and the signatures are TensorFlow's."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from pathlib import Path

import pytest

API = Path(__file__).parents[3] / "shared" / "api"
FACES = ("v1", "v2")


def modules(face: str):
    package = importlib.import_module(f"penstock.{face}")
    yield "", package
    for module in pkgutil.walk_packages(package.__path__, f"penstock.{face}."):
        yield module.name.removeprefix(f"penstock.{face}."), importlib.import_module(module.name)


def public(face: str) -> dict[str, object]:
    """Return dotted name -> object for all functions and classes of a face."""
    found = {}
    for prefix, module in modules(face):
        for name, value in vars(module).items():
            if not name.startswith("_") and (inspect.isfunction(value) or inspect.isclass(value)):
                found[f"{prefix}.{name}".lstrip(".")] = value
    return found


@pytest.mark.parametrize("face", FACES)
def test_every_public_name_has_a_docstring(face):
    missing = [
        name
        for name, value in public(face).items()
        if (getattr(value, "__module__", None) or "").startswith("penstock") and not inspect.getdoc(value)
    ]
    assert not missing


def recorded(face: str) -> dict[str, dict]:
    path = API / f"{face}.json"
    if not path.exists():
        pytest.skip("the recorded signatures of TensorFlow are not beside this repository")
    return {entry["s"]: entry for entry in json.loads(path.read_text())}


def theirs(entry: dict) -> list[tuple[str, bool]] | None:
    """Return (argument, has a default) in order, from the record."""
    if entry.get("args") is None:
        return None
    return [(a[0], len(a) > 1) for a in entry["args"]]


def ours(value: object) -> list[tuple[str, bool]]:
    kinds = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    result = []
    keyword_only = False
    for parameter in inspect.signature(value).parameters.values():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and not keyword_only:
            keyword_only = True
            if not any(name.startswith("*") for name, _ in result):
                result.append(("*", False))
        name = kinds.get(parameter.kind, "") + parameter.name
        result.append((name, parameter.default is not inspect.Parameter.empty))
    return result


@pytest.mark.parametrize("face", FACES)
def test_functions_have_tensorflows_signatures(face):
    names = public(face)
    wrong = []
    for path, entry in recorded(face).items():
        value = names.get(path)
        expected = theirs(entry)
        if value is None or expected is None or entry["kind"] != "function" or not inspect.isfunction(value):
            continue
        if any(name.startswith("*") for name, _ in expected):
            continue  # a decorator hides the real signature
        if ours(value)[: len(expected)] != expected:
            wrong.append(f"{path}: {ours(value)} should be {expected}")
    assert not wrong, f"{len(wrong)} signatures differ:\n" + "\n".join(wrong)


def test_a_name_of_the_other_face_is_explained():
    import penstock

    with pytest.raises(AttributeError, match=r"tf\.compat\.v1\.placeholder"):
        penstock.placeholder
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        penstock.no_such_name


def test_diag_is_of_whole_tensors_and_matrix_diag_of_their_last_axes():
    v1 = importlib.import_module("penstock.compat.v1")
    assert v1.diag([[1, 2], [3, 4]]).shape.as_list() == [2, 2, 2, 2]
    assert v1.matrix_diag([[1, 2], [3, 4]]).shape.as_list() == [2, 2, 2]
    assert v1.diag_part(v1.ones([2, 3, 2, 3])).shape.as_list() == [2, 3]
    assert v1.matrix_diag_part(v1.ones([2, 3, 3])).shape.as_list() == [2, 3]
