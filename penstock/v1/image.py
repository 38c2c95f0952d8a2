"""Images: `tf.image` of TensorFlow 1."""

from penstock.ops.random.functions import random_crop as random_crop
