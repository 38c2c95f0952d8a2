"""Stopping runs."""

from __future__ import annotations

import threading

import pytest

from penstock.core.cancellation import Cancellation, Interruption
from penstock.core.errors import CancelledError, DeadlineExceededError


def test_a_run_goes_on_until_it_is_cancelled_and_the_first_reason_stays():
    run = Cancellation()
    run.check()
    run.cancel("first")
    run.cancel("second")
    with pytest.raises(CancelledError, match="first"):
        run.check()


def test_a_deadline_that_has_passed_ends_the_run():
    with pytest.raises(DeadlineExceededError, match="operation_timeout_in_ms"):
        Cancellation(timeout_s=0.0).check()
    assert Cancellation().remaining_s() is None
    assert 0 < Cancellation(timeout_s=60.0).remaining_s() <= 60


def test_a_part_of_a_run_ends_with_it_and_not_the_other_way_round():
    whole = Cancellation(timeout_s=60.0)
    part, other = Cancellation(outer=whole), Cancellation(outer=whole)
    assert part.remaining_s() is not None
    part.cancel("part")
    other.check()
    whole.cancel("whole")
    with pytest.raises(CancelledError, match="whole"):
        other.check()


def test_callbacks_are_called_once_and_only_within_their_block():
    run, calls = Cancellation(), []
    with run.notifying(lambda: calls.append("outside")):
        pass
    with run.notifying(lambda: calls.append("inside")):
        run.cancel("stop")
        run.cancel("again")
    assert calls == ["inside"]


def test_an_interruption_knows_the_run_of_each_thread():
    interruption, run = Interruption(), Cancellation()
    run.cancel("stop")
    assert not interruption.requested
    with interruption.running(run):
        assert interruption.requested
        with pytest.raises(CancelledError, match="stop"):
            interruption.check()
        thread = threading.Thread(target=interruption.check)  # another thread is not concerned
        thread.start()
        thread.join()
        with interruption.running(Cancellation()):
            interruption.check()
        with pytest.raises(CancelledError, match="stop"):
            interruption.check()
    assert not interruption.requested
    interruption.check()


def wait_on_a_thread(interruption, run=None):
    """Return the errors that a thread meets that waits for ever, after `stop` was called once it waits."""
    condition, waits, errors = threading.Condition(), threading.Event(), []

    def never():
        waits.set()
        return False

    def work():
        try:
            with condition:
                if run is None:
                    interruption.wait_for(condition, never)
                else:
                    with interruption.running(run):
                        interruption.wait_for(condition, never)
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert waits.wait(30)
    return thread, errors


@pytest.mark.parametrize("run", [None, Cancellation(), Cancellation(timeout_s=600)])
def test_closing_wakes_what_waits(run):
    interruption = Interruption()
    thread, errors = wait_on_a_thread(interruption, run)
    interruption.close()
    thread.join(30)
    assert [type(error) for error in errors] == [CancelledError]
    with pytest.raises(CancelledError, match="closed"):
        interruption.check()


def test_cancelling_wakes_what_waits():
    interruption, run = Interruption(), Cancellation()
    thread, errors = wait_on_a_thread(interruption, run)
    run.cancel("enough")
    thread.join(30)
    assert "enough" in str(errors[0])


def test_waiting_ends_with_the_deadline():
    interruption, condition = Interruption(), threading.Condition()
    with condition, interruption.running(Cancellation(timeout_s=0.05)), pytest.raises(DeadlineExceededError):
        interruption.wait_for(condition, lambda: False)


def test_waiting_ends_when_the_predicate_holds():
    interruption, condition, values = Interruption(), threading.Condition(), []

    def put():
        with condition:
            values.append(1)
            condition.notify_all()

    thread = threading.Thread(target=put)
    with condition:
        thread.start()
        interruption.wait_for(condition, lambda: bool(values))
    thread.join()
    assert values == [1]
