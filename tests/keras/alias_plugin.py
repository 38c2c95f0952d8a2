"""A pytest plugin for Keras's own tests: `tensorflow` is Penstock before anything imports it, unless
PENSTOCK_KERAS_REAL is set, and the markers of Keras's own configuration exist."""

from __future__ import annotations

import json
import os
import sys
import types
from pathlib import Path
from typing import Any

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if not os.environ.get("PENSTOCK_KERAS_REAL"):
    import penstock.alias

    penstock.alias.install()

import pytest


def skip_if_backend(given_backend: str, reason: str) -> Any:
    """Return a mark as Keras's own `conftest.py` does, which its wheel lacks."""
    return pytest.mark.skipif(given_backend == "tensorflow", reason=reason)


_conftest: Any = types.ModuleType("conftest")
_conftest.skip_if_backend = skip_if_backend
sys.modules["conftest"] = _conftest


def pytest_configure(config: pytest.Config) -> None:
    path = os.environ.get("PENSTOCK_KERAS_REPORT")
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(path))
    config.addinivalue_line("markers", "requires_trainable_backend: the backend can differentiate")
    config.addinivalue_line("markers", "multi_device: needs several devices")
    config.addinivalue_line("markers", "tensorrt: needs TensorRT")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if "multi_device" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="one device"))


class Recorder:
    """Writes the outcome of each test to the file that PENSTOCK_KERAS_REPORT names."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.outcomes: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.outcomes[report.nodeid] = "failed"
        elif report.when == "call" or report.skipped:
            self.outcomes.setdefault(report.nodeid, "skipped" if report.skipped else "passed")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.outcomes[report.nodeid] = "failed"

    def pytest_sessionfinish(self) -> None:
        Path(self.path).write_text(json.dumps(self.outcomes))
