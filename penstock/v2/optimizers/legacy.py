"""Optimizers: `tf.optimizers.legacy` of TensorFlow 2."""

from penstock.train.optimizer import Optimizer as Adam
from penstock.train.optimizer import Optimizer as Ftrl
from penstock.train.optimizer import Optimizer as Optimizer
from penstock.train.optimizer import Optimizer as RMSprop
from penstock.train.optimizer import Optimizer as SGD
