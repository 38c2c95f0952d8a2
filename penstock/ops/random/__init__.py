"""Random numbers: Philox 4x32-10 with TensorFlow's seeds and streams, and all that draws from it."""

from __future__ import annotations

from penstock.ops.random import candidates as candidates
from penstock.ops.random import functions as functions
from penstock.ops.random import generator_state as generator_state
from penstock.ops.random import index_shuffle as index_shuffle
from penstock.ops.random import parameterized as parameterized
from penstock.ops.random import seeds as seeds
from penstock.ops.random import sobol as sobol
from penstock.ops.random import stateful as stateful
from penstock.ops.random import stateless as stateless
from penstock.ops.random import stateless_functions as stateless_functions
