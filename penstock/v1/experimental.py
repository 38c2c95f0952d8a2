"""`tf.experimental` of TensorFlow 1."""

from penstock.core.api_dispatch import dispatch_for_api as dispatch_for_api
from penstock.core.api_dispatch import dispatch_for_binary_elementwise_apis as dispatch_for_binary_elementwise_apis
from penstock.core.api_dispatch import (
    dispatch_for_binary_elementwise_assert_apis as dispatch_for_binary_elementwise_assert_apis,
)
from penstock.core.api_dispatch import dispatch_for_unary_elementwise_apis as dispatch_for_unary_elementwise_apis
from penstock.core.api_dispatch import unregister_dispatch_for as unregister_dispatch_for
from penstock.data.optional import Optional as Optional
from penstock.language.extension_type import ExtensionType as ExtensionType
from penstock.ops.ragged.row_partition import RowPartition as RowPartition
