"""Strategies with one replica, and the strategy in scope."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from penstock.core.errors import UnimplementedError
from penstock.data.structure import map_leaves
from penstock.distribute.values import DistributedValues, ReduceOp
from penstock.language.control_flow import group as group_operations
from penstock.language.graph_functions import device as device_scope
from penstock.ops.constant import identity
from penstock.ops.math.reduce import reduce_mean, reduce_sum


class _Thread(threading.local):
    """The strategies and replica contexts that a thread has entered; None stands for the cross-replica context."""

    def __init__(self) -> None:
        self.stack: list[tuple[Strategy, ReplicaContext | None]] = []


_thread = _Thread()


class ReplicaContext:
    """What a function called by `Strategy.run` knows of its replica.

    Args:
        strategy: the strategy.
        replica_id_in_sync_group: the number of the replica.
    """

    def __init__(self, strategy: Strategy, replica_id_in_sync_group: Any) -> None:
        self._strategy = strategy
        self._replica_id = replica_id_in_sync_group

    @property
    def strategy(self) -> Strategy:
        """The strategy."""
        return self._strategy

    @property
    def num_replicas_in_sync(self) -> int:
        """The number of replicas whose gradients are joined."""
        return self._strategy.num_replicas_in_sync

    @property
    def replica_id_in_sync_group(self) -> Any:
        """The number of this replica."""
        return self._replica_id

    @property
    def devices(self) -> tuple[str, ...]:
        """The devices of this replica."""
        return self._strategy.extended.worker_devices

    def merge_call(self, merge_fn: Callable[..., Any], args: Sequence[Any] = (), kwargs: Any = None) -> Any:
        """Return `merge_fn(strategy, *args, **kwargs)`, called once for all replicas."""
        with _entered(self._strategy, None):
            return merge_fn(self._strategy, *args, **(kwargs or {}))

    def all_reduce(self, reduce_op: Any, value: Any, options: Any = None) -> Any:
        """Return what the values of all replicas become, nested as `value`."""
        ReduceOp.of(reduce_op)
        return map_leaves(identity, value) if isinstance(value, (tuple, dict)) else value

    def all_gather(self, value: Any, axis: int, options: Any = None) -> Any:
        """Return the values of all replicas, joined along an axis."""
        return value

    def __enter__(self) -> None:
        _thread.stack.append((self._strategy, self))

    def __exit__(self, exception_type: Any, exception_value: Any, traceback: Any) -> None:
        _thread.stack.pop()


@contextlib.contextmanager
def _entered(strategy: Strategy, context: ReplicaContext | None) -> Iterator[None]:
    _thread.stack.append((strategy, context))
    try:
        yield
    finally:
        _thread.stack.pop()


class StrategyExtended:
    """What libraries ask of a strategy.

    Args:
        container_strategy: the strategy.
        device: the device of its one replica.
    """

    def __init__(self, container_strategy: Strategy, device: str = "/device:CPU:0") -> None:
        self._strategy = container_strategy
        self._device = device

    experimental_require_static_shapes = False
    should_checkpoint = True
    should_save_summary = True

    def _in_multi_worker_mode(self) -> bool:
        return False

    def _use_merge_call(self) -> bool:
        return True

    @property
    def worker_devices(self) -> tuple[str, ...]:
        """The devices that replicas run on."""
        return (self._device,)

    @property
    def parameter_devices(self) -> tuple[str, ...]:
        """The devices that variables live on."""
        return (self._device,)

    def update(
        self, var: Any, fn: Callable[..., Any], args: Sequence[Any] = (), kwargs: Any = None, group: bool = True
    ) -> Any:
        """Return `fn(var, *args, **kwargs)`, called where the variable lives."""
        result = fn(var, *args, **(kwargs or {}))
        if group:
            return None if result is None else group_operations(result)
        return result

    def call_for_each_replica(self, fn: Callable[..., Any], args: Sequence[Any] = (), kwargs: Any = None) -> Any:
        """Return what a function returns on each replica."""
        return self._strategy.run(fn, args, kwargs)

    def reduce_to(self, reduce_op: Any, value: Any, destinations: Any, options: Any = None) -> Any:
        """Return what the values of all replicas become."""
        return value

    def batch_reduce_to(self, reduce_op: Any, value_destination_pairs: Any, options: Any = None) -> list[Any]:
        """Return what each of several values becomes."""
        return [value for value, _ in value_destination_pairs]

    @contextlib.contextmanager
    def colocate_vars_with(self, colocate_with_variable: Any) -> Iterator[None]:
        """Make variables within the block live where another does."""
        yield

    def variable_created_in_scope(self, v: Any) -> bool:
        """Tell whether a variable belongs to this strategy."""
        return True

    def value_container(self, value: Any) -> Any:
        """Return the distributed variable that a replica's variable belongs to."""
        return value


class Strategy:
    """How a program runs on devices: here, as one replica.

    Args:
        extended: what libraries ask of it.
    """

    def __init__(self, extended: StrategyExtended | None = None) -> None:
        self._extended = StrategyExtended(self) if extended is None else extended

    @property
    def extended(self) -> StrategyExtended:
        """What libraries ask of the strategy."""
        return self._extended

    @property
    def num_replicas_in_sync(self) -> int:
        """The number of replicas whose gradients are joined."""
        return 1

    @property
    def cluster_resolver(self) -> None:
        """What describes the cluster; there is none."""
        return None

    @contextlib.contextmanager
    def _scoped(self) -> Iterator[Strategy]:
        with _entered(self, None), device_scope(self._extended.worker_devices[0]):
            yield self

    def scope(self) -> Any:
        """Make this the current strategy within a block; variables made there are the strategy's."""
        return self._scoped()

    def run(self, fn: Callable[..., Any], args: Sequence[Any] = (), kwargs: Any = None, options: Any = None) -> Any:
        """Call a function on each replica, with that replica's values."""
        with ReplicaContext(self, 0):
            return fn(*args, **(kwargs or {}))

    def reduce(self, reduce_op: Any, value: Any, axis: Any) -> Any:
        """Return the sum or mean of all replicas' values, also along `axis` unless that is None."""
        operation = ReduceOp.of(reduce_op)
        if axis is None:
            return value
        return (reduce_sum if operation is ReduceOp.SUM else reduce_mean)(value, axis)

    def gather(self, value: Any, axis: int) -> Any:
        """Return the values of all replicas, joined along an axis."""
        return value

    def group(self, value: Any, name: str | None = None) -> Any:
        """Return one operation that runs what all replicas returned."""
        return group_operations(value, name=name)

    def unwrap(self, value: Any) -> tuple[Any, ...]:
        """Return the values of the replicas in this process."""
        return self.experimental_local_results(value)

    def experimental_local_results(self, value: Any) -> tuple[Any, ...]:
        """Return the values of the replicas in this process."""
        return value.values if isinstance(value, DistributedValues) else (value,)

    def experimental_distribute_dataset(self, dataset: Any, options: Any = None) -> Any:
        """Return a dataset whose batches are spread over the replicas."""
        return dataset

    def distribute_datasets_from_function(self, dataset_fn: Callable[..., Any], options: Any = None) -> Any:
        """Return the dataset that a function makes for this worker."""
        return dataset_fn(InputContext())

    def experimental_distribute_datasets_from_function(self, dataset_fn: Any, options: Any = None) -> Any:
        """Return the dataset that a function makes for this worker."""
        return self.distribute_datasets_from_function(dataset_fn, options)

    def experimental_distribute_values_from_function(self, value_fn: Callable[..., Any]) -> Any:
        """Return the value that a function makes for each replica."""
        return value_fn(ValueContext())

    def __copy__(self) -> Strategy:
        raise RuntimeError("Must only deepcopy DistributionStrategy.")

    def __deepcopy__(self, memo: Any) -> Strategy:
        return self


class InputContext:
    """What a function that makes a worker's dataset knows.

    Args:
        num_input_pipelines: the number of workers.
        input_pipeline_id: the number of this one.
        num_replicas_in_sync: the number of replicas.
    """

    def __init__(self, num_input_pipelines: int = 1, input_pipeline_id: int = 0, num_replicas_in_sync: int = 1) -> None:
        self.num_input_pipelines = num_input_pipelines
        self.input_pipeline_id = input_pipeline_id
        self.num_replicas_in_sync = num_replicas_in_sync

    def get_per_replica_batch_size(self, global_batch_size: int) -> int:
        """Return the share of one replica.

        Raises:
            ValueError: if it is no whole number.
        """
        if global_batch_size % self.num_replicas_in_sync:
            raise ValueError(
                f"The `global_batch_size` {global_batch_size!r} is not divisible by `num_replicas_in_sync` "
                f"{self.num_replicas_in_sync!r}"
            )
        return global_batch_size // self.num_replicas_in_sync


class ValueContext:
    """What a function that makes a replica's value knows."""

    def __init__(self, replica_id_in_sync_group: int = 0, num_replicas_in_sync: int = 1) -> None:
        self.replica_id_in_sync_group = replica_id_in_sync_group
        self.num_replicas_in_sync = num_replicas_in_sync


class OneDeviceStrategy(Strategy):
    """Everything on one device.

    Args:
        device: its name.
    """

    def __init__(self, device: str) -> None:
        super().__init__(StrategyExtended(self, device))


class MirroredStrategy(Strategy):
    """One replica on each device of a machine, with variables that stay alike.

    Args:
        devices: one device; by default the first.
        cross_device_ops: accepted.
    Raises:
        UnimplementedError: for several devices.
    """

    def __init__(self, devices: Any = None, cross_device_ops: Any = None) -> None:
        names = [devices] if isinstance(devices, str) else list(devices or ["/device:CPU:0"])
        if len(names) > 1:
            raise UnimplementedError(
                None,
                None,
                f"MirroredStrategy runs one replica in this build, got the devices {names}. Name one device.",
            )
        super().__init__(StrategyExtended(self, names[0]))


class MultiWorkerMirroredStrategy(MirroredStrategy):
    """One replica on each device of several machines; alone, the one worker of a cluster.

    Args:
        cluster_resolver, communication_options: accepted for a cluster of this process alone.
    """

    def __init__(self, cluster_resolver: Any = None, communication_options: Any = None) -> None:
        super().__init__()


class TPUStrategy(Strategy):
    """Replicas on the cores of TPUs, which this build has no kernels for.

    Raises:
        UnimplementedError: always.
    """

    def __init__(
        self,
        tpu_cluster_resolver: Any = None,
        experimental_device_assignment: Any = None,
        experimental_spmd_xla_partitioning: bool = False,
    ) -> None:
        raise UnimplementedError(None, None, "there are no TPU kernels here; use OneDeviceStrategy or MirroredStrategy")


class _DefaultStrategy(Strategy):
    """What is in scope where no strategy was entered."""

    def run(self, fn: Callable[..., Any], args: Sequence[Any] = (), kwargs: Any = None, options: Any = None) -> Any:
        return fn(*args, **(kwargs or {}))


_default_strategy = _DefaultStrategy()
_default_context = ReplicaContext(_default_strategy, 0)
_global: list[Strategy] = []


def get_strategy() -> Strategy:
    """Return the strategy in scope, the default one outside all scopes."""
    if _thread.stack:
        return _thread.stack[-1][0]
    return _global[-1] if _global else _default_strategy


def has_strategy() -> bool:
    """Tell whether a strategy other than the default is in scope."""
    return get_strategy() is not _default_strategy


def get_replica_context() -> ReplicaContext | None:
    """Return the replica that is running, None between replicas."""
    if _thread.stack:
        return _thread.stack[-1][1]
    return None if _global else _default_context


def in_cross_replica_context() -> bool:
    """Tell whether the program runs between replicas, as it does in a strategy's scope outside `run`."""
    return get_replica_context() is None


def experimental_set_strategy(strategy: Strategy | None) -> None:
    """Make a strategy the current one for good; None takes it back.

    Raises:
        RuntimeError: within a scope.
    """
    if _thread.stack:
        raise RuntimeError("Must not be called inside a `tf.distribute.Strategy` scope.")
    _global[:] = [] if strategy is None else [strategy]


def maybe_merge_call(fn: Callable[..., Any], strategy: Strategy, *args: Any, **kwargs: Any) -> Any:
    """Return `fn(strategy, *args, **kwargs)`, called once for all replicas."""
    context = get_replica_context()
    if context is None or strategy is _default_strategy:
        return fn(strategy, *args, **kwargs)
    return context.merge_call(fn, args, kwargs)


def strategy_supports_no_merge_call() -> bool:
    """Tell whether replicas update variables without meeting in a merge call."""
    return False
