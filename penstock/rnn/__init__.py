"""Recurrent networks: cells, which make one step, and the functions that run a cell over time.

`cells` has the cells, `wrappers` what adds dropout, residual connections or a device to a cell, `loops` the functions
`static_rnn`, `dynamic_rnn`, `raw_rnn` and their bidirectional forms.
"""
