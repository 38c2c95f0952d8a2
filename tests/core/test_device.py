"""Device names and specs."""

from __future__ import annotations

import pickle
from types import SimpleNamespace

import pytest

from penstock.core.device import DeviceSpecV1, DeviceSpecV2, as_device_spec, canonical_name, merge_device


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("/job:a/replica:0/task:1/device:GPU:2", "/job:a/replica:0/task:1/device:GPU:2"),
        ("/cpu:0", "/device:CPU:0"),
        ("cpu:0", "/device:CPU:0"),
        ("/GPU:1", "/device:GPU:1"),
        ("/gpu:*", "/device:GPU:*"),
        ("/job:a/cpu", "/job:a/device:CPU:*"),
        ("/device:CPU", "/device:CPU:*"),
        ("/device:cpu:1", "/device:CPU:1"),
        ("/device:XLA_CPU:1", "/device:XLA_CPU:1"),
        ("/tpu:1", "/device:TPU:1"),
        ("/job:ps/task:0", "/job:ps/task:0"),
        ("/task:0/job:ps", "/job:ps/task:0"),
        ("/job:a/task:*", "/job:a"),
        ("/job:a//cpu:0", "/job:a/device:CPU:0"),
        ("/device:*:*", ""),
        ("", ""),
    ],
)
def test_names_become_canonical_and_stay_so(name, canonical):
    assert canonical_name(name) == canonical
    assert canonical_name(canonical) == canonical
    assert DeviceSpecV1.from_string(name).to_string() == DeviceSpecV2.from_string(name).to_string() == canonical


def test_canonical_name_takes_specs_and_none():
    assert canonical_name(None) == ""
    assert canonical_name(DeviceSpecV2(job="a", device_type="gpu")) == "/job:a/device:GPU:*"
    with pytest.raises(TypeError, match="got 3"):
        canonical_name(3)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("/foo:1", "Unknown attribute 'foo:1'"),
        ("bad", "Unknown attribute 'bad'"),
        ("/job", "Unknown attribute 'job'"),
        ("/job:a:b", "Unknown attribute"),
        ("/cpu:0:1", "Unknown attribute"),
        ("/cpu:0/gpu:0", "Multiple device types"),
        ("/job:a/task:x", "task of a device must be an integer, got 'x'"),
        ("/device:CPU:x", "index of a device must be an integer, got 'x'"),
        ("/task:-1", "at least 0"),
    ],
)
def test_malformed_names_say_what_is_wrong_and_show_the_name(name, text):
    with pytest.raises(ValueError, match=text) as raised:
        canonical_name(name)
    assert name in str(raised.value)


def test_parts_are_read_and_converted():
    spec = DeviceSpecV2(job="a", replica="0", task=1, device_type="gpu", device_index="2")
    parts = (spec.job, spec.replica, spec.task, spec.device_type, spec.device_index)
    assert parts == ("a", 0, 1, "GPU", 2)
    assert as_device_spec(spec.to_string()) == spec
    assert repr(spec) == "<DeviceSpec(job=a, replica=0, task=1, device_type=GPU, device_index=2)>"
    assert DeviceSpecV2(device_index=1).to_string() == ""
    with pytest.raises(ValueError, match="task of a device"):
        DeviceSpecV2(task="x")


def test_equality_hash_and_pickle():
    spec = DeviceSpecV2(job="a", task=1)
    assert spec == DeviceSpecV2.from_string("/job:a/task:1")
    assert hash(spec) == hash(DeviceSpecV2.from_string("/job:a/task:1"))
    assert spec != DeviceSpecV2(job="a")
    assert spec != "/job:a/task:1"
    assert spec != DeviceSpecV1(job="a", task=1)
    assert pickle.loads(pickle.dumps(spec)) == spec


def test_version_2_specs_make_new_ones():
    spec = DeviceSpecV2(job="a", task=1)
    merged = spec.make_merged_spec(DeviceSpecV2(job="b", device_type="GPU"))
    assert merged.to_string() == "/job:b/task:1/device:GPU:*"
    assert spec.replace(task=3).to_string() == "/job:a/task:3"
    assert spec.replace(task=None).to_string() == "/job:a"
    assert spec.parse_from_string("/cpu:0").to_string() == "/device:CPU:0"
    assert spec.to_string() == "/job:a/task:1"
    with pytest.raises(TypeError):
        spec.replace(foo=3)
    with pytest.raises(AttributeError):
        spec.task = 3


def test_version_1_specs_change_in_place():
    spec = DeviceSpecV1(job="a")
    assert spec.parse_from_string("/cpu:0") is spec
    assert spec.to_string() == "/device:CPU:0"
    spec.merge_from(DeviceSpecV2(job="z"))
    assert spec.to_string() == "/job:z/device:CPU:0"
    spec.job, spec.replica, spec.task, spec.device_type, spec.device_index = "w", 0, "1", "gpu", 2
    assert spec.to_string() == "/job:w/replica:0/task:1/device:GPU:2"
    with pytest.raises(ValueError, match="task of a device"):
        spec.task = "x"


@pytest.mark.parametrize(
    ("outer", "inner", "merged"),
    [
        ("/gpu:1", "/cpu:0", "/device:CPU:0"),
        ("/gpu:1", "/cpu", "/device:CPU:1"),
        ("/job:a/gpu:1", "/task:3", "/job:a/task:3/device:GPU:1"),
        ("/job:a/cpu:0", "/device:GPU:*", "/job:a/device:GPU:0"),
        ("/job:a", "", "/job:a"),
        ("/job:a", None, "/job:a"),
        (None, "/cpu:0", "/device:CPU:0"),
        (DeviceSpecV1(job="a"), SimpleNamespace(device="/cpu:0"), "/job:a/device:CPU:0"),
    ],
    ids=str,
)
def test_merging_fills_what_the_inner_device_leaves_open(outer, inner, merged):
    assert merge_device(outer)(inner) == merged


def test_merge_device_reports_a_malformed_name_at_once():
    with pytest.raises(ValueError, match="Unknown attribute"):
        merge_device("/nowhere:0")
