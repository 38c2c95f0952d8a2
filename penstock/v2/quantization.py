"""Quantization: `tf.quantization` of TensorFlow 2."""

from penstock.ops.quantization.fake import fake_quant_with_min_max_args as fake_quant_with_min_max_args
from penstock.ops.quantization.fake import (
    fake_quant_with_min_max_args_gradient as fake_quant_with_min_max_args_gradient,
)
from penstock.ops.quantization.fake import fake_quant_with_min_max_vars as fake_quant_with_min_max_vars
from penstock.ops.quantization.fake import (
    fake_quant_with_min_max_vars_gradient as fake_quant_with_min_max_vars_gradient,
)
from penstock.ops.quantization.fake import (
    fake_quant_with_min_max_vars_per_channel as fake_quant_with_min_max_vars_per_channel,
)
from penstock.ops.quantization.fake import (
    fake_quant_with_min_max_vars_per_channel_gradient as fake_quant_with_min_max_vars_per_channel_gradient,
)
from penstock.ops.quantization.joining import quantized_concat as quantized_concat
from penstock.ops.quantization.ranges import dequantize as dequantize
from penstock.ops.quantization.ranges import quantize as quantize
from penstock.ops.quantization.rounding import quantize_and_dequantize as quantize_and_dequantize
from penstock.ops.quantization.rounding import quantize_and_dequantize_v2 as quantize_and_dequantize_v2
