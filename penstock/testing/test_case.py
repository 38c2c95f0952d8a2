"""`tf.test.TestCase`: unit tests of programs that compute with tensors, in graphs and eagerly alike."""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import tempfile
import threading
import unittest
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from unittest import mock as mock

import numpy as np
from absl.testing import absltest, parameterized
from google.protobuf import text_format

from penstock.core import context, errors, nest
from penstock.core.device import canonical_name
from penstock.core.dtypes import as_dtype
from penstock.core.graph import reset_default_graph
from penstock.core.tensor import EagerTensor, Tensor
from penstock.ops.random.seeds import set_seed
from penstock.runtime.config.devices import gpu_device_name as gpu_device_name
from penstock.runtime.session import Session
from penstock.testing.gradient_checker import compute_gradient as compute_gradient
from penstock.testing.gradient_checker import compute_gradient_error as compute_gradient_error
from penstock.testing.gradient_checker import compute_gradient_v1 as compute_gradient_v1

_SEED = 87654321  # TensorFlow's tests start from this one


def is_gpu_available(cuda_only: bool = False, min_cuda_compute_capability: tuple[int, int] | None = None) -> bool:
    """Tell whether values are computed on a GPU."""
    return bool(gpu_device_name())


def is_built_with_cuda() -> bool:
    """Tell whether values can be computed on NVIDIA's GPUs."""
    return is_gpu_available(cuda_only=True)


def is_built_with_rocm() -> bool:
    """Tell whether values can be computed on AMD's GPUs."""
    return False


def is_built_with_gpu_support() -> bool:
    """Tell whether values can be computed on a GPU."""
    return is_built_with_cuda() or is_built_with_rocm()


def is_built_with_xla() -> bool:
    """Tell whether XLA compiles graphs. It does not: they are compiled to Python."""
    return False


class TestCase(parameterized.TestCase):
    """A unit test whose assertions take tensors, arrays and numbers.

    Every test starts with an empty default graph, and with the same seed.
    """

    def __init__(self, methodName: str = "runTest") -> None:
        super().__init__(methodName)
        self._temporary: str | None = None
        self._cached: Session | None = None
        self._threads: list[_CheckedThread] = []

    def setUp(self) -> None:
        super().setUp()
        self._close_cached_session()
        random.seed(_SEED)
        np.random.seed(_SEED)
        if not any(graph is not None for graph in context.state.graphs):
            reset_default_graph()
        set_seed(_SEED)

    def tearDown(self) -> None:
        for thread in self._threads:
            thread.check_termination()
        self._close_cached_session()
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)
            self._temporary = None
        super().tearDown()

    def _close_cached_session(self) -> None:
        if self._cached is not None:
            self._cached.close()
            self._cached = None

    # Running

    @contextlib.contextmanager
    def session(
        self, graph: Any = None, config: Any = None, use_gpu: bool = True, force_gpu: bool = False
    ) -> Iterator[Any]:
        """Yield a session of a graph, the default one by default; None where operations are executed eagerly."""
        if context.executing_eagerly() and graph is None:
            yield None
            return
        with Session(graph=graph, config=config) as session, _on_device(session, use_gpu):
            yield session

    @contextlib.contextmanager
    def cached_session(
        self, graph: Any = None, config: Any = None, use_gpu: bool = True, force_gpu: bool = False
    ) -> Iterator[Any]:
        """Yield one session for the whole test, so that variables keep their values from one block to the next."""
        if context.executing_eagerly() and graph is None:
            yield None
            return
        if self._cached is None:
            self._cached = Session(graph=graph, config=config)
        elif graph is not None and self._cached.graph is not graph:
            raise ValueError("The graph used to get the cached session is different than the one that was used before")
        session = self._cached
        with session.graph.as_default(), session.as_default(), _on_device(session, use_gpu):
            yield session

    def test_session(
        self, graph: Any = None, config: Any = None, use_gpu: bool = True, force_gpu: bool = False
    ) -> contextlib.AbstractContextManager[Any]:
        """Return a context that yields a session: a new one for a graph that is given, else the test's cached one."""
        if self._testMethodName == "test_session":
            self.skipTest("test_session is not a test")  # unittest takes it for one by its name
        chosen = self.session if graph is not None else self.cached_session
        return chosen(graph, config, use_gpu, force_gpu)

    def evaluate(self, tensors: Any) -> Any:
        """Return a nest of tensors as NumPy values, computed by the default session in graph mode."""
        flat = nest.flatten(tensors, expand_composites=True)
        if context.executing_eagerly() or all(not isinstance(item, Tensor) and not _is_symbolic(item) for item in flat):
            return nest.map_structure(_numpy, tensors)
        session = context.state.sessions[-1] if context.state.sessions else None
        if session is None:
            with self.test_session() as session:
                return session.run(tensors)
        return session.run(tensors)

    def evaluate_if_both_tensors(self, a: Any, b: Any) -> tuple[Any, Any]:
        """Return two values, evaluated if both are tensors."""
        if isinstance(a, Tensor) and isinstance(b, Tensor):
            a, b = self.evaluate([a, b])
        return a, b

    def get_temp_dir(self) -> str:
        """Return a folder that this test alone uses, and that is deleted after it."""
        if self._temporary is None:
            self._temporary = tempfile.mkdtemp(prefix=type(self).__name__, dir=get_temp_dir())
        return self._temporary

    @contextlib.contextmanager
    def captureWritesToStream(self, stream: Any) -> Iterator[Any]:
        """Yield an object whose `contents()` are what is written to a stream such as sys.stderr within the block."""
        with tempfile.TemporaryFile(dir=self.get_temp_dir()) as file:
            stream.flush()
            descriptor = stream.fileno()
            saved = os.dup(descriptor)
            os.dup2(file.fileno(), descriptor)
            captured = _Captured(file)
            try:
                yield captured
            finally:
                stream.flush()
                os.dup2(saved, descriptor)
                os.close(saved)
                captured.finish()

    def checkedThread(self, target: Callable[..., Any], args: Any = None, kwargs: Any = None) -> Any:
        """Return a thread whose exception fails the test when it is joined."""
        thread = _CheckedThread(self, target, args or (), kwargs or {})
        self._threads.append(thread)
        return thread

    # Assertions

    def _array(self, value: Any) -> np.ndarray:
        if isinstance(value, (list, tuple)) and any(_is_symbolic(item) for item in nest.flatten(value)):
            value = self.evaluate(list(value))
        elif _is_symbolic(value):
            value = self.evaluate(value)
        found = np.asarray(_numpy(value))
        if found.dtype.kind in "SU":
            found = found.astype(object)
        if found.dtype == object:
            encoded = [item.encode() if isinstance(item, str) else item for item in found.reshape(-1)]
            result = np.empty(len(encoded), dtype=object)
            result[:] = encoded
            return result.reshape(found.shape)
        return found

    def assertShapeEqual(self, input_a: Any, input_b: Any, msg: str | None = None) -> None:
        """Check that two tensors or arrays have one static shape."""
        for value in (input_a, input_b):
            if not isinstance(value, (np.ndarray, np.generic, Tensor)):
                raise TypeError(f"inputs must be a Tensor or ndarray, got {type(value).__name__}")
        shapes = [
            value.shape.as_list() if isinstance(value, Tensor) else list(value.shape) for value in (input_a, input_b)
        ]
        self.assertEqual(shapes[0], shapes[1], msg=msg)

    def assertDTypeEqual(self, target: Any, expected_dtype: Any) -> None:
        """Check the type of a tensor's or array's elements."""
        actual = target.dtype if hasattr(target, "dtype") else self._array(target).dtype
        self.assertEqual(as_dtype(actual).base_dtype, as_dtype(expected_dtype).base_dtype)

    def assertDeviceEqual(self, device1: Any, device2: Any, msg: str | None = None) -> None:
        """Check that two names stand for one device."""
        self.assertEqual(canonical_name(device1), canonical_name(device2), msg=msg)

    def assertAllEqual(self, a: Any, b: Any, msg: str | None = None) -> None:
        """Check that two arrays have one shape and equal elements; NaN equals NaN."""
        a, b = self._array(a), self._array(b)
        self._check_shapes(a, b, msg)
        same = a == b
        if a.dtype.kind in "fcV" and b.dtype.kind in "fcV":
            same = np.logical_or(same, np.logical_and(a != a, b != b))
        if not np.all(same):
            self.fail(self._difference("not equal", a, b, ~np.asarray(same), msg))

    def assertNotAllEqual(self, a: Any, b: Any, msg: str | None = None) -> None:
        """Check that two arrays differ in shape or in an element."""
        try:
            self.assertAllEqual(a, b)
        except self.failureException:
            return
        self.fail(f"The two values are equal at all elements. {msg or ''}")

    def _check_shapes(self, a: np.ndarray, b: np.ndarray, msg: str | None) -> None:
        if a.shape != b.shape:
            shown = f"Shape mismatch: expected {a.shape}, got {b.shape}."
            if a.size <= 100 and b.size <= 100:
                shown += f"\nexpected: {a!r}\ngot: {b!r}"
            self.fail(f"{shown} {msg or ''}")

    @staticmethod
    def _difference(what: str, a: np.ndarray, b: np.ndarray, where: np.ndarray, msg: str | None) -> str:
        lines = [msg] if msg else []
        count = int(where.sum())
        lines.append(f"{what}: {count} of {max(where.size, 1)} elements differ")
        if where.ndim:
            lines.append(f"not close where = {tuple(axis[:10] for axis in np.where(where))}")
            lines += [f"not close lhs = {a[where][:10]}", f"not close rhs = {b[where][:10]}"]
        else:
            lines += [f"lhs = {a}", f"rhs = {b}"]
        if a.dtype.kind in "iufcb" and b.dtype.kind in "iufcb" and a.dtype.kind != "b":
            wide = np.complex128 if "c" in (a.dtype.kind, b.dtype.kind) else np.float64
            lines.append(f"not close dif = {np.abs(a.astype(wide) - b.astype(wide))[where][:10]}")
        lines.append(f"dtype = {a.dtype}, shape = {a.shape}")
        return "\n".join(lines)

    def assertAllClose(self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, msg: str | None = None) -> None:
        """Check that two arrays, or nests of them, have one shape and elements that differ little.

        Args:
            a, b: arrays, tensors, or lists, tuples and dictionaries of them.
            rtol, atol: the difference may be `atol + rtol * |b|`.
            msg: what the message says besides.
        """
        self._assert_close(a, b, rtol, atol, msg, "")

    def _assert_close(self, a: Any, b: Any, rtol: float, atol: float, msg: str | None, path: str) -> None:
        if isinstance(a, Mapping) or isinstance(b, Mapping):
            if not (isinstance(a, Mapping) and isinstance(b, Mapping)):
                raise ValueError(f"Can't compare dict to non-dict{path}: {type(a).__name__} and {type(b).__name__}")
            self.assertCountEqual(a.keys(), b.keys(), msg=f"mismatched keys{path}. {msg or ''}")
            for key in a:
                self._assert_close(a[key], b[key], rtol, atol, msg, f"{path}[{key!r}]")
            return
        if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)) and _is_uneven([*a, *b]):
            if len(a) != len(b):
                self.fail(f"Mismatched length{path}: {len(a)} and {len(b)}. {msg or ''}")
            for index, (left, right) in enumerate(zip(a, b, strict=True)):
                self._assert_close(left, right, rtol, atol, msg, f"{path}[{index}]")
            return
        left, right = self._array(a), self._array(b)
        self._check_shapes(left, right, msg)
        if left.dtype == object or right.dtype == object:
            self.assertAllEqual(left, right, msg)
            return
        wide = np.complex128 if "c" in (left.dtype.kind, right.dtype.kind) else np.float64
        # The difference is taken in double precision, so that it is that of the numbers given.
        close = np.isclose(left.astype(wide), right.astype(wide), rtol=rtol, atol=atol, equal_nan=True)
        if not np.all(close):
            head = f"Mismatched value: a{path} is different from b{path}. not close: rtol = {rtol}, atol = {atol}"
            self.fail(self._difference(head, left, right, ~np.asarray(close), msg))

    def assertNotAllClose(self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, msg: str | None = None) -> None:
        """Check that two arrays differ by more than `assertAllClose` allows."""
        try:
            self.assertAllClose(a, b, rtol=rtol, atol=atol)
        except self.failureException:
            return
        self.fail(f"The two values are close at all elements. {msg or ''}")

    def assertAllCloseAccordingToType(
        self,
        a: Any,
        b: Any,
        rtol: float = 1e-6,
        atol: float = 1e-6,
        float_rtol: float = 1e-6,
        float_atol: float = 1e-6,
        half_rtol: float = 1e-3,
        half_atol: float = 1e-3,
        bfloat16_rtol: float = 1e-2,
        bfloat16_atol: float = 1e-2,
        msg: str | None = None,
    ) -> None:
        """Check that two arrays are close, with tolerances for the less exact of their types."""
        types = {self._array(value).dtype.name for value in (a, b)}
        if types & {"float32", "complex64"}:
            rtol, atol = max(rtol, float_rtol), max(atol, float_atol)
        if "float16" in types:
            rtol, atol = max(rtol, half_rtol), max(atol, half_atol)
        if "bfloat16" in types:
            rtol, atol = max(rtol, bfloat16_rtol), max(atol, bfloat16_atol)
        self.assertAllClose(a, b, rtol=rtol, atol=atol, msg=msg)

    def assertNear(self, f1: Any, f2: Any, err: float, msg: str | None = None) -> None:
        """Check that two numbers differ by at most `err`."""
        self.assertTrue(f1 == f2 or abs(f1 - f2) <= err, f"{f1!r} != {f2!r} +/- {err!r}{f' ({msg})' if msg else ''}")

    def assertArrayNear(self, farray1: Any, farray2: Any, err: float, msg: str | None = None) -> None:
        """Check that the numbers of two sequences differ by at most `err` each."""
        self.assertEqual(len(farray1), len(farray2), msg=msg)
        for f1, f2 in zip(farray1, farray2, strict=True):
            self.assertNear(float(f1), float(f2), err, msg=msg)

    def assertNDArrayNear(self, ndarray1: Any, ndarray2: Any, err: float, msg: str | None = None) -> None:
        """Check that the norm of the difference of two arrays is less than `err`."""
        difference = float(np.linalg.norm((self._array(ndarray1) - self._array(ndarray2)).reshape(-1)))
        self.assertTrue(difference < err, msg or f"the norm of the difference is {difference}, not less than {err}")

    def _check_all(self, a: Any, holds: Callable[[np.ndarray], Any], what: str) -> None:
        numbers = self._array(a)
        where = ~np.asarray(holds(numbers))
        if np.any(where):
            self.fail(
                f"{int(where.sum())} of {numbers.size} elements are not {what}: {numbers[where].reshape(-1)[:10]}"
            )

    def assertAllGreater(self, a: Any, comparison_target: Any) -> None:
        """Check that all elements are greater than a number."""
        self._check_all(a, lambda numbers: numbers > comparison_target, f"> {comparison_target}")

    def assertAllGreaterEqual(self, a: Any, comparison_target: Any) -> None:
        """Check that all elements are at least a number."""
        self._check_all(a, lambda numbers: numbers >= comparison_target, f">= {comparison_target}")

    def assertAllLess(self, a: Any, comparison_target: Any) -> None:
        """Check that all elements are less than a number."""
        self._check_all(a, lambda numbers: numbers < comparison_target, f"< {comparison_target}")

    def assertAllLessEqual(self, a: Any, comparison_target: Any) -> None:
        """Check that all elements are at most a number."""
        self._check_all(a, lambda numbers: numbers <= comparison_target, f"<= {comparison_target}")

    def assertAllInRange(
        self,
        target: Any,
        lower_bound: Any,
        upper_bound: Any,
        open_lower_bound: bool = False,
        open_upper_bound: bool = False,
    ) -> None:
        """Check that all elements lie in an interval, open or closed at either end.

        Raises:
            AssertionError: if one does not, is NaN, or the type is not numeric.
        """
        numbers = self._array(target)
        if numbers.dtype.kind not in "iufV":
            raise AssertionError(
                f"The value of {target} does not have an ordered numeric type, instead it has {numbers.dtype}"
            )
        lower = (lambda x: x > lower_bound) if open_lower_bound else (lambda x: x >= lower_bound)
        upper = (lambda x: x < upper_bound) if open_upper_bound else (lambda x: x <= upper_bound)
        interval = f"{'(' if open_lower_bound else '['}{lower_bound}, {upper_bound}{')' if open_upper_bound else ']'}"
        self._check_all(numbers, lambda x: np.logical_and(lower(x), upper(x)), f"in {interval}")

    def assertAllInSet(self, target: Any, expected_set: Any) -> None:
        """Check that all elements are among some values."""
        found = set(self._array(target).reshape(-1).tolist())
        strange = found - {item.encode() if isinstance(item, str) else item for item in expected_set}
        if strange:
            raise AssertionError(
                f"{len(strange)} elements are not in {expected_set!r}: {sorted(strange, key=repr)[:10]}"
            )

    def assertStartsWith(self, actual: Any, expected_start: Any, msg: str | None = None) -> None:
        """Check how a text begins."""
        if not actual.startswith(expected_start):
            self.fail(f"{actual!r} does not start with {expected_start!r}{f' : {msg}' if msg else ''}")

    def assertProtoEquals(
        self,
        expected_message_maybe_ascii: Any,
        validate_message: Any,
        msg: str | None = None,
        relative_tolerance: Any = None,
    ) -> None:
        """Check that two protocol messages are equal; the expected one may be given in text format."""
        expected = expected_message_maybe_ascii
        if not hasattr(expected, "SerializeToString"):
            if not isinstance(expected, (str, bytes)):
                self.fail(f"Can't compare protos of type {type(expected)} and {type(validate_message)}")
            expected = text_format.Parse(expected, type(validate_message)())
        self.assertEqual(type(expected), type(validate_message), msg=msg)
        if expected != validate_message:
            self.assertMultiLineEqual(str(expected), str(validate_message), msg=msg)

    # Errors

    @contextlib.contextmanager
    def assertRaisesWithPredicateMatch(  # type: ignore[override]
        self, exception_type: Any, expected_err_re_or_predicate: Any
    ) -> Iterator[None]:
        """Check that the block raises an error that a predicate accepts.

        Args:
            exception_type: its class.
            expected_err_re_or_predicate: a function of the error, or a regular expression to find in its message or in
                the names of the operations that it names.
        """

        def matches(error: BaseException) -> bool:
            if callable(expected_err_re_or_predicate):
                return bool(expected_err_re_or_predicate(error))
            text = error.message if isinstance(error, errors.OpError) else str(error)
            op = error.op if isinstance(error, errors.OpError) else None
            while op is not None:
                text += f"\nCaused by: {op.name}"
                op = getattr(op, "_original_op", None)
            return re.search(expected_err_re_or_predicate, text) is not None

        try:
            yield
        except exception_type as error:
            if not matches(error):
                raise AssertionError(f"Exception of type {type(error)}: {error}") from error
        else:
            self.fail(f"{getattr(exception_type, '__name__', exception_type)} not raised")

    def assertRaisesOpError(self, expected_err_re_or_predicate: Any) -> Any:
        """Check that the block raises an OpError. See `assertRaisesWithPredicateMatch`."""
        return self.assertRaisesWithPredicateMatch(errors.OpError, expected_err_re_or_predicate)

    def assertRaisesIncompatibleShapesError(self, exception_type: Any = errors.InvalidArgumentError) -> Any:
        """Check that the block raises an error about shapes that do not fit."""
        return self.assertRaisesWithPredicateMatch(
            exception_type, r"(?i)incompatible shapes|broadcastable shapes|shapes .* (must|cannot)|must agree"
        )


class _Captured:
    """What was written to a stream."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._contents: str | None = None

    def contents(self) -> str:
        """Return all that has been written so far, as text."""
        if self._contents is not None:
            return self._contents
        position = self._file.tell()
        self._file.seek(0)
        data = self._file.read()
        self._file.seek(position)
        return data.decode("utf-8", "replace")

    def finish(self) -> None:
        """Keep the contents beyond the life of the file."""
        self._contents = self.contents()


class _CheckedThread:
    """A thread whose exception is raised where it is joined."""

    def __init__(self, test: TestCase, target: Callable[..., Any], args: Any, kwargs: Any) -> None:
        self._test = test
        self._target = target
        self._args, self._kwargs = args, kwargs
        self._thread = threading.Thread(target=self._run)
        self._exception: BaseException | None = None
        self._joined = False

    def _run(self) -> None:
        try:
            self._target(*self._args, **self._kwargs)
        except Exception as error:
            self._exception = error

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def join(self) -> None:
        """Wait for the thread, and fail the test if it raised."""
        self._joined = True
        self._thread.join()
        if self._exception is not None:
            self._test.fail(f"Error in checkedThread: {self._exception!r}")

    def is_alive(self) -> bool:
        """Tell whether the thread still runs."""
        return self._thread.is_alive()

    def check_termination(self) -> None:
        """Fail the test if the thread was not joined."""
        if not self._joined and self._thread.ident is not None:
            self._test.fail("A checked thread was not joined.")


def _on_device(session: Session, use_gpu: bool) -> Any:
    return contextlib.nullcontext() if use_gpu else session.graph.device("/device:CPU:0")


def _is_symbolic(value: Any) -> bool:
    if isinstance(value, EagerTensor):
        return False
    return isinstance(value, Tensor) or hasattr(value, "_gradient_source") and not context.executing_eagerly()


def _numpy(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)):
        return value
    return value.numpy() if hasattr(value, "numpy") else value


def _is_uneven(items: Sequence[Any]) -> bool:
    """Tell whether items form no array: they are nests, or of several shapes."""
    shapes = set()
    for item in items:
        if isinstance(item, (list, tuple)):
            if _is_uneven(item):
                return True
            shapes.add(np.shape([_numpy(each) for each in item]) if not any(map(_is_symbolic, item)) else ())
        elif isinstance(item, Mapping):
            return True
        else:
            shapes.add(tuple(getattr(item, "shape", ())))
    return len(shapes) > 1


def main(argv: list[str] | None = None) -> None:
    """Run the tests of the program, with the command line's flags parsed."""
    absltest.main(argv=argv)


def get_temp_dir() -> str:
    """Return a folder for temporary files of tests."""
    path = absltest.get_default_test_tmpdir()
    os.makedirs(path, exist_ok=True)
    return path


def test_src_dir_path(relative_path: str) -> str:
    """Return the path of a file of this package, given relative to its folder."""
    return os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), relative_path)


test_src_dir_path.__test__ = False  # type: ignore[attr-defined]
TestCase.test_session.__test__ = False  # type: ignore[attr-defined]


def disable_with_predicate(pred: Callable[[], bool], skip_message: str) -> Callable[..., Any]:
    """Return a decorator that skips a test where `pred()` is true."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        return unittest.skipIf(pred(), skip_message)(function)

    return decorate
