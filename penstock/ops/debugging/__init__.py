"""Assertions over values, shapes and types, and printing while a program runs."""

from penstock.ops.debugging import assertion as assertion
from penstock.ops.debugging import clock as clock
from penstock.ops.debugging import comparisons as comparisons
from penstock.ops.debugging import printing as printing
from penstock.ops.debugging import shapes as shapes
