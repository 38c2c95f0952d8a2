"""Tests: `tf.test` of TensorFlow 1."""

from penstock.testing.gradient_checker import compute_gradient_error as compute_gradient_error
from penstock.testing.gradient_checker import compute_gradient_v1 as compute_gradient
from penstock.testing.test_case import TestCase as TestCase
from penstock.testing.test_case import disable_with_predicate as disable_with_predicate
from penstock.testing.test_case import get_temp_dir as get_temp_dir
from penstock.testing.test_case import gpu_device_name as gpu_device_name
from penstock.testing.test_case import is_built_with_cuda as is_built_with_cuda
from penstock.testing.test_case import is_built_with_gpu_support as is_built_with_gpu_support
from penstock.testing.test_case import is_built_with_rocm as is_built_with_rocm
from penstock.testing.test_case import is_built_with_xla as is_built_with_xla
from penstock.testing.test_case import is_gpu_available as is_gpu_available
from penstock.testing.test_case import main as main
from penstock.testing.test_case import test_src_dir_path as test_src_dir_path
