from __future__ import annotations

import numpy as np
import pytest
import torch

import penstock as tf
from penstock.core.errors import InvalidArgumentError
from penstock.language.dlpack import from_dlpack, to_dlpack


def test_memory_is_shared_both_ways() -> None:
    outside = torch.tensor([1.0, 2.0])
    inside = from_dlpack(torch.utils.dlpack.to_dlpack(outside))
    assert inside.value.data_ptr() == outside.data_ptr() and inside.dtype == tf.float32
    assert torch.from_dlpack(to_dlpack(inside)).data_ptr() == outside.data_ptr()
    assert torch.from_dlpack(inside).data_ptr() == outside.data_ptr()


def test_exporters_are_taken_as_they_are() -> None:
    assert from_dlpack(np.arange(3)).numpy().tolist() == [0, 1, 2]


def test_only_eager_tensors_are_exported() -> None:
    with pytest.raises(InvalidArgumentError, match="eager tensor"):
        to_dlpack([1.0])


def test_capsules_are_taken_once() -> None:
    capsule = to_dlpack(tf.constant([1.0]))
    from_dlpack(capsule)
    with pytest.raises(InvalidArgumentError, match="consumed"):
        from_dlpack(capsule)
    with pytest.raises(TypeError, match="capsule"):
        from_dlpack(3)
