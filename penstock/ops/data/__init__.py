"""Operations of input pipelines: iterators, optional values, and calls into the pipelines of `penstock.data`.

A pipeline itself is Python (`penstock.data`); graphs see it as a tensor of type variant. Read `iterators.py` first.
"""

from penstock.ops.data import calls as calls
from penstock.ops.data import iterators as iterators
from penstock.ops.data import optional as optional
