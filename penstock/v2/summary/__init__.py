"""`tf.summary` of TensorFlow 2."""

from penstock.summary.v2 import SummaryWriter as SummaryWriter
from penstock.summary.v2 import audio as audio
from penstock.summary.v2 import create_file_writer as create_file_writer
from penstock.summary.v2 import create_noop_writer as create_noop_writer
from penstock.summary.v2 import flush as flush
from penstock.summary.v2 import graph as graph
from penstock.summary.v2 import histogram as histogram
from penstock.summary.v2 import image as image
from penstock.summary.v2 import record_if as record_if
from penstock.summary.v2 import scalar as scalar
from penstock.summary.v2 import should_record_summaries as should_record_summaries
from penstock.summary.v2 import text as text
from penstock.summary.v2 import trace_export as trace_export
from penstock.summary.v2 import trace_off as trace_off
from penstock.summary.v2 import trace_on as trace_on
from penstock.summary.v2 import write as write
from penstock.v2.summary import experimental as experimental
