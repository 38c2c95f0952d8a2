"""Parsing of serialized `tf.train.Example` and `tf.train.SequenceExample` messages."""

from __future__ import annotations

from penstock.ops.parsing import examples as examples
from penstock.ops.parsing import features as features
from penstock.ops.parsing import json as json
from penstock.ops.parsing import protobuf as protobuf
from penstock.ops.parsing import sequences as sequences
