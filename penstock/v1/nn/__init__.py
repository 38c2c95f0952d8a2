"""Neural networks: `tf.nn` of TensorFlow 1."""

from penstock.ops.array.blocks import depth_to_space_v1 as depth_to_space
from penstock.ops.array.blocks import space_to_batch_v1 as space_to_batch
from penstock.ops.array.blocks import space_to_depth_v1 as space_to_depth
from penstock.ops.math.exponential import sigmoid as sigmoid
from penstock.ops.math.exponential import tanh as tanh
from penstock.ops.math.topk import top_k as top_k
from penstock.ops.nn.activation import crelu_v1 as crelu
from penstock.ops.nn.activation import elu as elu
from penstock.ops.nn.activation import leaky_relu as leaky_relu
from penstock.ops.nn.activation import relu as relu
from penstock.ops.nn.activation import relu6 as relu6
from penstock.ops.nn.activation import selu as selu
from penstock.ops.nn.activation import silu as silu
from penstock.ops.nn.activation import softplus as softplus
from penstock.ops.nn.activation import softsign as softsign
from penstock.ops.nn.activation import swish as swish
from penstock.ops.nn.bias import bias_add as bias_add
from penstock.ops.nn.convolution_functions import atrous_conv2d as atrous_conv2d
from penstock.ops.nn.convolution_functions import atrous_conv2d_transpose as atrous_conv2d_transpose
from penstock.ops.nn.convolution_functions import conv1d_transpose as conv1d_transpose
from penstock.ops.nn.convolution_functions import conv1d_v1 as conv1d
from penstock.ops.nn.convolution_functions import conv2d_backprop_filter as conv2d_backprop_filter
from penstock.ops.nn.convolution_functions import conv2d_backprop_input as conv2d_backprop_input
from penstock.ops.nn.convolution_functions import conv2d_transpose_v1 as conv2d_transpose
from penstock.ops.nn.convolution_functions import conv2d_v1 as conv2d
from penstock.ops.nn.convolution_functions import conv3d_backprop_filter as conv3d_backprop_filter
from penstock.ops.nn.convolution_functions import conv3d_backprop_filter as conv3d_backprop_filter_v2
from penstock.ops.nn.convolution_functions import conv3d_transpose_v1 as conv3d_transpose
from penstock.ops.nn.convolution_functions import conv3d_v1 as conv3d
from penstock.ops.nn.convolution_functions import conv_transpose as conv_transpose
from penstock.ops.nn.convolution_functions import convolution_v1 as convolution
from penstock.ops.nn.convolution_functions import depthwise_conv2d_backprop_filter as depthwise_conv2d_backprop_filter
from penstock.ops.nn.convolution_functions import (
    depthwise_conv2d_backprop_filter as depthwise_conv2d_native_backprop_filter,
)
from penstock.ops.nn.convolution_functions import depthwise_conv2d_backprop_input as depthwise_conv2d_backprop_input
from penstock.ops.nn.convolution_functions import (
    depthwise_conv2d_backprop_input as depthwise_conv2d_native_backprop_input,
)
from penstock.ops.nn.convolution_functions import depthwise_conv2d_native as depthwise_conv2d_native
from penstock.ops.nn.convolution_functions import depthwise_conv2d_v1 as depthwise_conv2d
from penstock.ops.nn.convolution_functions import separable_conv2d_v1 as separable_conv2d
from penstock.ops.nn.cross_entropy import sigmoid_cross_entropy_with_logits as sigmoid_cross_entropy_with_logits
from penstock.ops.nn.cross_entropy import softmax_cross_entropy_with_logits_v1 as softmax_cross_entropy_with_logits
from penstock.ops.nn.cross_entropy import softmax_cross_entropy_with_logits_v2 as softmax_cross_entropy_with_logits_v2
from penstock.ops.nn.cross_entropy import (
    sparse_softmax_cross_entropy_with_logits_v1 as sparse_softmax_cross_entropy_with_logits,
)
from penstock.ops.nn.cross_entropy import weighted_cross_entropy_with_logits_v1 as weighted_cross_entropy_with_logits
from penstock.ops.nn.dropout import dropout_v1 as dropout
from penstock.ops.nn.embedding import embedding_lookup_v1 as embedding_lookup
from penstock.ops.nn.losses import l2_loss as l2_loss
from penstock.ops.nn.losses import log_poisson_loss as log_poisson_loss
from penstock.ops.nn.moments import batch_norm_with_global_normalization_v1 as batch_norm_with_global_normalization
from penstock.ops.nn.moments import batch_normalization as batch_normalization
from penstock.ops.nn.moments import l2_normalize_v1 as l2_normalize
from penstock.ops.nn.moments import moments_v1 as moments
from penstock.ops.nn.moments import normalize_moments as normalize_moments
from penstock.ops.nn.moments import sufficient_statistics_v1 as sufficient_statistics
from penstock.ops.nn.moments import weighted_moments_v1 as weighted_moments
from penstock.ops.nn.morphology import dilation2d_v1 as dilation2d
from penstock.ops.nn.morphology import erosion2d_v1 as erosion2d
from penstock.ops.nn.normalization import fused_batch_norm as fused_batch_norm
from penstock.ops.nn.normalization import local_response_normalization as local_response_normalization
from penstock.ops.nn.normalization import lrn as lrn
from penstock.ops.nn.pooling_functions import avg_pool1d as avg_pool1d
from penstock.ops.nn.pooling_functions import avg_pool2d as avg_pool2d
from penstock.ops.nn.pooling_functions import avg_pool3d as avg_pool3d
from penstock.ops.nn.pooling_functions import avg_pool_v1 as avg_pool
from penstock.ops.nn.pooling_functions import max_pool1d as max_pool1d
from penstock.ops.nn.pooling_functions import max_pool2d as max_pool2d
from penstock.ops.nn.pooling_functions import max_pool3d as max_pool3d
from penstock.ops.nn.pooling_functions import max_pool_v1 as max_pool
from penstock.ops.nn.pooling_functions import max_pool_with_argmax_v1 as max_pool_with_argmax
from penstock.ops.nn.pooling_functions import pool_v1 as pool
from penstock.ops.nn.softmax import log_softmax_v1 as log_softmax
from penstock.ops.nn.softmax import softmax_v1 as softmax
from penstock.ops.nn.topk import in_top_k_v1 as in_top_k
from penstock.ops.nn.xw_plus_b import relu_layer as relu_layer
from penstock.ops.nn.xw_plus_b import xw_plus_b_v1 as xw_plus_b
from penstock.ops.nn.xw_plus_b import zero_fraction as zero_fraction
from penstock.rnn.loops import bidirectional_dynamic_rnn as bidirectional_dynamic_rnn
from penstock.rnn.loops import dynamic_rnn as dynamic_rnn
from penstock.rnn.loops import raw_rnn as raw_rnn
from penstock.rnn.loops import static_bidirectional_rnn as static_bidirectional_rnn
from penstock.rnn.loops import static_rnn as static_rnn
from penstock.rnn.loops import static_state_saving_rnn as static_state_saving_rnn
from penstock.v1.nn import experimental as experimental
from penstock.v1.nn import rnn_cell as rnn_cell
