"""`tf.config.experimental` of TensorFlow 1."""

from penstock.core.local_devices import LogicalDeviceConfiguration as VirtualDeviceConfiguration
from penstock.runtime.config.devices import get_device_details as get_device_details
from penstock.runtime.config.devices import get_logical_device_configuration as get_virtual_device_configuration
from penstock.runtime.config.devices import get_memory_growth as get_memory_growth
from penstock.runtime.config.devices import get_memory_info as get_memory_info
from penstock.runtime.config.devices import get_memory_usage as get_memory_usage
from penstock.runtime.config.devices import get_visible_devices as get_visible_devices
from penstock.runtime.config.devices import list_logical_devices as list_logical_devices
from penstock.runtime.config.devices import list_physical_devices as list_physical_devices
from penstock.runtime.config.devices import reset_memory_stats as reset_memory_stats
from penstock.runtime.config.devices import set_logical_device_configuration as set_virtual_device_configuration
from penstock.runtime.config.devices import set_memory_growth as set_memory_growth
from penstock.runtime.config.devices import set_visible_devices as set_visible_devices
from penstock.runtime.config.execution import disable_mlir_bridge as disable_mlir_bridge
from penstock.runtime.config.execution import enable_mlir_bridge as enable_mlir_bridge
from penstock.runtime.config.execution import enable_tensor_float_32_execution as enable_tensor_float_32_execution
from penstock.runtime.config.execution import get_device_policy as get_device_policy
from penstock.runtime.config.execution import get_synchronous_execution as get_synchronous_execution
from penstock.runtime.config.execution import set_device_policy as set_device_policy
from penstock.runtime.config.execution import set_synchronous_execution as set_synchronous_execution
from penstock.runtime.config.execution import tensor_float_32_execution_enabled as tensor_float_32_execution_enabled
