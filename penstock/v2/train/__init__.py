"""Training: `tf.train` of TensorFlow 2."""

from penstock.formats.protos import BytesList as BytesList
from penstock.formats.protos import ClusterDef as ClusterDef
from penstock.formats.protos import Example as Example
from penstock.formats.protos import Feature as Feature
from penstock.formats.protos import FeatureList as FeatureList
from penstock.formats.protos import FeatureLists as FeatureLists
from penstock.formats.protos import Features as Features
from penstock.formats.protos import FloatList as FloatList
from penstock.formats.protos import Int64List as Int64List
from penstock.formats.protos import JobDef as JobDef
from penstock.formats.protos import SequenceExample as SequenceExample
from penstock.formats.protos import ServerDef as ServerDef
from penstock.train.checkpoint import Checkpoint as Checkpoint
from penstock.train.checkpoint import CheckpointOptions as CheckpointOptions
from penstock.train.checkpoint import TrackableView as TrackableView
from penstock.train.checkpoint_management import checkpoints_iterator as checkpoints_iterator
from penstock.train.checkpoint_management import get_checkpoint_state as get_checkpoint_state
from penstock.train.checkpoint_management import latest_checkpoint as latest_checkpoint
from penstock.train.checkpoint_manager import CheckpointManager as CheckpointManager
from penstock.train.checkpoint_utils import list_variables as list_variables
from penstock.train.checkpoint_utils import load_checkpoint as load_checkpoint
from penstock.train.checkpoint_utils import load_variable as load_variable
from penstock.train.coordinator import Coordinator as Coordinator
from penstock.train.moving_averages import ExponentialMovingAverage as ExponentialMovingAverage
from penstock.v2.train import experimental as experimental
