from __future__ import annotations

from typing import Any

import pytest

from penstock.language.template import make_template
from penstock.language.variable_scope import get_variable, variable_scope
from penstock.language.variables import VariableV1, global_variables_initializer
from penstock.ops.constant import constant
from penstock.runtime.session import Session


def _scale(x: Any, factor: float = 1.0) -> Any:
    return constant(x) * get_variable("k", initializer=factor)


@pytest.mark.usefixtures("graph_mode")
def test_calls_share_variables_and_have_name_scopes_of_their_own() -> None:
    with Session() as session:
        template = make_template("tt", _scale, factor=3.0)
        first, second = template(1.0), template(2.0)
        assert (first.name, second.name) == ("tt/mul:0", "tt_1/mul:0")
        assert [v.name for v in template.variables] == ["tt/k:0"] == [v.name for v in template.trainable_variables]
        assert (
            template.name == "tt" and template.variable_scope_name == "tt/" and template.non_trainable_variables == []
        )
        session.run(global_variables_initializer())
        assert session.run([first, second]) == [3, 6]


@pytest.mark.usefixtures("graph_mode")
def test_two_templates_of_one_name_are_apart() -> None:
    one, two = make_template("tt", _scale), make_template("tt", _scale)
    one(1.0), two(1.0)
    assert [v.name for v in two.variables] == ["tt_1/k:0"]


@pytest.mark.usefixtures("graph_mode")
def test_the_scope_can_be_opened_at_once_or_named_exactly() -> None:
    template = make_template("now", _scale, create_scope_now_=True)
    assert template.variable_scope is not None and template.variable_scope.name == "now"
    exact = make_template("name", _scale, unique_name_="exact")
    with variable_scope("outer"):
        exact(1.0)
        template(1.0)
    assert exact.variables[0].name == "outer/exact/k:0" and template.variables[0].name == "now/k:0"


@pytest.mark.usefixtures("graph_mode")
def test_a_variable_that_is_made_anew_each_time_is_refused() -> None:
    template = make_template("tt", lambda: VariableV1(1.0))
    template()
    with pytest.raises(ValueError, match="perhaps you used tf.Variable when you meant tf.get_variable"):
        template()


def test_eager_calls_share_variables() -> None:
    template = make_template("tt", _scale, factor=3.0)
    assert template(1.0).numpy() == 3
    template.variables[0].assign(5.0)
    assert template(1.0).numpy() == 5 and len(template.variables) == 1
    with pytest.raises(ValueError, match="unique_name_"):
        make_template("tt", _scale, unique_name_="exact")
