"""Workloads, the same code for Penstock and for its peers. `python -m benchmarks` runs them in turn."""
