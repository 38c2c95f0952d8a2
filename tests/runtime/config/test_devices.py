"""Physical and logical devices."""

from __future__ import annotations

import pytest

import penstock as tf
from penstock.core import array, local_devices
from penstock.core.errors import InvalidArgumentError
from penstock.formats import protos
from penstock.runtime import threads
from penstock.runtime.config import devices
from penstock.runtime.config.devices import list_local_devices

PART = tf.config.LogicalDeviceConfiguration()

needs_gpu = pytest.mark.skipif(array.gpu_count() == 0, reason="needs a CUDA device")


@pytest.fixture
def fresh(monkeypatch):
    """A process that has not yet asked for its logical devices."""
    for name, value in (("_visible", None), ("_configurations", {}), ("_initialized", False), ("_cache", {})):
        monkeypatch.setattr(local_devices, name, value)
    monkeypatch.setattr(devices, "_memory_growth", {})
    monkeypatch.setattr(threads, "_settings", {"intra": 0, "inter": 0})
    saved = array.kernel_threads()
    yield
    array.set_kernel_threads(saved)


@pytest.fixture
def cpu(fresh):
    """The CPU, divided in three."""
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [PART] * 3)
    return cpu


def test_the_cpu_is_a_physical_device():
    (cpu,) = tf.config.list_physical_devices("CPU")
    assert cpu == tf.config.PhysicalDevice("/physical_device:CPU:0", "CPU")
    assert tf.config.experimental.list_physical_devices()[0] == cpu
    assert tf.config.list_physical_devices("TPU") == []
    assert tf.config.get_visible_devices("CPU") == [cpu]
    assert tf.config.experimental.get_device_details(cpu) == {}


def test_logical_devices_are_names_for_tf_device():
    assert tf.config.list_logical_devices("CPU")[0] == tf.config.LogicalDevice("/device:CPU:0", "CPU")


def test_a_cpu_is_divided_and_eager_operations_run_on_its_parts(cpu):
    names = [device.name for device in tf.config.list_logical_devices("CPU")]
    assert names == ["/device:CPU:0", "/device:CPU:1", "/device:CPU:2"]
    with tf.device("/CPU:1"):
        a = tf.constant(1.0)
        with tf.device("/job:localhost"):
            b = a + 1.0
        with tf.device(None):
            c = a + 1.0
        v = tf.Variable(2.0)
    assert {value.device for value in (a, b, v)} == {"/job:localhost/replica:0/task:0/device:CPU:1"}
    assert {value.device for value in (c, b + b)} == {"/job:localhost/replica:0/task:0/device:CPU:0"}
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        assert [device.name[-5:] for device in session.list_devices()][:3] == ["CPU:0", "CPU:1", "CPU:2"]


def test_what_exists_is_not_divided_again(cpu):
    tf.config.list_logical_devices()
    tf.config.set_logical_device_configuration(cpu, [PART] * 3)  # what it is already
    with pytest.raises(RuntimeError, match="Virtual devices cannot be modified after being initialized"):
        tf.config.set_logical_device_configuration(cpu, [PART] * 2)
    with pytest.raises(RuntimeError, match="Visible devices cannot be modified after being initialized"):
        tf.config.set_visible_devices([], "CPU")
    with pytest.raises(ValueError, match="Cannot set memory growth on device when virtual devices configured"):
        tf.config.experimental.set_memory_growth(cpu, True)
    with pytest.raises(RuntimeError, match="Intra op parallelism cannot be modified after initialization"):
        tf.config.threading.set_intra_op_parallelism_threads(3)
    with pytest.raises(RuntimeError, match="Inter op parallelism cannot be modified after initialization"):
        tf.config.threading.set_inter_op_parallelism_threads(3)


def test_memory_growth_is_remembered(fresh):
    (cpu,) = tf.config.list_physical_devices("CPU")
    with pytest.raises(KeyError):
        tf.config.experimental.get_memory_growth(cpu)
    tf.config.experimental.set_memory_growth(cpu, True)
    assert tf.config.experimental.get_memory_growth(cpu) is True


def test_threads_are_chosen_before(fresh):
    tf.config.threading.set_intra_op_parallelism_threads(3)
    tf.config.threading.set_inter_op_parallelism_threads(2)
    assert tf.config.threading.get_intra_op_parallelism_threads() == array.kernel_threads() == 3
    assert tf.config.threading.get_inter_op_parallelism_threads() == threads.inter_op_threads(None) == 2


def test_a_cpu_has_no_memory_limit_and_no_statistics():
    (cpu,) = tf.config.list_physical_devices("CPU")
    with pytest.raises(ValueError, match="memory limit on CPU"):
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration(memory_limit=3)])
    with pytest.raises(ValueError, match="Allocator stats not available for device 'CPU:0'"):
        tf.config.experimental.get_memory_info("CPU:0")
    with pytest.raises(ValueError, match="No matching devices found for 'CPU:77'"):
        tf.config.experimental.get_memory_usage("CPU:77")


def test_devices_of_other_machines_are_refused():
    other = tf.config.PhysicalDevice("/physical_device:CPU:7", "CPU")
    for function in (
        tf.config.get_logical_device_configuration,
        tf.config.experimental.get_memory_growth,
        tf.config.set_visible_devices,
    ):
        with pytest.raises(ValueError, match="Unrecognized device"):
            function(other)


def test_hard_placement_refuses_devices_that_do_not_exist():
    saved = tf.config.get_soft_device_placement()
    try:
        tf.config.set_soft_device_placement(True)
        with tf.device("/CPU:77"):
            assert tf.constant(1.0).device.endswith("CPU:0")
        tf.config.set_soft_device_placement(False)
        with tf.device("/CPU:77"), pytest.raises(InvalidArgumentError, match="enable_soft_placement=0.*CPU:0"):
            tf.constant(1.0)
    finally:
        tf.config.set_soft_device_placement(saved)
    with tf.device("/job:worker/cpu:0"), pytest.raises(InvalidArgumentError, match="unknown device"):
        tf.constant(1.0)
    with pytest.raises(ValueError, match="foo"), tf.device("/foo:1"):
        pass


def test_gradients_cross_device_blocks():
    x = tf.constant(3.0)
    with tf.GradientTape() as tape, tf.device("/CPU:0"):
        tape.watch(x)
        y = x * x
    assert float(tape.gradient(y, x)) == 6.0


def test_local_devices_are_described_by_messages():
    described = list_local_devices(protos.ConfigProto(device_count={"CPU": 3}))
    cpus = [device for device in described if device.device_type == "CPU"]
    assert [device.name for device in cpus] == ["/device:CPU:0", "/device:CPU:1", "/device:CPU:2"]
    assert all(device.memory_limit == 268435456 and device.incarnation for device in cpus)


@needs_gpu
@pytest.mark.needs_gpu
def test_values_move_to_a_gpu_and_back():
    with tf.device("/GPU:0"):
        x = tf.constant([1.0, 2.0]) + 1.0
    assert x.device.endswith("GPU:0")
    assert x.numpy().tolist() == [2.0, 3.0]
    assert tf.config.experimental.get_memory_info("GPU:0")["current"] > 0


@needs_gpu
@pytest.mark.needs_gpu
def test_a_graph_runs_on_cpu_and_gpu():
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder("float32", [2, 2])
        with tf.device("/gpu:0"):
            w = tf.compat.v1.Variable([[1.0, 2.0], [3.0, 4.0]], use_resource=True)
            y = tf.matmul(x, w)
        with tf.device("/cpu:0"):
            z = y + 1.0
        with tf.compat.v1.Session(graph=graph) as session:
            session.run(w.initializer)
            assert session.run(z, {x: [[1.0, 0.0], [0.0, 1.0]]}).tolist() == [[2.0, 3.0], [4.0, 5.0]]
