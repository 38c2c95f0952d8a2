"""`tf.experimental` of TensorFlow 2."""

from penstock.core.api_dispatch import dispatch_for_api as dispatch_for_api
from penstock.core.api_dispatch import dispatch_for_binary_elementwise_apis as dispatch_for_binary_elementwise_apis
from penstock.core.api_dispatch import (
    dispatch_for_binary_elementwise_assert_apis as dispatch_for_binary_elementwise_assert_apis,
)
from penstock.core.api_dispatch import dispatch_for_unary_elementwise_apis as dispatch_for_unary_elementwise_apis
from penstock.core.api_dispatch import unregister_dispatch_for as unregister_dispatch_for
from penstock.data.optional import Optional as Optional
from penstock.distribute import dtensor as dtensor
from penstock.language.extension_type import BatchableExtensionType as BatchableExtensionType
from penstock.language.extension_type import ExtensionType as ExtensionType
from penstock.ops.ragged.row_partition import RowPartition as RowPartition
from penstock.v2.experimental import dlpack as dlpack
from penstock.v2.experimental import numpy as numpy
