from __future__ import annotations

from typing import Any

import pytest

import penstock as tf


class Leaf(tf.Module):
    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self.w = tf.Variable(1.0, name="w")

    @tf.Module.with_name_scope
    def make(self) -> Any:
        return tf.Variable(1.0, name="q")


class BigTree(tf.Module):
    def __init__(self) -> None:
        super().__init__()
        self.z = tf.Variable(1.0, name="z")
        self.leaves = {"b": Leaf("right"), "a": [Leaf("left")]}
        self.a = tf.Variable(2.0, name="a", trainable=False)
        self.again = self.z


def test_variables_stand_by_attribute_name_own_ones_first_and_once() -> None:
    tree = BigTree()
    found = list(map(id, tree.variables))
    assert found == [id(tree.a), id(tree.z), id(tree.leaves["a"][0].w), id(tree.leaves["b"].w)]
    assert [id(v) for v in tree.non_trainable_variables] == [id(tree.a)]
    assert len(tree.trainable_variables) == 3


def test_submodules_are_found_in_containers() -> None:
    assert [module.name for module in BigTree().submodules] == ["left", "right"]


def test_names_follow_the_class_and_must_be_identifiers() -> None:
    assert BigTree().name == "big_tree"
    with pytest.raises(ValueError, match="not a valid module name"):
        Leaf("a b")


def test_methods_run_in_the_scope_of_the_module() -> None:
    assert Leaf("here").make().name == "here/q:0"
    with Leaf("there").name_scope as scope:
        assert scope == "there/"
