"""Where the values of a step wait."""

from __future__ import annotations

import threading

import pytest

from penstock.core.cancellation import Cancellation
from penstock.core.errors import CancelledError, DeadlineExceededError, InternalError
from penstock.ops.rendezvous import rendezvous_key
from penstock.runtime.rendezvous import LocalRendezvous

KEY = "/job:a/replica:0/task:0/device:CPU:0;00000000000000ff;/job:a/replica:0/task:0/device:CPU:1;edge_3_x;0:0"


def test_keys_are_tensorflows():
    attrs = {
        "send_device": "/job:a/replica:0/task:0/device:CPU:0",
        "send_device_incarnation": 255,
        "recv_device": "/job:a/replica:0/task:0/device:CPU:1",
        "tensor_name": "edge_3_x",
    }
    assert rendezvous_key(attrs) == KEY
    assert rendezvous_key({**attrs, "send_device_incarnation": -1}).split(";")[1] == "f" * 16


def test_what_was_sent_is_received_once():
    rendezvous = LocalRendezvous(Cancellation(timeout_s=0.01))
    rendezvous.send(KEY, 5)
    assert rendezvous.receive(KEY) == 5
    with pytest.raises(DeadlineExceededError, match="device:CPU:0 to send .*edge_3_x"):
        rendezvous.receive(KEY)


def test_a_key_is_sent_once():
    rendezvous = LocalRendezvous(Cancellation())
    rendezvous.send(KEY, 5)
    with pytest.raises(InternalError, match="edge_3_x"):
        rendezvous.send(KEY, 5)


def test_who_waits_gives_up_the_processor_meanwhile_and_gets_the_value():
    left, calls, found = threading.Event(), [], []
    rendezvous = LocalRendezvous(Cancellation(), leave=left.set, enter=lambda: calls.append("enter"))
    thread = threading.Thread(target=lambda: found.append(rendezvous.receive(KEY)))
    thread.start()
    assert left.wait(30)
    rendezvous.send("another key", 0)
    rendezvous.send(KEY, 5)
    thread.join(30)
    assert found == [5] and calls == ["enter"]


def test_cancelling_wakes_who_waits():
    run, waits, errors = Cancellation(), threading.Event(), []
    rendezvous = LocalRendezvous(run, leave=waits.set, enter=lambda: None)

    def work():
        try:
            rendezvous.receive(KEY)
        except CancelledError as error:
            errors.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    assert waits.wait(30)
    run.cancel("enough")
    thread.join(30)
    assert errors == ["enough"]
