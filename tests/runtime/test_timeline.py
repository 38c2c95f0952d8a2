"""Traces for Chrome and Perfetto."""

from __future__ import annotations

import json

import pytest

from penstock.formats import protos
from penstock.runtime.timeline import Timeline


def step_stats(*nodes):
    """Return a step on one device, from (name, start, label)."""
    stats = protos.StepStats()
    device = stats.dev_stats.add(device="/device:CPU:0")
    for name, start, label in nodes:
        item = device.node_stats.add(node_name=name, timeline_label=label, all_start_micros=start, all_end_rel_micros=5)
        item.memory.add(allocator_name="cpu", total_bytes=8)
    return stats


def events(stats, **options):
    return json.loads(Timeline(stats).generate_chrome_trace_format(**options))["traceEvents"]


def test_kernels_that_overlap_get_lanes_of_their_own():
    found = events(step_stats(("a", 10, "a = Op()"), ("b", 12, "b = Op()"), ("c", 20, "c = Op()")))
    assert [event["tid"] for event in found if event["ph"] == "X"] == [0, 1, 0]


def test_arrows_lead_from_producers_to_users():
    stats = step_stats(("a", 10, "a = Op()"), ("b", 20, "b = Op(a:1, ^a, elsewhere)"))
    assert [(event["ph"], event["ts"]) for event in events(stats) if event.get("cat") == "DataFlow"] == [
        *[("s", 15), ("t", 20)] * 2
    ]
    assert not [event for event in events(stats, show_dataflow=False) if event.get("cat") == "DataFlow"]


def test_labels_of_another_form_are_kept():
    (event,) = [event for event in events(step_stats(("a", 10, "MemcpyHtoD"))) if event["ph"] == "X"]
    assert event["name"] == "MemcpyHtoD" and event["args"]["name"] == "a"


def test_memory_is_a_counter_on_request():
    stats = step_stats(("a", 10, "a = Op()"), ("b", 20, "b = Op()"))
    assert not [event for event in events(stats) if event["ph"] == "C"]
    assert [event["args"] for event in events(stats, show_memory=True) if event["ph"] == "C"] == [
        {"cpu": 8},
        {"cpu": 16},
    ]
    assert Timeline(stats).analyze_step_stats().allocator_maximums == {"cpu": 16}


def test_an_unknown_time_is_refused():
    with pytest.raises(ValueError, match="op_time"):
        Timeline(step_stats()).generate_chrome_trace_format(op_time="never")
