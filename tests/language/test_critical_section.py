"""Critical sections: one execution at a time, in graphs, eagerly and in functions."""

from __future__ import annotations

import threading

import pytest

import penstock as tf
import penstock.compat.v1 as v1


def test_results_come_back_in_their_structure():
    section = tf.CriticalSection()
    result = section.execute(lambda: {"a": (tf.constant(1), tf.constant(2.0))})
    assert (int(result["a"][0]), float(result["a"][1])) == (1, 2.0)


def test_updates_of_many_threads_do_not_mix():
    section, total = tf.CriticalSection(), tf.Variable(0)

    def add():
        for _ in range(50):
            section.execute(lambda: total.assign(total.read_value() + 1))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert int(total) == 200


def test_functions_and_graphs_can_have_them():
    section, total = tf.CriticalSection(), tf.Variable(0.0)

    @tf.function
    def add():
        return section.execute(lambda: total.assign_add(1.0))

    assert (float(add()), float(add())) == (1.0, 2.0)
    with tf.Graph().as_default() as graph, v1.Session() as session:
        section = tf.CriticalSection(name="section")
        assert section.name == "section"
        variable = v1.get_variable("v", initializer=0.0)
        added = section.execute(lambda: variable.assign_add(1.0))
        session.run(variable.initializer)
        assert (session.run(added), session.run(added)) == (1.0, 2.0)
        kinds = [op.type for op in graph.get_operations() if "Mutex" in op.type]
        assert kinds == ["MutexV2", "MutexLock", "ConsumeMutexLock"]


def test_a_failed_execution_gives_the_section_back():
    with tf.Graph().as_default(), v1.Session() as session:
        section, value = tf.CriticalSection(), v1.placeholder(tf.float32, [])
        checked = section.execute(lambda: tf.debugging.check_numerics(value, "not a number"))
        with pytest.raises(tf.errors.InvalidArgumentError) as caught:
            session.run(checked, {value: float("nan")})
        assert session.run(checked, {value: 1.0}, options=v1.RunOptions(timeout_in_ms=10_000)) == 1.0
        assert "not a number" in str(caught.value)
    section = tf.CriticalSection()
    with pytest.raises(ZeroDivisionError):
        section.execute(lambda: 1 // 0)
    assert int(section.execute(lambda: tf.constant(3))) == 3


def test_misuse_is_refused():
    section = tf.CriticalSection()
    with pytest.raises(ValueError, match="already running"):
        section.execute(lambda: section.execute(lambda: tf.constant(1)))
    with pytest.raises(ValueError, match="critical_section_def"):
        tf.CriticalSection(critical_section_def=object())
    with tf.Graph().as_default():
        variable = v1.get_variable("v", initializer=0.0)
        first, second = tf.CriticalSection(), tf.CriticalSection()
        first.execute(lambda: variable.assign_add(1.0))
        with pytest.raises(ValueError, match="exclusive_resource_access"):
            second.execute(lambda: variable + 1.0, exclusive_resource_access=False)
        free = v1.get_variable("w", initializer=0.0)
        first.execute(lambda: free + 1.0, exclusive_resource_access=False)
        second.execute(lambda: free + 1.0, exclusive_resource_access=False)
