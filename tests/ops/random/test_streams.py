"""Recorded streams of TensorFlow, drawn again."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import penstock.ops  # noqa: F401  declares the operations
from penstock.core import dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.tape import GradientTape
from penstock.ops.constant import constant
from penstock.ops.random import functions, seeds, stateless_functions

_ORACLE = Path(__file__).resolve().parents[4] / "shared" / "oracle" / "oracle.py"
_PREFIXES = ("random.", "compat.v1.random_", "compat.v1.multinomial", "image.random_crop")
_LATER = ("random.Generator", "random.uniform_candidate_sampler")


def _load() -> Any:
    if not _ORACLE.exists():
        return None
    spec = importlib.util.spec_from_file_location("oracle", _ORACLE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault("oracle", module)
    spec.loader.exec_module(module)
    return module


oracle = _load()


def _cases() -> list[Any]:
    if oracle is None:
        return []
    return [
        case for case in oracle.load(group="random") if case["fn"].startswith(_PREFIXES) and case["fn"] not in _LATER
    ]


def _face() -> SimpleNamespace:
    stateless = {
        name: getattr(stateless_functions, name) for name in dir(stateless_functions) if name.startswith("stateless_")
    }
    random = SimpleNamespace(
        set_seed=seeds.set_seed,
        normal=functions.random_normal,
        uniform=functions.random_uniform,
        truncated_normal=functions.truncated_normal,
        shuffle=functions.random_shuffle,
        categorical=functions.categorical,
        gamma=functions.random_gamma,
        poisson=functions.random_poisson,
        split=stateless_functions.split,
        fold_in=stateless_functions.fold_in,
        experimental=SimpleNamespace(
            stateless_split=stateless_functions.split,
            stateless_fold_in=stateless_functions.fold_in,
            stateless_shuffle=stateless_functions.stateless_shuffle,
        ),
        **stateless,
    )
    v1 = SimpleNamespace(
        random_normal=functions.random_normal,
        random_uniform=functions.random_uniform,
        random_shuffle=functions.random_shuffle,
        multinomial=functions.multinomial,
        random_gamma=functions.random_gamma,
        random_poisson=functions.random_poisson_v1,
    )
    return SimpleNamespace(
        as_dtype=dtypes.as_dtype,
        constant=constant,
        convert_to_tensor=convert_to_tensor,
        GradientTape=GradientTape,
        random=random,
        compat=SimpleNamespace(v1=v1),
        image=SimpleNamespace(random_crop=functions.random_crop),
    )


@pytest.mark.skipif(oracle is None, reason="the recorded streams are not in ../shared/oracle")
@pytest.mark.parametrize("case", _cases(), ids=lambda case: case["id"])
def test_stream_is_that_of_tensorflow(case: Any) -> None:
    """The same seeds give the same numbers, call after call."""
    try:
        passed, reason = oracle.check(_face(), case)
        assert passed, reason
    finally:
        seeds.set_seed(None)
