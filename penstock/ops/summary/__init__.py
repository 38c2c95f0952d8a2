"""Operations that turn tensors into serialized summaries, for event files."""

from penstock.ops.summary import events as events
from penstock.ops.summary import summary as summary
