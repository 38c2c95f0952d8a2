"""Input and output: `tf.io` of TensorFlow 1."""

from penstock.ops.image.codecs import decode_and_crop_jpeg as decode_and_crop_jpeg
from penstock.ops.image.codecs import decode_bmp as decode_bmp
from penstock.ops.image.codecs import decode_gif as decode_gif
from penstock.ops.image.codecs import decode_image as decode_image
from penstock.ops.image.codecs import decode_jpeg as decode_jpeg
from penstock.ops.image.codecs import decode_png as decode_png
from penstock.ops.image.codecs import encode_jpeg as encode_jpeg
from penstock.ops.image.codecs import encode_png as encode_png
from penstock.ops.image.codecs import extract_jpeg_shape as extract_jpeg_shape
from penstock.ops.image.codecs import is_jpeg as is_jpeg
from penstock.ops.io.files import decode_compressed as decode_compressed
from penstock.ops.io.files import decode_csv_v1 as decode_csv
from penstock.ops.io.files import matching_files as matching_files
from penstock.ops.io.files import parse_tensor as parse_tensor
from penstock.ops.io.files import read_file as read_file
from penstock.ops.io.files import serialize_tensor as serialize_tensor
from penstock.ops.io.files import write_file as write_file
from penstock.ops.string.encoding import decode_base64 as decode_base64
from penstock.ops.string.encoding import decode_raw_v1 as decode_raw
from penstock.ops.string.encoding import encode_base64 as encode_base64
from penstock.v1.io import gfile as gfile
