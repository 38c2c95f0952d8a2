"""`tf.audio` of TensorFlow 1."""

from penstock.ops.audio.wav import decode_wav as decode_wav
from penstock.ops.audio.wav import encode_wav as encode_wav
