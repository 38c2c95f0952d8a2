"""Candidate samplers draw TensorFlow's classes, and count them as TensorFlow does."""

from __future__ import annotations

import numpy as np
import pytest

import penstock.ops  # noqa: F401  declares the operations
from penstock.core import context
from penstock.core.errors import InvalidArgumentError
from penstock.core.op_def import lookup
from penstock.ops.random import candidates
from penstock.testing.op_case import OpCase

TRUE = np.array([[1, 2], [3, 4], [0, 5]], np.int64)
COUNTS = {"num_true": 2, "num_sampled": 6, "unique": True}
RANGED = {**COUNTS, "range_max": 10}
UNIGRAMS = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]
CASES = [
    OpCase(candidates.uniform_candidate_sampler_op, [TRUE], attrs=RANGED),
    OpCase(candidates.log_uniform_candidate_sampler_op, [TRUE], attrs=RANGED),
    OpCase(candidates.learned_unigram_candidate_sampler_op, [TRUE], attrs=RANGED),
    OpCase(candidates.thread_unsafe_unigram_candidate_sampler_op, [TRUE], attrs=RANGED),
    OpCase(candidates.fixed_unigram_candidate_sampler_op, [TRUE], attrs={**RANGED, "unigrams": UNIGRAMS}),
    OpCase(
        candidates.all_candidate_sampler_op,
        [TRUE],
        reference=[np.arange(6), np.ones((3, 2), np.float32), np.ones(6, np.float32)],
        attrs=COUNTS,
    ),
    OpCase(
        candidates.compute_accidental_hits_op,
        [TRUE, np.array([4, 1, 9, 5, 4], np.int64)],
        reference=[
            np.array([0, 1, 2], np.int32),
            np.array([1, 4, 3]),
            np.full(3, np.finfo(np.float32).min, np.float32),
        ],
        attrs={"num_true": 2},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


@pytest.mark.parametrize(
    ("kind", "attrs", "chosen", "first_count"),
    [
        ("Uniform", {}, [1, 5, 9, 7, 3, 4], 0.52170312),
        ("LogUniform", {}, [1, 3, 6, 0, 5, 7], 0.86965877),
        ("LearnedUnigram", {}, [1, 0, 4, 9, 3, 5], 0.61257952),
        ("FixedUnigram", {"unigrams": UNIGRAMS, "distortion": 0.75}, [8, 4, 1, 7, 9, 6], 0.41964936),
    ],
)
def test_seeded_samplers_draw_the_recorded_classes(kind, attrs, chosen, first_count):
    with context.eager_mode():
        found = lookup(f"{kind}CandidateSampler")(TRUE, seed=3, seed2=4, name=f"fresh{kind}", **RANGED, **attrs)
    assert found[0].numpy().tolist() == chosen
    np.testing.assert_allclose(found[1].numpy()[0, 0], first_count, rtol=1e-6)


def test_sampler_refuses_more_different_classes_than_there_are():
    with context.eager_mode(), pytest.raises(InvalidArgumentError, match="range is too small"):
        candidates.uniform_candidate_sampler(TRUE, 2, 11, True, 10)


def test_fixed_unigram_sampler_needs_exactly_one_source_of_counts():
    with context.eager_mode(), pytest.raises(InvalidArgumentError, match="either vocab_file or unigrams"):
        candidates.fixed_unigram_candidate_sampler(TRUE, 2, 3, True, 10)


def test_fixed_unigram_sampler_reads_the_last_column_of_a_file(tmp_path):
    path = tmp_path / "counts.csv"
    path.write_text("a,0\nb,0\nc,5\n")
    with context.eager_mode():
        found = candidates.fixed_unigram_candidate_sampler(TRUE[:, :1], 1, 4, False, 3, vocab_file=str(path))
    assert found[0].numpy().tolist() == [2, 2, 2, 2]
