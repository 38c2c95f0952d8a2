"""`tf.distribute` of TensorFlow 2."""

from penstock.distribute.strategy import InputContext as InputContext
from penstock.distribute.strategy import MirroredStrategy as MirroredStrategy
from penstock.distribute.strategy import MultiWorkerMirroredStrategy as MultiWorkerMirroredStrategy
from penstock.distribute.strategy import OneDeviceStrategy as OneDeviceStrategy
from penstock.distribute.strategy import ReplicaContext as ReplicaContext
from penstock.distribute.strategy import Strategy as Strategy
from penstock.distribute.strategy import StrategyExtended as StrategyExtended
from penstock.distribute.strategy import TPUStrategy as TPUStrategy
from penstock.distribute.strategy import experimental_set_strategy as experimental_set_strategy
from penstock.distribute.strategy import get_replica_context as get_replica_context
from penstock.distribute.strategy import get_strategy as get_strategy
from penstock.distribute.strategy import has_strategy as has_strategy
from penstock.distribute.strategy import in_cross_replica_context as in_cross_replica_context
from penstock.distribute.values import DistributedDataset as DistributedDataset
from penstock.distribute.values import DistributedIterator as DistributedIterator
from penstock.distribute.values import DistributedValues as DistributedValues
from penstock.distribute.values import ReduceOp as ReduceOp
from penstock.v2.distribute import experimental as experimental
