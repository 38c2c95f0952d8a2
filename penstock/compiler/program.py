"""Compiled programs."""

from __future__ import annotations

import itertools
import linecache
from collections.abc import Callable, Iterator, Sequence
from types import CodeType, TracebackType
from typing import Any

import numpy as np

from penstock.compiler.codegen import Generated
from penstock.compiler.dataflow import Node
from penstock.core import array
from penstock.core.dispatch import kernel_error
from penstock.core.resources import VariableStorage
from penstock.core.tensor import EagerTensor
from penstock.ops.fused.native.region import StepError

_numbers = itertools.count()


class Program:
    """A Python function over kernels that computes fetches from feeds. It holds no state of a run.

    Attributes:
        source: the function's text, those of branches and loops before it.
        function: takes the feeds' runtime values in order, and returns the fetches'.
        copies: for each fetch, whether the user must be given a copy.
        variables: those that the function finds by name.

    Args:
        generated: the source and what it needs.
        copies: see above.
        is_small: whether its kernels have no work for more than one thread.
    """

    def __init__(self, generated: Generated, copies: Sequence[bool] = (), is_small: bool = False) -> None:
        self.copies = list(copies)
        self.variables = [value for value in generated.namespace.values() if isinstance(value, VariableStorage)]
        self._lines: dict[CodeType, dict[int, tuple[Node, list[str]]]] = {}
        self._sources: list[str] = []
        function = self._load(generated)
        self.function: Callable[..., list[Any]] = array.on_one_thread(function) if is_small else function

    def _load(self, generated: Generated) -> Callable[..., list[Any]]:
        for body in generated.bodies:
            generated.namespace[body.name] = self._load(body)
        filename = f"<penstock program {next(_numbers)}: {generated.name}>"
        code = compile(generated.source, filename, "exec")
        exec(code, generated.namespace)
        function = generated.namespace[generated.name]
        self._lines[function.__code__] = generated.nodes
        self._sources.append(generated.source)
        # pdb and tracebacks find the generated lines here.
        linecache.cache[filename] = (len(generated.source), None, generated.source.splitlines(keepends=True), filename)
        return function

    @property
    def source(self) -> str:
        """The generated source."""
        return "\n".join(self._sources)

    def __call__(self, *values: Any) -> list[Any]:
        """Run on the feeds' runtime values; errors name the operation, its input shapes and the line that created
        it."""
        try:
            return self.function(*values)
        except Exception as error:
            explained = self.explain(error)
            self._forget_values(error)
            raise explained from error.__cause__

    def _forget_values(self, error: Exception) -> None:
        """Let go of the values of a failed run, which would live as long as the error that remembers its frames."""
        for frame, _ in list(_frames(error.__traceback__)):
            if frame.f_code in self._lines:
                frame.clear()

    def explain(self, error: Exception) -> Exception:
        """Return the error to raise in place of one that came out of the generated function."""
        found: tuple[Node, list[str], dict[str, Any], dict[str, Any]] | None = None
        for frame, line in _frames(error.__traceback__):
            lines = self._lines.get(frame.f_code)
            if lines is not None and line in lines:
                node, names = lines[line]
                found = node, names, frame.f_locals, frame.f_globals
        if found is None:
            return error
        node, names, local_values, global_values = found
        if isinstance(error, StepError):
            failed = node.attrs["chain"].nodes[error.index]
            given = [EagerTensor(value) for value in error.values]
            return kernel_error(
                error.error, failed.op_def, given, failed.attrs, failed.source.name, failed.source
            ).with_traceback(None)
        inputs = []
        for name in names:
            value = local_values.get(name, global_values.get(name))
            if isinstance(value, VariableStorage):
                value = value.value
            if isinstance(value, (bool, int, list)):
                value = array.from_numpy(np.asarray(value, dtype=np.int32))
            if value is not None:
                inputs.append(EagerTensor(value))
        op = node.source
        converted = kernel_error(error, node.op_def, inputs, node.attrs, op.name, op)
        return converted.with_traceback(None)


def _frames(traceback: TracebackType | None) -> Iterator[tuple[Any, int]]:
    while traceback is not None:
        yield traceback.tb_frame, traceback.tb_lineno
        traceback = traceback.tb_next
