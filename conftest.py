"""Isolation between tests: each starts with an empty default graph, no default session and no seed, and what draws
unpredictable numbers draws the same ones in every run."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from penstock.core import context, entropy
from penstock.language import behavior
from penstock.ops.random.seeds import set_seed


@pytest.fixture(autouse=True)
def fresh_thread_state() -> Iterator[None]:
    """Give every test thread state of its own, and take back the mode that importing a face may have chosen."""
    state = context.state
    saved = state.graphs, state.default_graph, state.tapes, state.sessions, state.eager_device, state.eager_scope
    was_eager = context.default_is_eager()
    state.graphs, state.default_graph, state.tapes, state.sessions = [], None, [], []
    context.set_default_eager(True)
    behavior._behave_as_v2()
    set_seed(None)
    yield
    state.graphs, state.default_graph, state.tapes, state.sessions, state.eager_device, state.eager_scope = saved
    context.set_default_eager(was_eager)


@pytest.fixture(autouse=True)
def repeatable_entropy(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seed the source of unpredictable numbers by the test's name: a test that fails, fails again."""
    monkeypatch.setattr(entropy, "random_bytes", random.Random(request.node.nodeid).randbytes)


@pytest.fixture
def graph_mode() -> Iterator[None]:
    """Behave as TensorFlow 1: build graphs outside of `with` blocks."""
    context.set_default_eager(False)
    behavior._behave_as_v1()
    yield
