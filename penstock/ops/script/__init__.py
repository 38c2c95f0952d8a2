"""Python functions as operations."""

from penstock.ops.script import py_function as py_function
