from __future__ import annotations

import os
import sys
import unittest

import numpy as np
import pytest

import penstock.ops  # noqa: F401
from penstock.core.convert import convert_to_tensor
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph, get_default_graph
from penstock.formats import protos
from penstock.ops.array.shaping import reshape
from penstock.ops.constant import constant
from penstock.ops.random.functions import random_uniform
from penstock.testing import test_case as module


def run(test, **members):
    """Run one method as a test of a TestCase, and return the result."""
    case = type("Case", (module.TestCase,), {**members, "test": test})
    result = unittest.TestResult()
    case("test").run(result)
    return result


def succeeds(test, **members):
    result = run(test, **members)
    assert result.wasSuccessful() and result.testsRun == 1, [*result.failures, *result.errors]


def fails(test, text=""):
    result = run(test)
    assert len(result.failures) == 1, result.errors
    assert text in result.failures[0][1]


@pytest.mark.parametrize("value", [[1.0, 2.0], {"a": [1, 2], "b": (3.0, [4.0])}, 1.5, [[1.0], [2.0, 3.0]]])
def test_all_close_takes_numbers_and_nests(value):
    succeeds(lambda self: self.assertAllClose(value, value))


def test_all_close_takes_tensors():
    succeeds(lambda self: self.assertAllClose(constant([1.0, 2.0]), [1.0, 2.0 + 1e-7]))
    fails(lambda self: self.assertAllClose(constant([1.0, 2.0]), [1.0, 2.1]), "1 of 2 elements differ")
    fails(lambda self: self.assertAllClose([1.0, 2.0], [[1.0, 2.0]]), "Shape mismatch: expected (2,), got (1, 2)")
    fails(lambda self: self.assertAllClose({"a": 1.0}, {"a": 2.0}), "a['a']")
    succeeds(lambda self: self.assertNotAllClose([1.0], [1.1]))
    fails(lambda self: self.assertNotAllClose([1.0], [1.0]))
    succeeds(lambda self: self.assertAllClose([np.nan, np.inf], [np.nan, np.inf]))


def test_tolerance_follows_the_less_exact_type():
    halves = np.float16([1.0])
    succeeds(lambda self: self.assertAllCloseAccordingToType(halves, halves + np.float16(0.001)))
    fails(lambda self: self.assertAllCloseAccordingToType(np.float32([1.0]), np.float32([1.001])))


def test_all_equal():
    succeeds(lambda self: self.assertAllEqual(constant([b"a", b"b"]), ["a", "b"]))
    succeeds(lambda self: self.assertAllEqual([1.0, np.nan], [1.0, np.nan]))
    fails(lambda self: self.assertAllEqual([1, 2], [1, 3]), "not equal: 1 of 2")
    succeeds(lambda self: self.assertNotAllEqual([1, 2], [1, 3]))


def test_near():
    succeeds(lambda self: self.assertNear(1.0, 1.1, 0.2))
    fails(lambda self: self.assertNear(1.0, 1.3, 0.2), "1.0 != 1.3 +/- 0.2")
    succeeds(lambda self: self.assertArrayNear([1.0, 2.0], [1.1, 2.1], 0.2))
    succeeds(lambda self: self.assertNDArrayNear(np.ones(3), np.ones(3), 1e-6))
    fails(lambda self: self.assertNDArrayNear(np.ones(3), np.zeros(3), 1e-6))


def test_ranges_of_elements():
    succeeds(lambda self: self.assertAllGreater(constant([2, 3]), 1))
    fails(lambda self: self.assertAllGreater([2, 3], 2), "1 of 2 elements are not > 2")
    succeeds(lambda self: self.assertAllLessEqual([2, 3], 3))
    succeeds(lambda self: self.assertAllInRange([2, 3], 2, 3))
    fails(lambda self: self.assertAllInRange([2, 3], 2, 3, open_lower_bound=True), "in (2, 3]")
    succeeds(lambda self: self.assertAllInSet([1, 2, 1], {1, 2}))
    fails(lambda self: self.assertAllInSet([1, 4], {1, 2}), "[4]")


def test_shapes_types_and_devices():
    succeeds(lambda self: self.assertShapeEqual(np.ones([2, 3]), constant(np.ones([2, 3]))))
    fails(lambda self: self.assertShapeEqual(np.ones([2, 3]), constant(np.ones([3]))))
    succeeds(lambda self: self.assertDTypeEqual(constant(1.0), np.float32))
    succeeds(lambda self: self.assertDeviceEqual("/cpu:0", "/device:CPU:0"))


def test_protocol_messages_are_compared_with_text():
    message = protos.Summary(value=[protos.Summary.Value(tag="loss", simple_value=2.0)])
    succeeds(lambda self: self.assertProtoEquals("value { tag: 'loss' simple_value: 2.0 }", message))
    fails(lambda self: self.assertProtoEquals("value { tag: 'gain' }", message), "gain")


def test_errors_are_matched_by_text_or_predicate():
    def failing(self):
        with self.assertRaisesOpError("cannot be reshaped|elements|must"):
            reshape([1.0, 2.0], [3])

    succeeds(failing)

    def predicate(self):
        with self.assertRaisesWithPredicateMatch(ValueError, lambda error: "boom" in str(error)):
            raise ValueError("boom")

    succeeds(predicate)

    def silent(self):
        with self.assertRaisesOpError("anything"):
            pass

    fails(silent, "not raised")

    def other(self):
        with self.assertRaisesOpError("something else"):
            raise InvalidArgumentError(None, None, "this")

    fails(other, "this")


def test_each_test_starts_with_an_empty_graph_and_the_same_seed(graph_mode):
    drawn = []

    def test(self):
        assert not get_default_graph().get_operations()
        with self.session():
            drawn.append(self.evaluate(random_uniform([2])).tolist())
        drawn.append(np.random.random())

    succeeds(test)
    succeeds(test)
    assert drawn[:2] == drawn[2:]


def test_evaluate_works_eagerly_and_in_graphs(graph_mode):
    def in_graph(self):
        with self.cached_session() as session:
            value = constant([1.0, 2.0])
            self.assertAllEqual(self.evaluate({"v": value})["v"], [1.0, 2.0])
            self.assertAllClose(value, [1.0, 2.0])
        with self.cached_session() as again:
            self.assertIs(session, again)
        with self.test_session(graph=Graph()) as other:
            self.assertIsNot(session, other)

    succeeds(in_graph)


def test_evaluate_returns_numpy_values_eagerly():
    def eager(self):
        with self.session() as session:
            self.assertIsNone(session)
            self.assertIsInstance(self.evaluate(constant([1.0])), np.ndarray)

    succeeds(eager)


def test_temporary_folders_vanish_after_the_test():
    seen = []

    def test(self):
        seen.append(self.get_temp_dir())
        self.assertTrue(os.path.isdir(seen[0]))
        self.assertEqual(seen[0], self.get_temp_dir())

    succeeds(test)
    assert not os.path.exists(seen[0])
    assert os.path.isdir(module.get_temp_dir())


def test_writes_to_a_stream_are_captured(tmp_path):
    def test(self):
        with open(tmp_path / "log", "w") as stream, self.captureWritesToStream(stream) as captured:
            stream.write("hello")
        self.assertEqual(captured.contents(), "hello")

    succeeds(test)


def test_exceptions_of_checked_threads_fail_the_test():
    def test(self):
        def target():
            raise ValueError("boom")

        thread = self.checkedThread(target)
        thread.start()
        thread.join()

    fails(test, "boom")


def test_no_gpu_is_claimed():
    assert not module.is_gpu_available()
    assert module.gpu_device_name() == ""
    assert not module.is_built_with_xla()


def test_test_session_is_not_run_as_a_test():
    result = unittest.TestResult()
    module.TestCase("test_session").run(result)
    assert len(result.skipped) == 1
    assert sys.modules[module.__name__].TestCase.test_session.__test__ is False


def test_tests_may_convert_eagerly():
    succeeds(lambda self: self.assertEqual(self.evaluate(convert_to_tensor(3)), 3))
