from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langdistill.errors import EvaluationError
from langdistill.evaluation.comparing import Comparison, compare
from langdistill.evaluation.evaluate import evaluate
from langdistill.records import Problem
from langdistill.testing.models import ScriptedChatModel
from tests.evaluation.measured import measured


def test_what_was_lost_and_gained() -> None:
    categories = {"p0": "a", "p1": "a", "p2": "b", "p3": "b"}
    one = measured([True, True, False, False, True], name="teacher", categories=categories)
    other = measured([True, False, True, True, True], name="student", categories=categories)
    found = compare(one, other, seed=5)
    assert (found.one, found.other) == ("teacher", "student")
    assert (found.lost, found.gained) == (("p1",), ("p2", "p3"))
    assert (found.change.n, found.change.both) == (5, 2)
    assert found.change.before == one.accuracy == pytest.approx(3 / 5)
    assert found.change.after == other.accuracy == pytest.approx(4 / 5)
    assert found.difference == pytest.approx(1 / 5)
    assert found.p_value == 1
    assert (found.resamples, found.seed, found.confidence) == (10_000, 5, 0.95)
    assert {name: (change.n, change.lost, change.gained) for name, change in found.categories.items()} == {
        "a": (2, ("p1",), ()),
        "b": (2, (), ("p2", "p3")),
    }
    assert Comparison.model_validate_json(found.model_dump_json()) == found


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_two_ways_round(grades: list[tuple[bool, bool]]) -> None:
    one, other = (measured([pair[at] for pair in grades]) for at in (0, 1))
    there, back = compare(one, other, resamples=50), compare(other, one, resamples=50)
    assert (there.lost, there.gained) == (back.gained, back.lost)
    assert there.difference == -back.difference == pytest.approx(other.accuracy - one.accuracy)
    assert there.p_value == back.p_value
    assert there.change.both + len(there.lost) == one.right
    nothing = compare(one, one, resamples=50)
    assert (nothing.difference, nothing.p_value, nothing.interval) == (0, 1, (0, 0))


def test_runs_on_different_problems_are_refused() -> None:
    with pytest.raises(EvaluationError, match="on different problems: 1 of them"):
        compare(measured([True]), measured([True, False]))
    model = ScriptedChatModel(script=lambda messages, at: "4")
    one = evaluate(model, [Problem(id="a", question="2 + 2?")], {"a": "4"})
    question = evaluate(model, [Problem(id="a", question="3 + 1?")], {"a": "4"})
    answer = evaluate(model, [Problem(id="a", question="2 + 2?")], {"a": "5"})
    for other in (question, answer):
        with pytest.raises(EvaluationError, match=r"another question or right answer .*\['a'\]"):
            compare(one, other)


def test_a_run_of_several_samples_is_taken_by_its_majority() -> None:
    answers = iter(["4", "5", "4"])
    several = evaluate(
        ScriptedChatModel(script=lambda messages, at: next(answers)),
        [Problem(id="a", question="2 + 2?")],
        {"a": "4"},
        samples=3,
    )
    single = evaluate(ScriptedChatModel(script=lambda m, at: "5"), [Problem(id="a", question="2 + 2?")], {"a": "4"})
    assert compare(single, several).gained == ("a",)
