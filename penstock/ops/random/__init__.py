"""Random numbers: Philox 4x32-10 with TensorFlow's seeds and streams, and all that draws from it."""

from __future__ import annotations

from penstock.ops.random import functions as functions
from penstock.ops.random import generator_state as generator_state
from penstock.ops.random import seeds as seeds
from penstock.ops.random import stateful as stateful
from penstock.ops.random import stateless as stateless
from penstock.ops.random import stateless_functions as stateless_functions
