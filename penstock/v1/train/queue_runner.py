"""`tf.train.queue_runner` of TensorFlow 1."""

from penstock.train.queue_runner import QueueRunner as QueueRunner
from penstock.train.queue_runner import add_queue_runner as add_queue_runner
from penstock.train.queue_runner import start_queue_runners as start_queue_runners
