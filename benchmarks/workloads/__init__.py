"""One file a workload. `tensorflow(tf)` builds it with TensorFlow 1's names, and so serves Penstock and TensorFlow
alike, or with TensorFlow 2's where the file sets `FACE = "v2"`; `pytorch(torch)` does the same work there. Both return
a function that runs one step, whose time is measured; in a file that sets `KIND` ("seconds", "bytes" or "ratio") they
return the figure itself. `process(framework)` takes their place where whole processes are measured. `FLOPS` is the
least arithmetic that a step takes.
"""
