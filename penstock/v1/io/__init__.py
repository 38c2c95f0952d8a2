"""Input and output: `tf.io` of TensorFlow 1."""

from penstock.ops.string.encoding import decode_base64 as decode_base64
from penstock.ops.string.encoding import decode_raw_v1 as decode_raw
from penstock.ops.string.encoding import encode_base64 as encode_base64
from penstock.v1.io import gfile as gfile
