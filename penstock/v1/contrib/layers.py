"""`tf.contrib.layers` of TensorFlow 1."""

from penstock.contrib.layers import avg_pool2d as avg_pool2d
from penstock.contrib.layers import batch_norm as batch_norm
from penstock.contrib.layers import bias_add as bias_add
from penstock.contrib.layers import conv2d as conv2d
from penstock.contrib.layers import conv2d as convolution
from penstock.contrib.layers import conv2d as convolution2d
from penstock.contrib.layers import conv2d_transpose as conv2d_transpose
from penstock.contrib.layers import conv2d_transpose as convolution2d_transpose
from penstock.contrib.layers import dropout as dropout
from penstock.contrib.layers import embed_sequence as embed_sequence
from penstock.contrib.layers import flatten as flatten
from penstock.contrib.layers import fully_connected as fully_connected
from penstock.contrib.layers import layer_norm as layer_norm
from penstock.contrib.layers import linear as linear
from penstock.contrib.layers import max_pool2d as max_pool2d
from penstock.contrib.layers import maxout as maxout
from penstock.contrib.layers import one_hot_encoding as one_hot_encoding
from penstock.contrib.layers import relu6_layer as relu6
from penstock.contrib.layers import relu_layer as relu
from penstock.contrib.layers import repeat as repeat
from penstock.contrib.layers import separable_conv2d as separable_conv2d
from penstock.contrib.layers import separable_conv2d as separable_convolution2d
from penstock.contrib.layers import softmax as softmax
from penstock.contrib.layers import stack as stack
from penstock.contrib.layers import unit_norm as unit_norm
from penstock.contrib.layers import variance_scaling_initializer as variance_scaling_initializer
from penstock.contrib.layers import xavier_initializer as xavier_initializer
from penstock.contrib.layers import xavier_initializer as xavier_initializer_conv2d
from penstock.contrib.missing import missing as _missing
from penstock.contrib.optimize import optimize_loss as optimize_loss
from penstock.layers.regularizers import apply_regularization as apply_regularization
from penstock.layers.regularizers import l1_l2_regularizer as l1_l2_regularizer
from penstock.layers.regularizers import l1_regularizer as l1_regularizer
from penstock.layers.regularizers import l2_regularizer as l2_regularizer
from penstock.layers.regularizers import sum_regularizer as sum_regularizer

__getattr__ = _missing(__name__)
