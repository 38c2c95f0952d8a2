"""What programs say of the machine and the runtime: `tf.config`.

`devices.py` has physical and logical devices and their memory, `threading.py` the numbers of threads, `optimizer.py`
the compiler's passes, `execution.py` the switches of kernels and of eager execution.
"""
