from __future__ import annotations

import pytest

from penstock.train.monitored.timers import SecondOrStepTimer


def test_steps_are_counted_from_the_last_time():
    timer = SecondOrStepTimer(every_steps=3)
    assert timer.last_triggered_step() is None
    assert timer.should_trigger_for_step(5)
    assert timer.update_last_triggered_step(5) == (None, None)
    assert [timer.should_trigger_for_step(step) for step in (5, 7, 8, 20)] == [False, False, True, True]
    seconds, steps = timer.update_last_triggered_step(9)
    assert steps == 4 and seconds is not None and seconds >= 0
    timer.reset()
    assert timer.should_trigger_for_step(9)


def test_seconds_are_counted_from_the_last_time(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("time.time", lambda: now[0])
    timer = SecondOrStepTimer(every_secs=10)
    timer.update_last_triggered_step(1)
    now[0] = 109.0
    assert not timer.should_trigger_for_step(2)
    now[0] = 110.0
    assert timer.should_trigger_for_step(2)
    assert not timer.should_trigger_for_step(1)
    assert timer.update_last_triggered_step(2) == (10.0, 1)


@pytest.mark.parametrize(("secs", "steps"), [(None, None), (1, 2)])
def test_exactly_one_interval_is_given(secs, steps):
    with pytest.raises(ValueError, match="every_secs"):
        SecondOrStepTimer(secs, steps)
