"""`tf.contrib.data` of TensorFlow 1."""

from penstock.contrib.missing import missing as _missing
from penstock.data.experimental import bucket_by_sequence_length as bucket_by_sequence_length
from penstock.data.experimental import choose_from_datasets as choose_from_datasets
from penstock.data.experimental import copy_to_device as copy_to_device
from penstock.data.experimental import dense_to_sparse_batch as dense_to_sparse_batch
from penstock.data.experimental import enumerate_dataset as enumerate_dataset
from penstock.data.experimental import get_single_element as get_single_element
from penstock.data.experimental import group_by_window as group_by_window
from penstock.data.experimental import ignore_errors as ignore_errors
from penstock.data.experimental import map_and_batch as map_and_batch
from penstock.data.experimental import parallel_interleave as parallel_interleave
from penstock.data.experimental import prefetch_to_device as prefetch_to_device
from penstock.data.experimental import rejection_resample as rejection_resample
from penstock.data.experimental import sample_from_datasets as sample_from_datasets
from penstock.data.experimental import scan as scan
from penstock.data.experimental import shuffle_and_repeat as shuffle_and_repeat
from penstock.data.experimental import unbatch as unbatch
from penstock.data.experimental import unique as unique

__getattr__ = _missing(__name__)
