"""What converted code calls: the meaning of Python's statements and expressions when their operands may be tensors.

Where nothing is a tensor of a graph, each operator does what Python does. `conditionals` and `loops` stage statements
through graph bodies (`staged_loop` builds the loops), `logical` the operators, `builtins` the functions `len`, `range`,
`max` and so on; `variables` holds names that have no value yet, and the packing of a block's variables into flat lists
of tensors.
"""
