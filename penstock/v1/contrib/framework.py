"""`tf.contrib.framework` of TensorFlow 1."""

from penstock.contrib.arg_scope import add_arg_scope as add_arg_scope
from penstock.contrib.arg_scope import arg_scope as arg_scope
from penstock.contrib.arg_scope import arg_scoped_arguments as arg_scoped_arguments
from penstock.contrib.arg_scope import current_arg_scope as current_arg_scope
from penstock.contrib.arg_scope import has_arg_scope as has_arg_scope
from penstock.contrib.framework import assign_from_checkpoint_fn as assign_from_checkpoint_fn
from penstock.contrib.framework import filter_variables as filter_variables
from penstock.contrib.framework import get_local_variables as get_local_variables
from penstock.contrib.framework import get_model_variables as get_model_variables
from penstock.contrib.framework import get_trainable_variables as get_trainable_variables
from penstock.contrib.framework import get_unique_variable as get_unique_variable
from penstock.contrib.framework import get_variables as get_variables
from penstock.contrib.framework import get_variables_by_name as get_variables_by_name
from penstock.contrib.framework import get_variables_to_restore as get_variables_to_restore
from penstock.contrib.framework import model_variable as model_variable
from penstock.contrib.framework import variable as variable
from penstock.contrib.missing import missing as _missing
from penstock.language.graph_functions import is_tensor as is_tensor
from penstock.ops.array.sorting import argsort as argsort
from penstock.ops.array.sorting import sort as sort
from penstock.train.checkpoint_utils import init_from_checkpoint as init_from_checkpoint
from penstock.train.checkpoint_utils import list_variables as list_variables
from penstock.train.checkpoint_utils import load_checkpoint as load_checkpoint
from penstock.train.checkpoint_utils import load_variable as load_variable
from penstock.train.global_step import assert_global_step as assert_global_step
from penstock.train.global_step import create_global_step as create_global_step
from penstock.train.global_step import get_global_step as get_global_step
from penstock.train.global_step import get_or_create_global_step as get_or_create_global_step

__getattr__ = _missing(__name__)
