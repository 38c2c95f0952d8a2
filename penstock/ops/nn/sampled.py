"""Losses over many classes that look at the target classes and a few drawn ones only."""

from __future__ import annotations

from typing import Any

from penstock.core import dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.graph import op_scope
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred
from penstock.ops.constant import shape_op, stop_gradient
from penstock.ops.nn.cross_entropy import sigmoid_cross_entropy_with_logits, softmax_cross_entropy_with_logits_v2
from penstock.ops.nn.embedding import embedding_lookup_v1
from penstock.ops.random.candidates import compute_accidental_hits, log_uniform_candidate_sampler

_cast_op = deferred("Cast")
_concat_op = deferred("ConcatV2")
_expand_op = deferred("ExpandDims")
_matmul_op = deferred("MatMul")
_reshape_op = deferred("Reshape")
_slice_op = deferred("Slice")


def _sum_rows(x: Tensor) -> Tensor:
    """Return the sums of the rows of a matrix, by a product with a vector of ones."""
    ones = deferred("Fill")(deferred("Pack")([shape_op(x)[1], 1]), convert_to_tensor(1, x.dtype.base_dtype))
    return _reshape_op(_matmul_op(x, ones), [-1])


def _sampled_logits(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int,
    sampled_values: Any,
    remove_accidental_hits: bool,
    partition_strategy: str,
    name: str | None,
    seed: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the logits of the target and the drawn classes, less the logarithm of their expected counts, and labels.

    Returns:
        Logits and labels of shape (batch, num_true + num_sampled).
    """
    parts = list(weights) if isinstance(weights, (list, tuple)) else [weights]
    bias_parts = list(biases) if isinstance(biases, (list, tuple)) else [biases]
    with op_scope(name, "compute_sampled_logits", [*parts, *bias_parts, inputs, labels]):
        labels = _cast_op(labels, DstT=dtypes.int64)
        inputs = convert_to_tensor(inputs)
        flat_labels = _reshape_op(labels, [-1])
        if sampled_values is None:
            sampled_values = log_uniform_candidate_sampler(
                labels, num_true, num_sampled, unique=True, range_max=num_classes, seed=seed
            )
        sampled, true_count, sampled_count = (stop_gradient(value) for value in sampled_values)
        sampled = _cast_op(sampled, DstT=dtypes.int64)
        ids = _concat_op([flat_labels, sampled], 0)
        all_weights = _as_type(embedding_lookup_v1(weights, ids, partition_strategy), inputs)
        all_biases = _as_type(embedding_lookup_v1(biases, ids, partition_strategy), inputs)
        count = shape_op(flat_labels)[0]
        true_weights = _slice_op(all_weights, [0, 0], deferred("Pack")([count, -1]))
        sampled_weights = _slice_op(all_weights, deferred("Pack")([count, 0]), [-1, -1])
        true_biases = _slice_op(all_biases, [0], deferred("Pack")([count]))
        sampled_biases = _slice_op(all_biases, deferred("Pack")([count]), [-1])

        sampled_logits = _matmul_op(inputs, sampled_weights, transpose_b=True)
        size = shape_op(true_weights)[1:2]
        by_example = _reshape_op(true_weights, _concat_op([[-1, num_true], size], 0))
        products = _reshape_op(_expand_op(inputs, 1) * by_example, _concat_op([[-1], size], 0))
        true_logits = _reshape_op(_sum_rows(products), [-1, num_true])
        true_logits = true_logits + _reshape_op(true_biases, [-1, num_true])
        sampled_logits = sampled_logits + sampled_biases
        if remove_accidental_hits:
            rows, places, hit_weights = compute_accidental_hits(labels, sampled, num_true=num_true)
            positions = deferred("Pack")([_cast_op(rows, DstT=dtypes.int64), places], axis=1)
            shape = _cast_op(shape_op(sampled_logits), DstT=dtypes.int64)
            # A target class that stands twice in a row of labels hits the same place twice.
            hits = deferred("SparseToDense")(
                positions,
                shape,
                _as_type(hit_weights, inputs),
                convert_to_tensor(0.0, inputs.dtype.base_dtype),
                validate_indices=False,
            )
            sampled_logits = sampled_logits + hits
        true_logits = true_logits - _as_type(deferred("Log")(true_count), inputs)
        sampled_logits = sampled_logits - _as_type(deferred("Log")(sampled_count), inputs)
        out_logits = _concat_op([true_logits, sampled_logits], 1)
        out_labels = _concat_op(
            [deferred("OnesLike")(true_logits) / num_true, deferred("ZerosLike")(sampled_logits)], 1
        )
        return out_logits, out_labels


def _as_type(tensor: Tensor, like: Tensor) -> Tensor:
    wanted = like.dtype.base_dtype
    return tensor if tensor.dtype.base_dtype == wanted else _cast_op(tensor, DstT=wanted)


def nce_loss_v1(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = False,
    partition_strategy: str = "mod",
    name: str = "nce_loss",
) -> Tensor:
    """Return the noise-contrastive estimation loss.

    Args:
        weights: shape (num_classes, dim), or a list of parts.
        biases: shape (num_classes,), or a list of parts.
        labels: integers of shape (batch, num_true): the target classes.
        inputs: shape (batch, dim).
        num_sampled: how many classes to draw for the batch.
        num_classes: the number of classes.
        num_true: the number of target classes of each example.
        sampled_values: what a candidate sampler returned; by default that of `log_uniform_candidate_sampler`.
        remove_accidental_hits: whether to leave out drawn classes that are target classes.
        partition_strategy: how rows are spread over several parts: 'mod' or 'div'.
        name: the name of the scope.
    Returns:
        The loss of each example, of shape (batch,).
    Source: Gutmann and Hyvarinen 2010.
    """
    logits, targets = _sampled_logits(
        weights,
        biases,
        labels,
        inputs,
        num_sampled,
        num_classes,
        num_true,
        sampled_values,
        remove_accidental_hits,
        partition_strategy,
        name,
    )
    losses = sigmoid_cross_entropy_with_logits(labels=targets, logits=logits, name="sampled_losses")
    return _sum_rows(losses)


def nce_loss(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = False,
    name: str = "nce_loss",
) -> Tensor:
    """Return the noise-contrastive estimation loss.

    Args:
        weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values, remove_accidental_hits,
            name: see `nce_loss_v1`; parts hold their rows in blocks.
    Returns:
        The loss of each example, of shape (batch,).
    """
    return nce_loss_v1(
        weights,
        biases,
        labels,
        inputs,
        num_sampled,
        num_classes,
        num_true,
        sampled_values,
        remove_accidental_hits,
        "div",
        name,
    )


def sampled_softmax_loss_v1(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = True,
    partition_strategy: str = "mod",
    name: str = "sampled_softmax_loss",
    seed: int | None = None,
) -> Tensor:
    """Return the softmax cross entropy over the target classes and a few drawn ones, for training only.

    Args:
        weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values, remove_accidental_hits,
            partition_strategy, name: see `nce_loss_v1`.
        seed: makes the drawn classes reproducible.
    Returns:
        The loss of each example, of shape (batch,).
    Source: Jean et al. 2014, section 3.
    """
    logits, targets = _sampled_logits(
        weights,
        biases,
        labels,
        inputs,
        num_sampled,
        num_classes,
        num_true,
        sampled_values,
        remove_accidental_hits,
        partition_strategy,
        name,
        seed,
    )
    return softmax_cross_entropy_with_logits_v2(labels=stop_gradient(targets), logits=logits)


def sampled_softmax_loss(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = True,
    seed: int | None = None,
    name: str = "sampled_softmax_loss",
) -> Tensor:
    """Return the softmax cross entropy over the target classes and a few drawn ones, for training only.

    Args:
        weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values, remove_accidental_hits,
            seed, name: see `sampled_softmax_loss_v1`; parts hold their rows in blocks.
    Returns:
        The loss of each example, of shape (batch,).
    """
    return sampled_softmax_loss_v1(
        weights,
        biases,
        labels,
        inputs,
        num_sampled,
        num_classes,
        num_true,
        sampled_values,
        remove_accidental_hits,
        "div",
        name,
        seed,
    )
