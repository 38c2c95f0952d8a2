from __future__ import annotations

import pytest

from penstock.core import context
from penstock.core.errors import UnimplementedError
from penstock.distribute import strategy as distribute


def test_the_default_strategy_is_one_replica() -> None:
    assert not distribute.has_strategy() and not distribute.in_cross_replica_context()
    assert distribute.get_strategy().num_replicas_in_sync == 1
    assert distribute.get_strategy().run(lambda x: x + 1, (1,)) == 2


def test_a_scope_is_a_cross_replica_context_and_run_a_replica() -> None:
    strategy = distribute.OneDeviceStrategy("/device:CPU:0")
    with context.eager_mode(), strategy.scope():
        assert distribute.get_strategy() is strategy and distribute.in_cross_replica_context()
        inside = strategy.run(lambda: distribute.get_replica_context())
        assert inside is not None and inside.strategy is strategy
    assert not distribute.has_strategy()


def test_reduce_reduces_an_axis_too() -> None:
    with context.eager_mode():
        assert float(distribute.get_strategy().reduce("sum", [1.0, 2.0], axis=0)) == 3.0
        assert float(distribute.get_strategy().reduce("MEAN", [1.0, 2.0], axis=0)) == 1.5


def test_several_devices_are_refused() -> None:
    with pytest.raises(UnimplementedError, match="one replica"):
        distribute.MirroredStrategy(["CPU:0", "CPU:1"])
