"""Summaries for TensorBoard: `tf.summary` of TensorFlow 1."""

from penstock.formats.protos import Event as Event
from penstock.formats.protos import SessionLog as SessionLog
from penstock.formats.protos import Summary as Summary
from penstock.formats.protos import SummaryDescription as SummaryDescription
from penstock.formats.protos import TaggedRunMetadata as TaggedRunMetadata
from penstock.summary.v1 import all_v2_summary_ops as all_v2_summary_ops
from penstock.summary.v1 import audio as audio
from penstock.summary.v1 import get_summary_description as get_summary_description
from penstock.summary.v1 import histogram as histogram
from penstock.summary.v1 import image as image
from penstock.summary.v1 import initialize as initialize
from penstock.summary.v1 import merge as merge
from penstock.summary.v1 import merge_all as merge_all
from penstock.summary.v1 import scalar as scalar
from penstock.summary.v1 import tensor_summary as tensor_summary
from penstock.summary.v1 import text as text
from penstock.summary.writer import FileWriter as FileWriter
from penstock.summary.writer import FileWriterCache as FileWriterCache
