"""`tf.contrib.slim.metrics` of TensorFlow 1."""

from penstock.contrib.metrics import accuracy as accuracy
from penstock.contrib.metrics import aggregate_metric_map as aggregate_metric_map
from penstock.contrib.metrics import aggregate_metrics as aggregate_metrics
from penstock.contrib.metrics import streaming_accuracy as streaming_accuracy
from penstock.contrib.metrics import streaming_auc as streaming_auc
from penstock.contrib.metrics import streaming_false_negatives as streaming_false_negatives
from penstock.contrib.metrics import streaming_false_positives as streaming_false_positives
from penstock.contrib.metrics import streaming_mean_absolute_error as streaming_mean_absolute_error
from penstock.contrib.metrics import streaming_mean_cosine_distance as streaming_mean_cosine_distance
from penstock.contrib.metrics import streaming_mean_iou as streaming_mean_iou
from penstock.contrib.metrics import streaming_mean_relative_error as streaming_mean_relative_error
from penstock.contrib.metrics import streaming_mean_squared_error as streaming_mean_squared_error
from penstock.contrib.metrics import streaming_precision as streaming_precision
from penstock.contrib.metrics import streaming_recall as streaming_recall
from penstock.contrib.metrics import streaming_root_mean_squared_error as streaming_root_mean_squared_error
from penstock.contrib.metrics import streaming_true_negatives as streaming_true_negatives
from penstock.contrib.metrics import streaming_true_positives as streaming_true_positives
from penstock.contrib.missing import missing as _missing
from penstock.metrics.means import mean as streaming_mean
from penstock.metrics.means import mean_tensor as streaming_mean_tensor

__getattr__ = _missing(__name__)
