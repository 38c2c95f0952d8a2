"""`tf.contrib.slim` of TensorFlow 1."""

from penstock.contrib.arg_scope import add_arg_scope as add_arg_scope
from penstock.contrib.arg_scope import arg_scope as arg_scope
from penstock.contrib.framework import assign_from_checkpoint_fn as assign_from_checkpoint_fn
from penstock.contrib.framework import filter_variables as filter_variables
from penstock.contrib.framework import get_local_variables as get_local_variables
from penstock.contrib.framework import get_model_variables as get_model_variables
from penstock.contrib.framework import get_trainable_variables as get_trainable_variables
from penstock.contrib.framework import get_unique_variable as get_unique_variable
from penstock.contrib.framework import get_variables as get_variables
from penstock.contrib.framework import get_variables_by_name as get_variables_by_name
from penstock.contrib.framework import get_variables_to_restore as get_variables_to_restore
from penstock.contrib.framework import model_variable as model_variable
from penstock.contrib.framework import variable as variable
from penstock.contrib.layers import avg_pool2d as avg_pool2d
from penstock.contrib.layers import batch_norm as batch_norm
from penstock.contrib.layers import bias_add as bias_add
from penstock.contrib.layers import conv2d as conv2d
from penstock.contrib.layers import conv2d as convolution
from penstock.contrib.layers import conv2d as convolution2d
from penstock.contrib.layers import conv2d_transpose as conv2d_transpose
from penstock.contrib.layers import conv2d_transpose as convolution2d_transpose
from penstock.contrib.layers import dropout as dropout
from penstock.contrib.layers import flatten as flatten
from penstock.contrib.layers import fully_connected as fully_connected
from penstock.contrib.layers import layer_norm as layer_norm
from penstock.contrib.layers import max_pool2d as max_pool2d
from penstock.contrib.layers import maxout as maxout
from penstock.contrib.layers import one_hot_encoding as one_hot_encoding
from penstock.contrib.layers import repeat as repeat
from penstock.contrib.layers import separable_conv2d as separable_conv2d
from penstock.contrib.layers import separable_conv2d as separable_convolution2d
from penstock.contrib.layers import softmax as softmax
from penstock.contrib.layers import stack as stack
from penstock.contrib.layers import unit_norm as unit_norm
from penstock.contrib.layers import variance_scaling_initializer as variance_scaling_initializer
from penstock.contrib.layers import xavier_initializer as xavier_initializer
from penstock.contrib.missing import missing as _missing
from penstock.layers.regularizers import l1_l2_regularizer as l1_l2_regularizer
from penstock.layers.regularizers import l1_regularizer as l1_regularizer
from penstock.layers.regularizers import l2_regularizer as l2_regularizer
from penstock.train.global_step import assert_global_step as assert_global_step
from penstock.train.global_step import create_global_step as create_global_step
from penstock.train.global_step import get_global_step as get_global_step
from penstock.train.global_step import get_or_create_global_step as get_or_create_global_step

__getattr__ = _missing(__name__)
