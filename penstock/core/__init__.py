"""What a program is made of.

Types of values (`dtypes`, `shape`, `device`), errors, the declaration of operations (`op_def`, `op`), graphs of them
(`graph`, `operation`, `tensor`), the one function that turns a call of an operation into a graph node or a kernel call
(`dispatch`), and differentiation (`gradients` for graphs, `tape` for recorded calls). Nothing in here knows a single
operation by more than its name. Read `op_def.py`, `graph.py` and `dispatch.py` first.
"""
