"""Work that threads of ATen's runtime share."""

from __future__ import annotations

import ctypes

import pytest
import torch

from penstock.ops.fused.native.threads import share


@pytest.mark.parametrize(("threads", "total"), [(1, 5), (2, 10), (3, 10), (4, 3), (2, 1)])
def test_every_unit_of_work_is_done_once_with_its_own_arguments(threads, total):
    done = []

    @ctypes.CFUNCTYPE(None, *[ctypes.c_size_t] * 3)
    def work(count, address, same):
        done.extend((address + 4 * index, same) for index in range(count))

    share(work, threads, total, 0, [total, 1000, 7], [0, 4, 0])
    assert sorted(done) == [(1000 + 4 * index, 7) for index in range(total)]


def test_large_chains_give_the_same_on_any_number_of_threads():
    from penstock.ops.fused.native.elementwise import one_operation

    kernel = one_operation("Mul", ["float32", "float32"], [True, False], torch.float32)
    x, y = torch.randn(3, 50_001), torch.tensor(2.5)
    before = torch.get_num_threads()
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            torch.testing.assert_close(kernel(x, y), x * y, rtol=0, atol=0)
    finally:
        torch.set_num_threads(before)
