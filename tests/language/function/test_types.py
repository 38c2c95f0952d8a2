from __future__ import annotations

import penstock as tf


def test_functions_are_of_the_types_that_programs_ask_for() -> None:
    types = tf.types.experimental
    f = tf.function(lambda x: x)
    concrete = f.get_concrete_function(tf.TensorSpec([]))
    assert isinstance(f, types.PolymorphicFunction) and isinstance(f, types.GenericFunction)
    assert isinstance(concrete, types.ConcreteFunction) and not isinstance(f, types.ConcreteFunction)
    assert isinstance(f, types.Callable) and isinstance(concrete, types.Callable)
    assert isinstance(tf.TensorSpec([]), types.TraceType)
