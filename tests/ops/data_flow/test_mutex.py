"""Locks as values."""

from __future__ import annotations

import threading

import pytest

import penstock.v1 as tf
from penstock.core.cancellation import Interruption
from penstock.ops.data_flow.mutex import Mutex

COVERS = ("ConsumeMutexLock", "MutexLock", "MutexV2")


def test_a_lock_is_had_once_at_a_time():
    mutex, order = Mutex("mutex"), []
    lock = mutex.lock(Interruption())

    def wait():
        other = mutex.lock(Interruption())
        order.append("other")
        other.release()

    thread = threading.Thread(target=wait)
    thread.start()
    order.append("first")
    lock.release()
    thread.join(30)
    assert order == ["first", "other"]


def test_a_lock_that_is_dropped_is_free_again():
    mutex = Mutex("mutex")
    lock = mutex.lock(Interruption())
    del lock
    mutex.lock(Interruption()).release()


def test_waiting_ends_with_the_time_of_the_run():
    with tf.Graph().as_default(), tf.Session() as session:
        mutex = tf.raw_ops.MutexV2()
        lock = tf.raw_ops.MutexLock(mutex=mutex)
        with tf.control_dependencies([lock]):
            again = tf.raw_ops.MutexLock(mutex=mutex)
        with tf.control_dependencies([again]):
            both = tf.raw_ops.ConsumeMutexLock(mutex_lock=lock)
        with pytest.raises(tf.errors.DeadlineExceededError):
            session.run(both, options=tf.RunOptions(timeout_in_ms=50))
        session.run(tf.raw_ops.ConsumeMutexLock(mutex_lock=lock))
