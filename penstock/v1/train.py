"""Training: `tf.train` of TensorFlow 1."""

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
from penstock.formats.protos import SaverDef as SaverDef
from penstock.formats.protos import SequenceExample as SequenceExample
from penstock.formats.protos import ServerDef as ServerDef
from penstock.train.adadelta import AdadeltaOptimizer as AdadeltaOptimizer
from penstock.train.adagrad import AdagradOptimizer as AdagradOptimizer
from penstock.train.adagrad_da import AdagradDAOptimizer as AdagradDAOptimizer
from penstock.train.adam import AdamOptimizer as AdamOptimizer
from penstock.train.checkpoint_management import checkpoint_exists as checkpoint_exists
from penstock.train.checkpoint_management import generate_checkpoint_state_proto as generate_checkpoint_state_proto
from penstock.train.checkpoint_management import get_checkpoint_mtimes as get_checkpoint_mtimes
from penstock.train.checkpoint_management import get_checkpoint_state as get_checkpoint_state
from penstock.train.checkpoint_management import latest_checkpoint as latest_checkpoint
from penstock.train.checkpoint_management import remove_checkpoint as remove_checkpoint
from penstock.train.checkpoint_management import update_checkpoint_state as update_checkpoint_state
from penstock.train.checkpoint_utils import NewCheckpointReader as NewCheckpointReader
from penstock.train.checkpoint_utils import init_from_checkpoint as init_from_checkpoint
from penstock.train.checkpoint_utils import list_variables as list_variables
from penstock.train.checkpoint_utils import load_checkpoint as load_checkpoint
from penstock.train.checkpoint_utils import load_variable as load_variable
from penstock.train.ftrl import FtrlOptimizer as FtrlOptimizer
from penstock.train.global_step import assert_global_step as assert_global_step
from penstock.train.global_step import create_global_step as create_global_step
from penstock.train.global_step import get_global_step as get_global_step
from penstock.train.global_step import get_or_create_global_step as get_or_create_global_step
from penstock.train.global_step import global_step as global_step
from penstock.train.gradient_descent import GradientDescentOptimizer as GradientDescentOptimizer
from penstock.train.learning_rate_decay import cosine_decay as cosine_decay
from penstock.train.learning_rate_decay import cosine_decay_restarts as cosine_decay_restarts
from penstock.train.learning_rate_decay import exponential_decay as exponential_decay
from penstock.train.learning_rate_decay import inverse_time_decay as inverse_time_decay
from penstock.train.learning_rate_decay import linear_cosine_decay as linear_cosine_decay
from penstock.train.learning_rate_decay import natural_exp_decay as natural_exp_decay
from penstock.train.learning_rate_decay import noisy_linear_cosine_decay as noisy_linear_cosine_decay
from penstock.train.learning_rate_decay import piecewise_constant as piecewise_constant
from penstock.train.learning_rate_decay import piecewise_constant_decay as piecewise_constant_decay
from penstock.train.learning_rate_decay import polynomial_decay as polynomial_decay
from penstock.train.meta_graph import export_meta_graph as export_meta_graph
from penstock.train.momentum import MomentumOptimizer as MomentumOptimizer
from penstock.train.moving_averages import ExponentialMovingAverage as ExponentialMovingAverage
from penstock.train.optimizer import Optimizer as Optimizer
from penstock.train.proximal_adagrad import ProximalAdagradOptimizer as ProximalAdagradOptimizer
from penstock.train.proximal_gradient_descent import (
    ProximalGradientDescentOptimizer as ProximalGradientDescentOptimizer,
)
from penstock.train.rmsprop import RMSPropOptimizer as RMSPropOptimizer
from penstock.train.saver import Saver as Saver
