"""Traced steps in the format of Chrome's trace viewer and of Perfetto."""

from __future__ import annotations

import json
from typing import Any, NamedTuple


class StepStatsAnalysis(NamedTuple):
    """The trace of a step as JSON text, and the most memory that each allocator had, in bytes, by its name."""

    chrome_trace: str
    allocator_maximums: dict[str, int]


class Timeline:
    """The trace of one step.

    Args:
        step_stats: the StepStats message that a run with `RunOptions(trace_level=RunOptions.FULL_TRACE)` left in
            `run_metadata.step_stats`.
        graph: accepted as TensorFlow does; the labels of the nodes already say what they take.
    """

    def __init__(self, step_stats: Any, graph: Any = None) -> None:
        self._step_stats = step_stats
        self._events: list[dict[str, Any]] = []

    def generate_chrome_trace_format(
        self, show_dataflow: bool = True, show_memory: bool = False, op_time: str = "schedule"
    ) -> str:
        """Return the trace as JSON text, for `chrome://tracing` or `ui.perfetto.dev`.

        Args:
            show_dataflow: whether arrows lead from a node to those that take its values.
            show_memory: whether the memory of outputs is drawn as a counter.
            op_time: "schedule" for the times at which nodes were scheduled, "gpu" or "all" for those of the kernels;
                here they are the same.
        """
        return self.analyze_step_stats(show_dataflow, show_memory, op_time).chrome_trace

    def analyze_step_stats(
        self, show_dataflow: bool = True, show_memory: bool = True, op_time: str = "schedule"
    ) -> StepStatsAnalysis:
        """Return the trace, and the most memory that each allocator had; see `generate_chrome_trace_format`.

        Raises:
            ValueError: if `op_time` is something else.
        """
        if op_time not in ("schedule", "gpu", "all"):
            raise ValueError(f"op_time must be 'schedule', 'gpu' or 'all', got {op_time!r}")
        self._events = []
        producers: dict[str, tuple[int, int, int]] = {}  # node -> (process, lane, end)
        edges: list[tuple[str, int, int, int]] = []  # producer, and (process, lane, start) of the user
        maximums: dict[str, int] = {}
        for process, device in enumerate(self._step_stats.dev_stats):
            self._events.append(
                {"name": "process_name", "ph": "M", "pid": process, "args": {"name": f"{device.device} Compute"}}
            )
            lanes: list[int] = []
            live: dict[str, int] = {}
            for stats in sorted(device.node_stats, key=lambda item: item.all_start_micros):
                start, length = stats.all_start_micros, max(1, stats.all_end_rel_micros)
                lane = _free_lane(lanes, start, start + length)
                name, operation, inputs = _parse_label(stats.timeline_label, stats.node_name)
                arguments: dict[str, Any] = {"name": name, "op": operation}
                arguments.update({f"input{index}": text for index, text in enumerate(inputs)})
                self._events.append(
                    {
                        "name": operation,
                        "cat": "Op",
                        "ph": "X",
                        "pid": process,
                        "tid": lane,
                        "ts": start,
                        "dur": length,
                        "args": arguments,
                    }
                )
                producers[name] = process, lane, start + length
                edges.extend((text.lstrip("^").partition(":")[0], process, lane, start) for text in inputs)
                for memory in stats.memory:
                    allocator = memory.allocator_name
                    live[allocator] = live.get(allocator, 0) + memory.total_bytes
                    maximums[allocator] = max(maximums.get(allocator, 0), live[allocator])
                    if show_memory:
                        self._events.append(
                            {
                                "name": allocator,
                                "cat": "Memory",
                                "ph": "C",
                                "pid": process,
                                "ts": start + length,
                                "args": {allocator: live[allocator]},
                            }
                        )
        if show_dataflow:
            self._add_arrows(producers, edges)
        text = json.dumps({"traceEvents": self._events}, indent=4, separators=(",", ": "))
        return StepStatsAnalysis(text, maximums)

    def _add_arrows(self, producers: dict[str, tuple[int, int, int]], edges: list[tuple[str, int, int, int]]) -> None:
        for number, (producer, process, lane, start) in enumerate(edges):
            if producer in producers:
                from_process, from_lane, end = producers[producer]
                flow = {"name": producer, "cat": "DataFlow", "id": number}
                self._events.append({**flow, "ph": "s", "pid": from_process, "tid": from_lane, "ts": end})
                self._events.append({**flow, "ph": "t", "pid": process, "tid": lane, "ts": start})


def _free_lane(lanes: list[int], start: int, end: int) -> int:
    """Return the first lane that is free from `start`, taken until `end`; kernels that overlap get lanes of their
    own."""
    for lane, taken_until in enumerate(lanes):
        if taken_until <= start:
            lanes[lane] = end
            return lane
    lanes.append(end)
    return len(lanes) - 1


def _parse_label(label: str, node_name: str) -> tuple[str, str, list[str]]:
    """Return name, operation and inputs from a label such as `add = AddV2(x, y)`."""
    name, separator, call = label.partition(" = ")
    if not separator or not call.endswith(")"):
        return node_name, label or node_name, []
    operation, _, inputs = call[:-1].partition("(")
    return name, operation, [text for text in inputs.split(", ") if text]
