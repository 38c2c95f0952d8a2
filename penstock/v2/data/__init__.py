"""`tf.data` of TensorFlow 2."""

from penstock.data.dataset import AUTOTUNE as AUTOTUNE
from penstock.data.dataset import INFINITE_CARDINALITY as INFINITE_CARDINALITY
from penstock.data.dataset import UNKNOWN_CARDINALITY as UNKNOWN_CARDINALITY
from penstock.data.dataset import Dataset as Dataset
from penstock.data.dataset import DatasetSpec as DatasetSpec
from penstock.data.iterator import IteratorBase as Iterator
from penstock.data.iterator import IteratorSpec as IteratorSpec
from penstock.data.iterator import NumpyIterator as NumpyIterator
from penstock.data.options import Options as Options
from penstock.data.options import ThreadingOptions as ThreadingOptions
from penstock.data.readers import FixedLengthRecordDataset as FixedLengthRecordDataset
from penstock.data.readers import TextLineDataset as TextLineDataset
from penstock.data.readers import TFRecordDataset as TFRecordDataset
from penstock.v2.data import experimental as experimental
