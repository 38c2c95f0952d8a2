"""`tf.function`: Python functions that run as compiled graphs.

`polymorphic.py` chooses a trace for the arguments of a call, which `arguments.py` describes; `tracing.py` makes one,
and `creation.py` keeps the variables made meanwhile. A trace is a `ConcreteFunction` (`concrete.py`) around a
`FlatFunction` (`flat_function.py`), which runs as a Program, is recorded on tapes, or becomes a call in another graph.
`wrapping.py` cuts functions out of graphs, and freezes them.
"""

from penstock.language.function.concrete import ConcreteFunction as ConcreteFunction
from penstock.language.function.eager_functions import functions_run_eagerly as functions_run_eagerly
from penstock.language.function.eager_functions import run_functions_eagerly as run_functions_eagerly
from penstock.language.function.polymorphic import Function as Function
from penstock.language.function.polymorphic import function as function
