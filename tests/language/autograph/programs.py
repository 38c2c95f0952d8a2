"""Small programs over tensors, in plain Python; every one must give the same values eagerly, converted, and staged."""

from __future__ import annotations

import functools
from typing import Any

import penstock as tf


def branches(x: Any) -> Any:
    if x > 3:
        y = x * 2
    elif x > 1:
        y = x + 10
    else:
        y = -x
    return y


def early_return(x: Any) -> Any:
    if x > 3:
        return x * 2
    if x > 1:
        return x + 10
    return -x


def return_in_nested_branches(x: Any) -> Any:
    y = x
    if x > 0:
        if x > 3:
            return y + 100
        y = y + 1
    else:
        y = y - 1
    return y * 2


def return_in_else(x: Any) -> Any:
    if x > 3:
        y = x
    else:
        return x - 1
    return y + 5


def bare_return(x: Any) -> Any:
    found = [x]

    def record(y: Any) -> None:
        if y > 3:
            return
        found.append(y)

    record(5)
    record(1)
    return x + len(found)


def counts_down(x: Any) -> Any:
    steps = 0
    while x > 0:
        x = x - 1
        steps += 1
    return steps, x


def breaks(x: Any) -> Any:
    total = 0
    for i in tf.range(20):
        if i == 2:
            continue
        if i > x:
            break
        total += i
    return total


def breaks_while(x: Any) -> Any:
    total = 0
    while x < 100:
        x = x + 3
        if x % 2 == 0:
            continue
        total += x
        if total > 60:
            break
        total += 1
    return total, x


def returns_from_loop(x: Any) -> Any:
    for i in tf.range(10):
        if i > x:
            return i
    return -1


def returns_from_nested_loops(x: Any) -> Any:
    for i in tf.range(5):
        for j in tf.range(5):
            if i * j > x:
                return i * 10 + j
    return -1


def loop_else(x: Any) -> Any:
    y = x
    while y < 10:
        y = y + 4
        if y == 9:
            break
    else:
        y = y + 1000
    return y


def loops_over_python(x: Any) -> Any:
    total = x
    for i in [1, 2, 3]:
        if i == 2:
            continue
        total = total + i
    for i in range(4):
        if i == 3:
            break
        total = total * 2
    return total


def loops_over_rows(x: Any) -> Any:
    total = tf.zeros([2], tf.int32)
    for row in tf.stack([[x, x + 1], [x * 2, x * 3]]):
        total = total + row
    return total


def loop_target_afterwards(x: Any) -> Any:
    last = x
    for last in tf.range(2, 9, 3):  # noqa: B007
        pass
    return last


def backward_range(x: Any) -> Any:
    total = x
    for i in tf.range(5, 0, -2):
        total = total * 2 + i
    return total


def range_of_tensor(x: Any) -> Any:
    total = 0
    for i in range(x + 3):
        total += i
    return total


def defined_in_loop(x: Any) -> Any:
    for i in tf.range(3):
        y = {"a": x + i, "b": (i, 1.5)}
    return y["a"], y["b"][1]


def temporary_in_loop(x: Any) -> Any:
    for i in tf.range(4):
        square = i * i
        if square > 3:
            extra = square
            x = x + extra
    return x


def none_before_loop(x: Any) -> Any:
    y = None
    while x < 10:
        y = x
        x = x + 4
    return x if y is None else y


def swaps(x: Any) -> Any:
    a, b = x, x + 1
    while a < 20:
        a, b = b, a + b
    return a, b


def logic(x: Any) -> Any:
    if x > 1 and x < 4:
        return 1
    if x <= 0 or not x < 5:
        return 2
    return 3


def lazy_logic(x: Any) -> Any:
    items = tf.constant([1, 2, 3])
    if x < 3 and x >= 0 and items[x] == 2:
        return 1
    return 0


def chained(x: Any) -> Any:
    return 1 if 0 < x <= 3 else 2


def ternary(x: Any) -> Any:
    return (x if x > 2 else -x) + (1 if x == 2 else 5)


def membership(x: Any) -> Any:
    a = 1 if x in [1, 2] else 0
    b = 1 if x not in (2, 5) else 0
    c = 1 if 3 in tf.stack([x, x + 1]) else 0
    return a, b, c


def built_ins(x: Any) -> Any:
    pair = tf.stack([x, x + 2])
    return abs(-x), float(x), int(float(x)), len(pair), max(x, 2), min(pair), sum([x, x])


def more_built_ins(x: Any) -> Any:
    values = tf.stack([x, 2, 7])
    found = 1 if any(values > 6) and not all(values > 6) else 0
    return found, sum(values), sorted(values)[0], round(float(x)), bool(x)


def enumerates(x: Any) -> Any:
    total = x
    for i, row in enumerate(tf.constant([5, 6, 7]), 1):
        total = total + i * row
    for a, b in zip(tf.constant([1, 2, 3]), tf.constant([4, 5])):
        total = total + a * b
    for c in map(lambda item: item + 1, tf.constant([1, 2])):  # noqa: C417
        total = total + c
    return total


def closures(x: Any) -> Any:
    def add(y: Any) -> Any:
        if y > 2:
            return y + offset
        return y

    offset = 1
    if x > 0:
        offset = 10
    return add(x)


def changes_outer(x: Any) -> Any:
    count = x

    def step() -> None:
        nonlocal count
        if count > 2:
            count = count + 1
        else:
            count = count - 1

    step()
    step()
    return count


def lambdas(x: Any) -> Any:
    pick = lambda y, z=3: y if y > z else z  # noqa: E731
    return pick(x), pick(x, z=1)


def recursion(x: Any) -> Any:
    def power(base: Any, exponent: int) -> Any:
        if exponent == 0:
            return 1
        return base * power(base, exponent - 1)

    return power(x, 3)


def _helper(y: Any, *rest: Any, scale: int = 2, **others: Any) -> Any:
    if y > 1:
        y = y * scale
    for item in rest:
        if item > 2:
            y = y + item
    return y + others.get("more", 0)


def calls(x: Any) -> Any:
    return _helper(x, x, 5), _helper(x, scale=3, more=1), functools.partial(_helper, scale=7)(x)


class Base:
    def __init__(self) -> None:
        self.total = 0
        self.__hidden = 3

    def step(self, x: Any) -> Any:
        if x > 2:
            return x + self.__hidden
        return x

    @classmethod
    def make(cls, x: Any) -> Any:
        return x * 2 if x > 1 else x

    @staticmethod
    def twice(x: Any) -> Any:
        return x * 2 if x > 1 else x


class Derived(Base):
    def step(self, x: Any) -> Any:
        if x > 0:
            x = super().step(x) + 1
        return x

    def __call__(self, x: Any) -> Any:
        while x < 10:
            x = x + 4
        return x


def methods(x: Any) -> Any:
    thing = Derived()
    return thing.step(x), thing(x), Derived.make(x), thing.twice(x)


def attributes(x: Any) -> Any:
    thing = Base()
    thing.total = x
    if x > 2:
        thing.total = thing.total + 5
    while thing.total < 20:
        thing.total = thing.total * 2 + 1
    return thing.total


def subscripts(x: Any) -> Any:
    values = {"a": x, "b": [x, x]}
    if x > 2:
        values["a"] = x + 5
        values["b"][0] = x + 1
    return values["a"], values["b"][0]


def tensor_arrays(x: Any) -> Any:
    array = tf.TensorArray(tf.int32, size=4)
    for i in tf.range(4):
        if i > x:
            array = array.write(i, i * 10)
        else:
            array = array.write(i, x)
    return array.stack()


def list_of_python_loop(x: Any) -> Any:
    items = []
    for i in range(3):
        items.append(x + i)
    return tf.stack([item * 2 for item in items])


def with_and_try(x: Any) -> Any:
    with tf.name_scope("scope"):
        try:
            if x > 2:
                return x
            y = x - 1
        finally:
            z = 5
    return y + z


def handles_exceptions(x: Any) -> Any:
    try:
        raise KeyError("k")
    except KeyError as error:
        if x > 2:
            x = x + len(error.args)
    return x


def matches(x: Any) -> Any:
    match ("add", 3):
        case ("add", amount):
            if x > 2:
                return x + amount
        case _:
            pass
    return x


def walrus(x: Any) -> Any:
    if (y := x + 1) > 3:
        return y
    return -y


def walrus_in_loop(x: Any) -> Any:
    while (y := x * 2) < 15:
        x = y + 1
    return x, y


def python_decisions(x: Any, flag: bool = True) -> Any:
    if flag:
        y = x + 1
    while not flag:
        y = x
    return y


def deletes(x: Any) -> Any:
    y = x
    if x > 2:
        z = y + 1
        x = z
        del z
    return x


def annotated(x: Any) -> Any:
    y: Any = x
    z: Any
    if x > 2:
        y: Any = x + 1
    z = y
    return z


def higher_order(x: Any) -> Any:
    def pick(y: Any) -> Any:
        if y > 2:
            return y
        return -y

    return tf.map_fn(pick, tf.stack([x, 1, 5]))


def collatz(x: Any) -> Any:
    steps = 0
    n = tf.maximum(x, 1)
    while n != 1:
        if n % 2 == 0:
            n = n // 2
        else:
            n = 3 * n + 1
        steps += 1
    return steps


PROGRAMS = [
    value
    for value in list(globals().values())
    if callable(value) and getattr(value, "__module__", "") == __name__ and not isinstance(value, type)
]
PROGRAMS.remove(_helper)
