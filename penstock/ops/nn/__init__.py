"""Neural networks: convolutions, pooling, activations, normalization, losses and lookups."""

from penstock.ops.nn import activation as activation
from penstock.ops.nn import bias as bias
from penstock.ops.nn import convolution as convolution
from penstock.ops.nn import convolution_functions as convolution_functions
from penstock.ops.nn import cross_entropy as cross_entropy
from penstock.ops.nn import ctc as ctc
from penstock.ops.nn import ctc_decoding as ctc_decoding
from penstock.ops.nn import dropout as dropout
from penstock.ops.nn import embedding as embedding
from penstock.ops.nn import embedding_sparse as embedding_sparse
from penstock.ops.nn import fractional_pooling as fractional_pooling
from penstock.ops.nn import gather_tree as gather_tree
from penstock.ops.nn import isotonic as isotonic
from penstock.ops.nn import losses as losses
from penstock.ops.nn import moments as moments
from penstock.ops.nn import morphology as morphology
from penstock.ops.nn import normalization as normalization
from penstock.ops.nn import pooling as pooling
from penstock.ops.nn import pooling_functions as pooling_functions
from penstock.ops.nn import recurrent_blocks as recurrent_blocks
from penstock.ops.nn import sampled as sampled
from penstock.ops.nn import softmax as softmax
from penstock.ops.nn import topk as topk
from penstock.ops.nn import windows as windows
from penstock.ops.nn import xw_plus_b as xw_plus_b
