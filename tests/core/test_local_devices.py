"""The devices of the process."""

from __future__ import annotations

import pytest

from penstock.core.device import DeviceSpecV2
from penstock.core.errors import InvalidArgumentError
from penstock.core.local_devices import eager_device, find_device, local_devices

TASK = "/job:localhost/replica:0/task:0"


def test_cpus_are_counted_by_request_and_gpus_limited():
    devices = local_devices({"CPU": 3, "GPU": 0})
    assert [device.name for device in devices] == [f"{TASK}/device:CPU:{index}" for index in range(3)]
    assert {device.location for device in devices} == {"cpu"}


def test_a_device_has_one_incarnation_for_the_whole_process():
    first, again = local_devices({"CPU": 2}), local_devices({"CPU": 4})
    assert [device.incarnation for device in first[:2]] == [device.incarnation for device in again[:2]]
    assert len({device.incarnation for device in again}) == len(again)


def test_a_request_matches_the_first_device_with_all_its_parts():
    devices = local_devices({"CPU": 3, "GPU": 0})
    assert find_device(devices, DeviceSpecV2()) is devices[0]
    assert find_device(devices, DeviceSpecV2(device_type="CPU", device_index=2)) is devices[2]
    assert find_device(devices, DeviceSpecV2(job="worker")) is None


def test_a_device_of_another_job_is_unknown():
    with pytest.raises(InvalidArgumentError, match="/job:worker/replica:0/task:0/device:CPU:0 unknown device"):
        eager_device("/job:worker/device:CPU:0")
