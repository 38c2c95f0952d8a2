"""Sessions: the environment in which a graph runs, and the owner of its variables."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from penstock.compiler.compile import compile_partitions, compile_program
from penstock.compiler.options import options_from_config
from penstock.compiler.placement import Placer
from penstock.compiler.program import Program
from penstock.compiler.tracing import Record
from penstock.core import array, context
from penstock.core.cancellation import Cancellation
from penstock.core.errors import NotFoundError
from penstock.core.graph import Graph, get_default_graph
from penstock.core.local_devices import Device, local_devices, soft_placement
from penstock.core.operation import Operation
from penstock.core.resources import ResourceManager
from penstock.core.tensor import SymbolicTensor
from penstock.runtime.feeds import feed_converter
from penstock.runtime.fetches import FetchPlan, expand_feed
from penstock.runtime.partial_run import PartialRun
from penstock.runtime.partitioned import PartitionedProgram, TimedProgram, Workers
from penstock.runtime.threads import apply_intra_op_threads, inter_op_threads
from penstock.runtime.tracing import fill_cost_graph, fill_step_stats, partition_graphs


class DeviceAttributes(NamedTuple):
    """A device of a session: its canonical name, its type, its memory in bytes, and a number that differs for each
    start of the process."""

    name: str
    device_type: str
    memory_limit_bytes: int
    incarnation: int


class _Plan:
    """How one combination of fetches and fed tensors is run."""

    __slots__ = ("converters", "copies", "feeds", "fetches", "pack", "program", "single", "traced")

    def __init__(
        self,
        fetches: FetchPlan,
        program: Program | PartitionedProgram | TimedProgram,
        feeds: list[SymbolicTensor],
        single: bool,
    ) -> None:
        self.program = program
        self.converters = [feed_converter(tensor) for tensor in feeds]
        self.pack = fetches.pack
        self.copies = program.copies
        self.single = single
        self.fetches = fetches
        self.feeds = feeds
        self.traced: PartitionedProgram | None = None  # made for the first run that is traced


class BaseSession:
    """Runs operations of one graph, and keeps the values of its variables."""

    def __init__(self, target: str = "", graph: Graph | None = None, config: Any = None) -> None:
        if target:
            raise NotFoundError(
                None,
                None,
                f"no server at {target!r} can be reached: this build runs sessions in the process; use target=''",
            )
        if graph is not None and not isinstance(graph, Graph):
            raise TypeError(f"Argument `graph` must be a tf.Graph, but got {type(graph).__name__!r}")
        self._graph = get_default_graph() if graph is None else graph
        self._target = target
        self._config = config
        self._options = options_from_config(config)
        self._resources = ResourceManager()
        self._plans: dict[Any, _Plan] = {}  # guarded by self._lock for writing
        self._version = -1
        self._lock = threading.RLock()
        self._closed = False
        self._partial_runs: dict[str, PartialRun] = {}
        self._devices = local_devices(None if config is None else config.device_count)
        is_soft = soft_placement() if config is None else config.allow_soft_placement
        make_placer = Placer.logging if config is not None and config.log_device_placement else Placer
        self._placer = make_placer(self._devices, is_soft)
        self._timeout_s = 0.0 if config is None else config.operation_timeout_in_ms / 1000
        self._builds_cost_model = config is not None and config.graph_options.build_cost_model > 0
        self._workers = Workers(inter_op_threads(config))
        apply_intra_op_threads(config)

    @property
    def graph(self) -> Graph:
        """The graph that this session runs."""
        return self._graph

    @property
    def graph_def(self) -> Any:
        """The graph as a GraphDef message."""
        return self._graph.as_graph_def(add_shapes=True)

    @property
    def sess_str(self) -> str:
        """The address of the runtime; empty for one in the process."""
        return self._target

    def list_devices(self) -> list[DeviceAttributes]:
        """Return the devices on which the session can place operations."""
        return [
            DeviceAttributes(device.name, device.device_type, device.memory_limit_bytes, device.incarnation)
            for device in self._devices
        ]

    def close(self) -> None:
        """Give up the session and the values it holds; further runs raise RuntimeError.

        Runs that are in progress on other threads raise CancelledError where they next wait or repeat a loop.
        """
        self._closed = True
        self._resources.interruption.close()
        self._workers.close()
        self._plans.clear()
        self._resources.clear()

    def run(self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        """Run what `fetches` need, and return their values.

        Args:
            fetches: a tensor, operation, variable, name of one, or a nested list, tuple, dict or named tuple of them.
            feed_dict: tensor (or its name) -> value to be taken in place of what the graph computes.
            options: a RunOptions message: `timeout_in_ms`, `trace_level` and `output_partition_graphs` count.
            run_metadata: a RunMetadata message to be filled in with what `options` ask for, and with a trace and a cost
                graph if the session was made with `graph_options.build_cost_model`.
        Returns:
            Values nested as `fetches`: NumPy arrays or scalars, None for operations.
        Raises:
            DeadlineExceededError: if a loop or a waiting operation is not done when time is up.
            CancelledError: if the session is closed meanwhile.
            RuntimeError: if the session is closed, or the graph is empty.
            TypeError, ValueError: if a fetch or feed is not of the graph, or a fed value has the wrong type or shape.
            OpError: if a kernel fails; the error names the operation and the line that created it.
        """
        if options is not None or run_metadata is not None:
            return self._run_with_options(fetches, feed_dict, options, run_metadata)
        try:
            plan = self._plans.get((fetches, *feed_dict) if feed_dict else (fetches,))
        except TypeError:  # nested fetches are not hashable as they are
            nested_key = _key(fetches, feed_dict or ())
            plan = None if nested_key is None else self._plans.get(nested_key)
        if plan is None or self._version != self._graph._version:
            plan, feed_dict = self._prepare(fetches, feed_dict)
        if feed_dict:
            values = plan.program(
                *[convert(value) for convert, value in zip(plan.converters, feed_dict.values(), strict=True)]
            )
        else:
            values = plan.program()
        if plan.single:
            return array.to_numpy(values[0], copy=plan.copies[0])
        return plan.pack([array.to_numpy(value, copy=copy) for value, copy in zip(values, plan.copies, strict=True)])

    def _run_with_options(self, fetches: Any, feed_dict: Any, options: Any, run_metadata: Any) -> Any:
        plan, feeds = self._prepare(fetches, feed_dict)
        given = [convert(value) for convert, value in zip(plan.converters, feeds.values(), strict=True)]
        return self._run_plan(plan, given, options, run_metadata)

    def _run_plan(self, plan: _Plan, given: list[Any], options: Any, run_metadata: Any) -> Any:
        """Run a plan on the feeds' runtime values, with a deadline and a trace if the options ask for them."""
        timeout_s = options.timeout_in_ms / 1000 if options is not None and options.timeout_in_ms else self._timeout_s
        wants_costs = run_metadata is not None and self._builds_cost_model
        is_traced = wants_costs or (options is not None and options.trace_level != 0 and run_metadata is not None)
        wants_graphs = options is not None and options.output_partition_graphs and run_metadata is not None
        if run_metadata is not None:
            run_metadata.Clear()
        program: Any = plan.program
        if is_traced or wants_graphs:
            with self._lock:
                if plan.traced is None:
                    device_of = self._placer.place(self._graph) or self._placer.device_of
                    plan.traced = self._compile_partitioned(plan.fetches, plan.feeds, device_of, is_traced=True)
            program = plan.traced
        records: list[list[Record]] | None = [[] for _ in program.partitions] if is_traced else None
        with self._resources.interruption.running(Cancellation(timeout_s or None)):
            values = program(*given) if records is None else program.run(given, records)
        if records is not None:
            fill_step_stats(run_metadata.step_stats, program.partitions, records)
            if wants_costs:
                fill_cost_graph(run_metadata.cost_graph, program.partitions, records)
        if wants_graphs:
            run_metadata.partition_graphs.extend(partition_graphs(program.partitions))
        results = [array.to_numpy(value, copy=copy) for value, copy in zip(values, program.copies, strict=True)]
        return results[0] if plan.single else plan.pack(results)

    def _prepare(self, fetches: Any, feed_dict: Any) -> tuple[_Plan, dict[Any, Any]]:
        """Find or make the plan for a call that the fast path does not know."""
        if self._closed:
            raise RuntimeError("Attempted to use a closed Session.")
        if not self._graph.get_operations():
            raise RuntimeError("The Session graph is empty. Add operations to the graph before calling run().")
        feeds = self._expand_feeds(feed_dict)
        with self._lock:
            if self._version != self._graph._version:
                # Growth leaves what was compiled valid; rewiring of existing operations does not.
                if self._graph._rewired_version > self._version:
                    self._plans = {}
                self._version = self._graph._version
            key = _key(fetches, feeds)
            plan = None if key is None else self._plans.get(key)
            if plan is None:
                plan = self._compile(fetches, list(feeds))
                if key is not None:
                    self._plans[key] = plan
        return plan, feeds

    def _compile(self, fetches: Any, feeds: list[SymbolicTensor]) -> _Plan:
        fetch_plan = FetchPlan(self._graph, fetches)
        device_of = self._placer.place(self._graph)
        parts = None if device_of is None else self._compile_partitioned(fetch_plan, feeds, device_of)
        program: Program | PartitionedProgram
        if parts is not None and not parts.is_on_one_cpu:
            program = parts
        else:
            program = compile_program(
                fetch_plan.tensors, fetch_plan.targets, feeds, self._resources, options=self._options
            )
        timed = TimedProgram(program, self._resources.interruption, self._timeout_s) if self._timeout_s else program
        return _Plan(fetch_plan, timed, feeds, isinstance(fetches, SymbolicTensor))

    def _compile_partitioned(
        self,
        fetch_plan: FetchPlan,
        feeds: list[SymbolicTensor],
        device_of: Callable[[Operation], Device],
        is_traced: bool = False,
    ) -> PartitionedProgram:
        partitions = compile_partitions(
            fetch_plan.tensors, fetch_plan.targets, feeds, self._resources, self._options, device_of, is_traced
        )
        return PartitionedProgram(partitions, len(fetch_plan.tensors), self._resources.interruption, self._workers)

    def _expand_feeds(self, feed_dict: Any) -> dict[Any, Any]:
        if feed_dict is None:
            return {}
        if not hasattr(feed_dict, "items"):
            raise TypeError(f"feed_dict must be a dictionary from tensor to value, got {type(feed_dict).__name__}")
        feeds: dict[Any, Any] = {}
        for given, value in feed_dict.items():
            for key, item in self._expand_feed(given, value):
                feeds[self._feed_tensor(key)] = item
        return feeds

    def _expand_feed(self, feed: Any, value: Any) -> list[tuple[Any, Any]]:
        if isinstance(feed, (list, tuple)):
            if len(feed) != len(value):
                raise ValueError(f"a feed of {len(feed)} tensors needs as many values, got {len(value)}")
            return [pair for key, item in zip(feed, value, strict=True) for pair in self._expand_feed(key, item)]
        composite = expand_feed(self._graph, feed, value)
        return [(feed, value)] if composite is None else composite

    def _feed_tensor(self, feed: Any) -> SymbolicTensor:
        try:
            tensor = self._graph.as_graph_element(feed, allow_operation=False)
        except (TypeError, ValueError, KeyError) as error:
            raise TypeError(f"Cannot interpret feed_dict key as Tensor: {error.args[0]}") from None
        if not self._graph.is_feedable(tensor):
            raise ValueError(f"Tensor {tensor.name} may not be fed.")
        return tensor

    def make_callable(
        self, fetches: Any, feed_list: Sequence[Any] | None = None, accept_options: bool = False
    ) -> Callable[..., Any]:
        """Return a function that runs `fetches`, with the values of `feed_list` as its positional arguments.

        Args:
            fetches: see `run`.
            feed_list: the tensors to feed.
            accept_options: whether the function takes `options` and `run_metadata`.
        """
        if feed_list is not None and not isinstance(feed_list, (list, tuple)):
            raise TypeError("Argument `feed_list` must be a list or tuple.")
        feeds = [self._feed_tensor(feed) for feed in feed_list or ()]
        plan = self._compile(fetches, feeds)

        def call(*values: Any, options: Any = None, run_metadata: Any = None) -> Any:
            if self._closed:
                raise RuntimeError("Attempted to use a closed Session.")
            if len(values) != len(feeds):
                raise TypeError(f"the callable takes {len(feeds)} values, got {len(values)}")
            given = [convert(value) for convert, value in zip(plan.converters, values, strict=True)]
            if options is not None or run_metadata is not None:
                return self._run_plan(plan, given, options, run_metadata)
            results = plan.program(*given)
            return plan.pack(
                [array.to_numpy(value, copy=copy) for value, copy in zip(results, plan.copies, strict=True)]
            )

        return call

    def partial_run_setup(self, fetches: Any, feeds: Sequence[Any] | None = None) -> str:
        """Declare the fetches and feeds of a step that is run in parts.

        Args:
            fetches: all that will be fetched, nested or not.
            feeds: all tensors that will be fed.
        Returns:
            A handle for `partial_run`.
        """
        with self._lock:
            plan = FetchPlan(self._graph, fetches)
            run = PartialRun(plan, [self._feed_tensor(feed) for feed in feeds or ()], self._resources, self._options)
            handle = f"partial_run_{len(self._partial_runs)}"
            self._partial_runs[handle] = run
        return handle

    def partial_run(self, handle: str, fetches: Any, feed_dict: Any = None) -> Any:
        """Continue a step: feed more values, fetch more results. No operation runs twice in a step.

        Args:
            handle: from `partial_run_setup`.
            fetches: see `run`; part of what was declared.
            feed_dict: see `run`; part of what was declared, each tensor once.
        Raises:
            InvalidArgumentError: if the handle is unknown, a fetch or feed was not declared, or a fetch needs what is
                not fed yet.
        """
        if self._closed:
            raise RuntimeError("Attempted to use a closed Session.")
        run = self._partial_runs.get(handle)
        if run is None:
            raise ValueError(f"No partial run setup found for handle {handle!r}; call partial_run_setup first")
        return run.advance(FetchPlan(self._graph, fetches), self._expand_feeds(feed_dict))

    def program(self, fetches: Any, feed_list: Sequence[Any] = ()) -> Any:
        """Return the compiled Program for a combination of fetches and fed tensors, to read its source."""
        return self._compile(fetches, [self._feed_tensor(feed) for feed in feed_list]).program

    @contextmanager
    def as_default(self) -> Iterator[BaseSession]:
        """Make this the session that `tensor.eval()` and `operation.run()` use within the block; it stays open
        after."""
        sessions = context.state.sessions
        sessions.append(self)
        try:
            yield self
        finally:
            sessions.remove(self)


def _hashable(fetches: Any) -> Any:
    if isinstance(fetches, (list, tuple)):
        return (type(fetches), *map(_hashable, fetches))
    if isinstance(fetches, dict):
        return (type(fetches), *((key, _hashable(item)) for key, item in fetches.items()))
    return fetches


def _key(fetches: Any, feeds: Iterable[Any]) -> tuple[Any, ...] | None:
    """Return what a plan is kept by; None for fetches that cannot be told from others later, whose plan is not kept."""
    key = (_hashable(fetches), *feeds)
    try:
        hash(key)
    except TypeError:
        return None
    return key


class Session(BaseSession):
    """A session to be closed, or used in a `with` block, which makes it and its graph the default and closes it at the
    end.

    Args:
        target: the runtime to connect to; "" is the process itself.
        graph: the graph to run, by default the default graph.
        config: a ConfigProto message.
    """

    def __init__(self, target: str = "", graph: Graph | None = None, config: Any = None) -> None:
        super().__init__(target, graph, config)
        self._entered: list[Any] = []

    def __enter__(self) -> Session:
        context.state.graphs.append(self._graph)
        context.state.sessions.append(self)
        self._entered.append(len(context.state.graphs))
        return self

    def __exit__(self, *_: Any) -> None:
        self._entered.pop()
        context.state.sessions.remove(self)
        context.state.graphs.pop()
        self.close()

    @staticmethod
    def reset(target: str, containers: list[str] | None = None, config: Any = None) -> None:
        """Clear the resource containers of a remote runtime.

        Raises:
            NotFoundError: if no runtime can be reached at `target`.
        """
        raise NotFoundError(None, None, f"no server at {target!r} can be reached")


class InteractiveSession(BaseSession):
    """A session that is the default one from its construction until it is closed, for use at the prompt."""

    def __init__(self, target: str = "", graph: Graph | None = None, config: Any = None) -> None:
        super().__init__(target, graph, config)
        self._explicit_graph = graph
        if graph is not None:
            context.state.graphs.append(graph)
        context.state.sessions.append(self)

    def close(self) -> None:
        """Give up the session and stop being the default."""
        super().close()
        if self in context.state.sessions:
            context.state.sessions.remove(self)
            if (
                self._explicit_graph is not None
                and context.state.graphs
                and context.state.graphs[-1] is self._explicit_graph
            ):
                context.state.graphs.pop()


def get_default_session() -> BaseSession | None:
    """Return the innermost default session of the thread, or None."""
    sessions = context.state.sessions
    return sessions[-1] if sessions else None
