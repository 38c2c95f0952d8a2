"""`tf.experimental` of TensorFlow 1."""

from penstock.core.api_dispatch import dispatch_for_api as dispatch_for_api
from penstock.core.api_dispatch import dispatch_for_binary_elementwise_apis as dispatch_for_binary_elementwise_apis
from penstock.core.api_dispatch import (
    dispatch_for_binary_elementwise_assert_apis as dispatch_for_binary_elementwise_assert_apis,
)
from penstock.core.api_dispatch import dispatch_for_unary_elementwise_apis as dispatch_for_unary_elementwise_apis
from penstock.core.api_dispatch import unregister_dispatch_for as unregister_dispatch_for
from penstock.core.dtypes import float4_e2m1fn as float4_e2m1fn
from penstock.core.dtypes import float8_e4m3b11fnuz as float8_e4m3b11fnuz
from penstock.core.dtypes import float8_e4m3fn as float8_e4m3fn
from penstock.core.dtypes import float8_e4m3fnuz as float8_e4m3fnuz
from penstock.core.dtypes import float8_e5m2 as float8_e5m2
from penstock.core.dtypes import float8_e5m2fnuz as float8_e5m2fnuz
from penstock.core.dtypes import int2 as int2
from penstock.core.dtypes import int4 as int4
from penstock.core.dtypes import uint2 as uint2
from penstock.core.dtypes import uint4 as uint4
from penstock.data.optional import Optional as Optional
from penstock.language.extension_type import BatchableExtensionType as BatchableExtensionType
from penstock.language.extension_type import ExtensionType as ExtensionType
from penstock.ops.ragged.row_partition import RowPartition as RowPartition
