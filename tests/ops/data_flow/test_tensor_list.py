"""List values: every operation, gradients against differences, mistakes, and versions that share memory."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.core.op_def import lookup
from penstock.core.tape import GradientTape
from penstock.ops.constant import constant
from penstock.ops.data_flow.list_value import TensorList
from penstock.ops.data_flow.tensor_list import (
    empty_tensor_list_op,
    tensor_list_concat_lists_op,
    tensor_list_concat_op,
    tensor_list_concat_v2_op,
    tensor_list_element_shape_op,
    tensor_list_from_tensor_op,
    tensor_list_gather_op,
    tensor_list_get_item_op,
    tensor_list_length_op,
    tensor_list_pop_back_op,
    tensor_list_push_back_op,
    tensor_list_reserve_op,
    tensor_list_resize_op,
    tensor_list_scatter_into_existing_list_op,
    tensor_list_scatter_op,
    tensor_list_scatter_v2_op,
    tensor_list_set_item_op,
    tensor_list_split_op,
    tensor_list_stack_op,
)
from penstock.testing.op_case import normal

COVERS = (
    "EmptyTensorList",
    "TensorListConcat",
    "TensorListConcatLists",
    "TensorListConcatV2",
    "TensorListElementShape",
    "TensorListFromTensor",
    "TensorListGather",
    "TensorListGetItem",
    "TensorListLength",
    "TensorListPopBack",
    "TensorListPushBack",
    "TensorListReserve",
    "TensorListResize",
    "TensorListScatter",
    "TensorListScatterIntoExistingList",
    "TensorListScatterV2",
    "TensorListSetItem",
    "TensorListSplit",
    "TensorListStack",
)

double = dtypes.float64
SCALAR = np.zeros([0], np.int32)


def listed(x):
    return tensor_list_from_tensor_op(x, x.shape[1:].as_list())


def stack(handle, sizes=-1):
    return tensor_list_stack_op(handle, sizes, element_dtype=double)


def push_and_pop(x):
    handle = empty_tensor_list_op([2], -1, element_dtype=double)
    for i in range(3):
        handle = tensor_list_push_back_op(handle, x[i] * x[i])
    handle, last = tensor_list_pop_back_op(handle, [2], element_dtype=double)
    return lookup("ConcatV2")([stack(handle, [2]) * 3.0, lookup("ExpandDims")(last, 0)], 0)


def set_and_get(x):
    handle = tensor_list_reserve_op([2], 4, element_dtype=double)
    handle = tensor_list_set_item_op(handle, 2, x[0] * x[1])
    handle = tensor_list_set_item_op(handle, 0, x[2] * x[2])
    item = tensor_list_get_item_op(handle, 2, [2], element_dtype=double)
    handle = tensor_list_set_item_op(handle, 2, item * x[0])
    return stack(handle, [2])


def set_past_the_end(x):
    handle = tensor_list_set_item_op(listed(x), 4, x[0] * x[1], resize_if_index_out_of_bounds=True)
    return stack(handle, [2]) * stack(handle, [2])


def gathered_twice(x):
    return tensor_list_gather_op(listed(x * x), [2, 0, 2], [2], element_dtype=double)


def scattered(x):
    a = tensor_list_scatter_op(x * x, [2, 0, 1], [2])
    b = tensor_list_scatter_v2_op(x * x * x, [3, 0, 1], [2], 5)
    c = tensor_list_scatter_into_existing_list_op(listed(x), x[:2] * x[1:], [1, 2])
    return lookup("ConcatV2")([stack(a, [2]), stack(b, [2]), stack(c, [2])], 0)


def split_and_joined(x):
    handle = tensor_list_split_op(x * x, [-1, 2], [1, 2])
    part = tensor_list_get_item_op(handle, 1, [2, 2], element_dtype=double)
    joined = tensor_list_concat_v2_op(handle, [-1, 2], [], element_dtype=double).tensor
    old = tensor_list_concat_op(handle, element_dtype=double, element_shape=[None, 2]).tensor
    return lookup("ConcatV2")([part * part, joined, old], 0)


def resized(x):
    longer = tensor_list_resize_op(listed(x * x), 4)
    shorter = tensor_list_resize_op(longer, 2)
    return lookup("ConcatV2")([stack(longer, [2]), stack(shorter, [2])], 0)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (push_and_pop, lambda x: np.concatenate([3 * x[:2] ** 2, x[2:] ** 2])),
        (set_and_get, lambda x: np.stack([x[2] ** 2, 0 * x[0], x[0] ** 2 * x[1], 0 * x[0]])),
        (set_past_the_end, lambda x: np.stack([*x, 0 * x[0], x[0] * x[1]]) ** 2),
        (gathered_twice, lambda x: (x * x)[[2, 0, 2]]),
        (
            scattered,
            lambda x: np.concatenate(
                [
                    np.stack([x[1], x[2], x[0]]) ** 2,
                    np.stack([x[1], x[2], 0 * x[0], x[0], 0 * x[0]]) ** 3,
                    np.stack([x[0], x[0] * x[1], x[1] * x[2]]),
                ]
            ),
        ),
        (split_and_joined, lambda x: np.concatenate([x[1:] ** 4, x**2, x**2])),
        (resized, lambda x: np.concatenate([x**2, 0 * x[:1], x[:2] ** 2])),
    ],
    ids=lambda item: getattr(item, "__name__", ""),
)
def test_values_and_gradients_to_second_order(function, expected):
    start = normal(3, 2)
    direction, second = normal(20, 2, seed=1), normal(3, 2, seed=2)

    def first_gradient(x):
        with GradientTape() as tape:
            tape.watch(x)
            y = function(x)
            total = lookup("Sum")(y * direction[: y.shape[0]], [0, 1])
        return y, tape.gradient(total, x)

    def total_of_gradient(numbers):
        return float((first_gradient(constant(numbers))[1].numpy() * second).sum())

    def total(numbers):
        y = expected(numbers)
        return float((y * direction[: len(y)]).sum())

    x = constant(start)
    with GradientTape() as tape:
        tape.watch(x)
        y, gradient = first_gradient(x)
        weighted = lookup("Sum")(gradient * second, [0, 1])
    np.testing.assert_allclose(y.numpy(), expected(start))
    np.testing.assert_allclose(gradient.numpy(), differences(total, start), rtol=1e-6, atol=1e-6)
    found = tape.gradient(weighted, x)
    found = np.zeros((3, 2)) if found is None else found.numpy()
    np.testing.assert_allclose(found, differences(total_of_gradient, start), rtol=1e-6, atol=1e-6)


def differences(function, x, step=1e-6):
    result = np.zeros_like(x)
    for position in np.ndindex(x.shape):
        moved = np.zeros_like(x)
        moved[position] = step
        result[position] = (function(x + moved) - function(x - moved)) / (2 * step)
    return result


def test_each_version_of_a_list_keeps_its_elements():
    versions = [TensorList(double, (), [])]
    model = [[]]
    random = np.random.default_rng(0)
    for _ in range(300):
        k = int(random.integers(len(versions)))
        held, items = versions[k], model[k]
        choice = random.integers(3)
        if choice == 0 or not items:
            versions.append(held.push(len(versions)))
            model.append([*items, len(versions) - 1])
        elif choice == 1:
            versions.append(held.pop()[0])
            model.append(items[:-1])
        else:
            at = int(random.integers(len(items)))
            versions.append(held.set(at, -len(versions)))
            model.append([*items[:at], -len(versions) + 1, *items[at + 1 :]])
        probe = int(random.integers(len(versions)))
        assert versions[probe].items() == model[probe]
    assert [version.items() for version in versions] == model
    assert [version.size for version in versions] == [len(items) for items in model]


def test_a_fresh_list_shares_nothing_with_what_grows_from_it():
    empty = TensorList(double, (), [])
    a, b = empty.push(1.0).push(2.0), empty.push(3.0)
    assert (empty.items(), a.items(), b.items()) == ([], [1.0, 2.0], [3.0])
    assert empty._newer is None


def test_lists_add_up_by_element():
    x = listed(constant(normal(3, 2)))
    blank = tensor_list_reserve_op([2], 3, element_dtype=double)
    one = tensor_list_set_item_op(blank, 1, np.array([1.0, 2.0]))
    total = stack(lookup("AddN")([x, one, x, blank])).numpy()
    np.testing.assert_allclose(total, 2 * normal(3, 2) + [[0, 0], [1, 2], [0, 0]])
    longer = lookup("AddN")([one, tensor_list_resize_op(one, 4)])
    assert stack(longer).numpy().tolist() == [[0, 0], [2, 4], [0, 0], [0, 0]]


def test_lengths_and_element_shapes():
    handle = tensor_list_reserve_op([-1, 2], 3, element_dtype=double)
    assert int(tensor_list_length_op(handle)) == 3
    assert tensor_list_element_shape_op(handle, shape_type=dtypes.int32).numpy().tolist() == [-1, 2]
    handle = tensor_list_set_item_op(handle, 0, np.zeros((4, 2)))
    assert tensor_list_element_shape_op(handle, shape_type=dtypes.int64).numpy().tolist() == [4, 2]
    both = tensor_list_concat_lists_op(handle, handle, element_dtype=double)
    assert int(tensor_list_length_op(both)) == 6


def test_strings_are_held_too():
    handle = tensor_list_from_tensor_op(["a", "b"], SCALAR)
    handle = tensor_list_push_back_op(tensor_list_resize_op(handle, 3), "c")
    assert tensor_list_stack_op(handle, SCALAR, element_dtype=dtypes.string).numpy().tolist() == [b"a", b"b", b"", b"c"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: tensor_list_get_item_op(x, 3, [2], element_dtype=double), "element 3 in a list with 3 elements"),
        (lambda x: tensor_list_get_item_op(x, -1, [2], element_dtype=double), "element -1 in a list with 3"),
        (lambda x: tensor_list_set_item_op(x, 3, np.zeros(2)), "modify element 3 in a list with 3"),
        (lambda x: tensor_list_set_item_op(x, 0, np.zeros(3)), "incompatible shape"),
        (lambda x: tensor_list_push_back_op(x, [1, 2]), "Invalid data types.*int32.*float64"),
        (lambda x: tensor_list_stack_op(x, [2], element_dtype=double, num_elements=4), "list with 4 elements but got"),
        (lambda x: tensor_list_gather_op(x, [0, 5], [2], element_dtype=double), "gather element 5 in a list with 3"),
        (lambda x: tensor_list_scatter_v2_op(np.zeros((1, 2)), [3], [2], 2), "scatter at index 3 in list with size 2"),
        (lambda x: tensor_list_scatter_op(np.zeros((1, 2)), [-1], [2]), "non-negative"),
        (lambda x: tensor_list_split_op(np.zeros((3, 2)), [-1, 2], [1, 1]), "lengths must add up"),
        (lambda x: tensor_list_resize_op(x, -1), "non-negative"),
        (lambda x: tensor_list_reserve_op(-1, -2, element_dtype=double), "at least 0"),
        (lambda x: stack(tensor_list_reserve_op(-1, 2, element_dtype=double)), "only contains uninitialized"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(InvalidArgumentError, match=message):
        call(listed(constant(normal(3, 2))))


def test_a_list_has_a_largest_size_and_cannot_be_popped_below_none():
    handle = empty_tensor_list_op(SCALAR, 1, element_dtype=double)
    with pytest.raises(InvalidArgumentError, match="pop from an empty list"):
        tensor_list_pop_back_op(handle, SCALAR, element_dtype=double)
    handle = tensor_list_push_back_op(handle, np.float64(1.0))
    with pytest.raises(InvalidArgumentError, match="full list"):
        tensor_list_push_back_op(handle, np.float64(1.0))
