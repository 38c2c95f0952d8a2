"""`tf.queue` of TensorFlow 2."""

from penstock.train.queues import FIFOQueue as FIFOQueue
from penstock.train.queues import PaddingFIFOQueue as PaddingFIFOQueue
from penstock.train.queues import PriorityQueue as PriorityQueue
from penstock.train.queues import QueueBase as QueueBase
from penstock.train.queues import RandomShuffleQueue as RandomShuffleQueue
