"""`tf.data` of TensorFlow 1."""

from penstock.data.dataset import AUTOTUNE as AUTOTUNE
from penstock.data.dataset import INFINITE_CARDINALITY as INFINITE_CARDINALITY
from penstock.data.dataset import UNKNOWN_CARDINALITY as UNKNOWN_CARDINALITY
from penstock.data.dataset import DatasetSpec as DatasetSpec
from penstock.data.iterator import GraphIterator as Iterator
from penstock.data.iterator import NumpyIterator as NumpyIterator
from penstock.data.options import Options as Options
from penstock.data.options import ThreadingOptions as ThreadingOptions
from penstock.data.v1 import DatasetV1 as Dataset
from penstock.data.v1 import FixedLengthRecordDatasetV1 as FixedLengthRecordDataset
from penstock.data.v1 import TextLineDatasetV1 as TextLineDataset
from penstock.data.v1 import TFRecordDatasetV1 as TFRecordDataset
from penstock.data.v1 import get_output_classes as get_output_classes
from penstock.data.v1 import get_output_shapes as get_output_shapes
from penstock.data.v1 import get_output_types as get_output_types
from penstock.data.v1 import make_initializable_iterator as make_initializable_iterator
from penstock.data.v1 import make_one_shot_iterator as make_one_shot_iterator
from penstock.v1.data import experimental as experimental
