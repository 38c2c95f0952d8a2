"""One file a workload. `tensorflow(tf)` builds it with TensorFlow 1's names, and so serves Penstock and TensorFlow
alike; `pytorch(torch)` does the same work there. Both return a function that runs one step.
"""
