"""Batch normalization with the sum and the ReLU that follow it, and its derivative with theirs, in one kernel each."""

from __future__ import annotations

from collections.abc import Callable

from penstock.compiler.dataflow import Dataflow, Edge, Node, make_node, rewire, uses
from penstock.core.dtypes import float32
from penstock.core.shape import Dims
from penstock.ops.fused.batch_norm import batch_norm_grad_op, batch_norm_op

_NORMALIZATIONS = ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
_DERIVATIVES = ("FusedBatchNormGrad", "FusedBatchNormGradV2", "FusedBatchNormGradV3")


def fuse_batch_norm(dataflow: Dataflow) -> Dataflow:
    """Replace a batch normalization, the addition of other images to its result and the ReLU of the sum by one kernel;
    and the sum of two gradients, the derivative of the ReLU and that of the normalization by another. The sums may be
    missing, and so may the ReLU after a sum.

    What something else uses or fetches stays: the sum and the normalized images are computed by nodes of their own
    then, and the gradient of the sum is a result of the kernel.

    Args:
        dataflow: nodes in an order in which they can run.
    """
    if not any(node.op_def.name in (*_NORMALIZATIONS, *_DERIVATIVES) for node in dataflow.nodes):
        return dataflow
    return _fuse(_fuse(dataflow, _forward), _backward)


class _Rewrite:
    """What a replacement needs to know, and the replacements that were found.

    Attributes:
        position: where a node stands.
        used: the nodes that use a value.
        kept: values that are fetched.
        fixed: nodes that have to run as they are: others wait for them, or they wait.
        replaced: value -> the value in its place.
        new: node -> the node that runs where it did.
        gone: nodes that a replacement was found for.
    """

    def __init__(self, dataflow: Dataflow) -> None:
        self.position = {node: index for index, node in enumerate(dataflow.nodes)}
        self.used = uses(dataflow)
        self.kept = set(dataflow.fetches)
        self.fixed = {control for node in dataflow.nodes for control in node.controls}.union(dataflow.targets)
        self.fixed.update(node for node in dataflow.nodes if node.controls)
        self.replaced: dict[Edge, Edge] = {}
        self.new: dict[Node, Node] = {}
        self.gone: set[Node] = set()

    def only_user(self, edge: Edge) -> Node | None:
        """Return the node that alone uses a value, if it is free to change."""
        users = self.used.get(edge, [])
        if len(users) != 1 or edge in self.kept or users[0] in self.fixed or users[0] in self.gone:
            return None
        return users[0]

    def place(self, nodes: list[Node], inputs: list[Edge]) -> Node | None:
        """Return the first of the nodes where all inputs exist, if none of the nodes' values is used before it."""
        ready = max((self.position[edge.node] for edge in inputs if edge.node is not None), default=-1)
        ordered = sorted(nodes, key=self.position.__getitem__)
        chosen = next(node for node in ordered if self.position[node] > ready)
        users = {user for node in nodes for edge in node.outputs for user in self.used.get(edge, ())}.difference(nodes)
        return chosen if all(self.position[user] > self.position[chosen] for user in users) else None


def _fuse(dataflow: Dataflow, find: Callable[[_Rewrite, Node], None]) -> Dataflow:
    rewrite = _Rewrite(dataflow)
    for node in dataflow.nodes:
        if node not in rewrite.fixed and node not in rewrite.gone:
            find(rewrite, node)
    if not rewrite.replaced:
        return dataflow
    nodes = [item for node in dataflow.nodes for item in ([rewrite.new[node], node] if node in rewrite.new else [node])]
    return rewire(dataflow, rewrite.replaced, nodes)


def _forward(rewrite: _Rewrite, node: Node) -> None:
    """Find the sum and the ReLU that follow a normalization."""
    if node.op_def.name not in _NORMALIZATIONS or not _is_plain(node):
        return
    members = [node]
    residual: list[Edge] = []
    following = rewrite.only_user(node.outputs[0])
    if following is not None and following.op_def.name in ("Add", "AddV2"):
        x, y = following.inputs
        other = y if x is node.outputs[0] else x
        if not _agree(node.outputs[0].dims, other.dims):
            return
        members.append(following)
        residual.append(other)
        following = rewrite.only_user(following.output)
    is_rectified = following is not None and following.op_def.name == "Relu"
    if is_rectified and following is not None:
        members.append(following)
    if len(members) == 1:
        return
    inputs = [*node.inputs, *residual]
    place = rewrite.place(members, inputs)
    if place is None:
        return
    last = members[-1]
    dims = [last.output.dims, *(edge.dims for edge in node.outputs[1:5]), ()]
    fused = make_node(
        batch_norm_op,
        inputs,
        dims,
        last,
        N=len(residual),
        is_rectified=is_rectified,
        **{name: node.attrs[name] for name in ("epsilon", "exponential_avg_factor", "data_format", "is_training")},
    )
    rewrite.new[place] = fused
    rewrite.gone.update(members)
    rewrite.replaced[last.output] = fused.outputs[0]
    rewrite.replaced.update(zip(node.outputs[1:], fused.outputs[1:], strict=False))


def _backward(rewrite: _Rewrite, node: Node) -> None:
    """Find the derivative of a ReLU that gives the gradient to the derivative of a normalization."""
    if node.op_def.name not in _DERIVATIVES or not _is_plain(node):
        return
    gradient, x, scale, mean, variance = node.inputs[:5]
    mask = gradient.node
    if mask is None or mask.op_def.name != "ReluGrad" or mask in rewrite.fixed or mask in rewrite.gone:
        return
    gradients, rectified, offset = [mask.inputs[0]], [mask.inputs[1]], []
    if not all(_agree(x.dims, edge.dims) for edge in mask.inputs):
        return
    total = gradients[0].node
    if (
        total is not None
        and total.op_def.name == "AddN"
        and len(total.inputs) == 2
        and total not in rewrite.fixed
        and rewrite.only_user(total.output) is mask
        and all(_agree(x.dims, edge.dims) for edge in total.inputs)
    ):
        gradients = total.inputs
    normalization = rectified[0].node
    if normalization is not None and _is_mask_of(node, normalization):
        offset, rectified = [normalization.inputs[2]], []
    inputs = [x, scale, mean, variance, *gradients, *rectified, *offset]
    place = rewrite.place([mask, node], inputs)
    if place is None:
        return
    keeps_masked = gradient in rewrite.kept or len(rewrite.used[gradient]) > 1
    dims: list[Dims] = [node.outputs[0].dims, *(edge.dims for edge in node.outputs[1:3])]
    fused = make_node(
        batch_norm_grad_op,
        inputs,
        [*dims, gradient.dims if keeps_masked else (0,)],
        node,
        N=len(gradients),
        R=len(rectified),
        O=len(offset),
        keeps_masked=keeps_masked,
        **{name: node.attrs[name] for name in ("epsilon", "data_format", "is_training")},
    )
    rewrite.new[place] = fused
    rewrite.gone.update((mask, node))
    rewrite.replaced.update(zip(node.outputs[:3], fused.outputs[:3], strict=True))
    if keeps_masked:
        rewrite.replaced[gradient] = fused.outputs[3]


def _is_mask_of(node: Node, normalization: Node) -> bool:
    """Tell whether what was rectified is the normalization that a node differentiates, and nothing else."""
    if normalization.op_def is not batch_norm_op or not normalization.attrs["is_rectified"] or normalization.attrs["N"]:
        return False
    x, scale, _, *statistics = normalization.inputs
    is_training = normalization.attrs["is_training"]
    return (
        node.inputs[1:5] == [x, scale, *(normalization.outputs[3:5] if is_training else statistics)]
        and node.inputs[0].node is not None
        and node.inputs[0].node.inputs[1] is normalization.outputs[0]
        and all(node.attrs[name] == normalization.attrs[name] for name in ("epsilon", "data_format", "is_training"))
    )


def _is_plain(node: Node) -> bool:
    """Tell whether all numbers are of the type of the kernels, and no input is a variable itself."""
    return all(edge.dtype is float32 for edge in (*node.inputs, *node.outputs))


def _agree(x: Dims, y: Dims) -> bool:
    """Tell whether two arrays are known to have the same rank, and may have the same sizes. Where they have not, the
    kernel broadcasts or refuses them as the operations did."""
    return (
        x is not None
        and y is not None
        and len(x) == len(y)
        and all(a is None or b is None or a == b for a, b in zip(x, y, strict=True))
    )
