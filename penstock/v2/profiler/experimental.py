"""`tf.profiler.experimental` of TensorFlow 2."""

from penstock.runtime.profiler import Profile as Profile
from penstock.runtime.profiler import ProfilerOptions as ProfilerOptions
from penstock.runtime.profiler import Trace as Trace
from penstock.runtime.profiler import start as start
from penstock.runtime.profiler import stop as stop
