"""`tf.config` of TensorFlow 2."""

from penstock.core.local_devices import LogicalDevice as LogicalDevice
from penstock.core.local_devices import LogicalDeviceConfiguration as LogicalDeviceConfiguration
from penstock.core.local_devices import PhysicalDevice as PhysicalDevice
from penstock.language.function import functions_run_eagerly as experimental_functions_run_eagerly
from penstock.language.function import functions_run_eagerly as functions_run_eagerly
from penstock.language.function import run_functions_eagerly as experimental_run_functions_eagerly
from penstock.language.function import run_functions_eagerly as run_functions_eagerly
from penstock.runtime.config.devices import get_logical_device_configuration as get_logical_device_configuration
from penstock.runtime.config.devices import get_soft_device_placement as get_soft_device_placement
from penstock.runtime.config.devices import get_visible_devices as get_visible_devices
from penstock.runtime.config.devices import list_logical_devices as list_logical_devices
from penstock.runtime.config.devices import list_physical_devices as list_physical_devices
from penstock.runtime.config.devices import set_logical_device_configuration as set_logical_device_configuration
from penstock.runtime.config.devices import set_soft_device_placement as set_soft_device_placement
from penstock.runtime.config.devices import set_visible_devices as set_visible_devices
from penstock.v2.config import experimental as experimental
from penstock.v2.config import optimizer as optimizer
from penstock.v2.config import threading as threading
