"""`tf.python_io` of TensorFlow 1."""

from penstock.platform.tf_record import TFRecordCompressionType as TFRecordCompressionType
from penstock.platform.tf_record import TFRecordOptions as TFRecordOptions
from penstock.platform.tf_record import TFRecordWriter as TFRecordWriter
from penstock.platform.tf_record import tf_record_iterator as tf_record_iterator
