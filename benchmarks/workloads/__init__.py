"""One file a workload. `tensorflow(tf)` builds it with TensorFlow 1's names, and so serves Penstock and TensorFlow
alike, or with TensorFlow 2's where the file sets `FACE = "v2"`; `pytorch(torch)` does the same work there. Both return
a function that runs one step.
"""
