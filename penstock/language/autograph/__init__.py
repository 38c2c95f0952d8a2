"""AutoGraph: Python's `if`, `while`, `for`, `break`, `return`, `and`, ... over tensors, staged into the graph.

`convert` turns a function into a twin that calls operators where the function has such statements. An operator does
what
Python does, unless a tensor of a graph decides: then it builds a conditional or a loop. The twin is compiled with the
line numbers of the user's file, so that tracebacks and debuggers show the user's source.

The passes, in their order: `parsing` finds the source; `returns` and `break_continue` leave each block with one end;
`flow` finds which variables a block changes and which are alive around it; `expressions` and `blocks` rewrite;
`conversion` runs them and keeps the result. `operators/` is what the result calls. Read `conversion.py` first.
"""

from __future__ import annotations

from penstock.language.autograph.api import (
    set_loop_options,
    set_verbosity,
    to_code,
    to_code_v1,
    to_graph,
    to_graph_v1,
    trace,
)
from penstock.language.autograph.calls import convert, converted, converted_call, tf_convert
from penstock.language.autograph.operators.loops import register_iterator_kind
from penstock.language.autograph.operators.staged_loop import staged_while
from penstock.language.autograph.rules import do_not_convert
from penstock.language.autograph.status import (
    ControlStatusCtx,
    ConversionError,
    Feature,
    Status,
    autograph_status,
    control_status_ctx,
)

__all__ = [
    "ControlStatusCtx",
    "ConversionError",
    "Feature",
    "Status",
    "autograph_status",
    "control_status_ctx",
    "convert",
    "converted",
    "converted_call",
    "do_not_convert",
    "register_iterator_kind",
    "set_loop_options",
    "set_verbosity",
    "staged_while",
    "tf_convert",
    "to_code",
    "to_code_v1",
    "to_graph",
    "to_graph_v1",
    "trace",
]
