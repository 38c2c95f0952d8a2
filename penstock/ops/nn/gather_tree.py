"""Full sequences from what a beam search chose at each step: tokens, and the beams that they continue."""

from __future__ import annotations

from typing import Any

import torch

from penstock.core.array import Array
from penstock.core.dtypes import int32
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.tensor import Tensor


@op(
    "GatherTree(step_ids: T, parent_ids: T, max_sequence_lengths: int32, end_token: T) -> beams: T",
    T=(int32,),
)
def gather_tree_op(step_ids: Array, parent_ids: Array, max_sequence_lengths: Array, end_token: Array) -> Array:
    if step_ids.ndim != 3 or step_ids.shape != parent_ids.shape:
        raise InvalidArgumentError(
            None,
            None,
            "step_ids and parent_ids must both have the shape [max_time, batch_size, beam_width], got "
            f"{list(step_ids.shape)} and {list(parent_ids.shape)}",
        )
    times, batch, beams = step_ids.shape
    if tuple(max_sequence_lengths.shape) != (batch,) or end_token.ndim != 0:
        raise InvalidArgumentError(
            None,
            None,
            f"max_sequence_lengths must have the shape [{batch}], got {list(max_sequence_lengths.shape)}, and "
            "end_token "
            f"must be a scalar, got the shape {list(end_token.shape)}",
        )
    result = torch.full_like(step_ids, int(end_token))
    lengths = max_sequence_lengths.clamp(max=times)
    current = torch.arange(beams, device=step_ids.device).expand(batch, beams)
    for time in reversed(range(times)):
        active = (lengths > time).unsqueeze(1)
        known = active.expand(batch, beams)
        result[time] = torch.where(known, step_ids[time].gather(1, current), result[time])
        parents = parent_ids[time].gather(1, current).long()
        if bool((known & ((parents < 0) | (parents >= beams))).any()) and time > 0:
            raise InvalidArgumentError(None, None, f"parent_ids at time {time} must be in [0, {beams}), got {parents}")
        current = torch.where(known, parents.clamp(0, max(beams - 1, 0)), current)
    ended = (result == end_token).int().cumsum(0) > 0
    return torch.where(ended, end_token, result)


@gather_tree_op.shape
def gather_tree_shape(step_ids: Dims, parent_ids: Dims, max_sequence_lengths: Dims, end_token: Dims) -> Dims:
    return step_ids


def gather_tree(
    step_ids: Any, parent_ids: Any, max_sequence_lengths: Any, end_token: Any, name: str | None = None
) -> Tensor:
    """Return the sequences that a beam search ended with.

    Args:
        step_ids: int32, of shape (max_time, batch, beams): the token chosen at each step.
        parent_ids: likewise, the beam of the step before that the token continues.
        max_sequence_lengths: int32, of shape (batch,): how many steps each batch entry has.
        end_token: int32 scalar: fills a sequence after its first such token.
        name: the node's name.
    Returns:
        int32, of shape (max_time, batch, beams).
    Raises:
        InvalidArgumentError: if shapes differ, or a parent is no beam.
    """
    return gather_tree_op(step_ids, parent_ids, max_sequence_lengths, end_token, name=name)
