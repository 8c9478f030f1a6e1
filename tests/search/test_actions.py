from __future__ import annotations

import pytest

from langdistill.errors import ModelError, PromptError
from langdistill.search.actions import ACTIONS, FOLLOWERS, ROOT, Action, Grammar


def ids(grammar: Grammar, after: str) -> list[str]:
    return [one.id for one in grammar.after(after)]


def test_the_table_of_the_authors() -> None:
    grammar = Grammar()
    assert {one: ids(grammar, one) for one in FOLLOWERS} == {one: list(some) for one, some in FOLLOWERS.items()}
    assert [(one.id, one.branches, one.answers) for one in ACTIONS] == [
        ("A1", True, True), ("A2", False, True), ("A3", True, True), ("A4", False, False), ("A5", False, False),
    ]  # fmt: skip


def test_actions_are_switched_off() -> None:
    assert ids(Grammar().without({"A5"}), ROOT) == ["A1", "A2", "A3"]
    assert ids(Grammar().without({"A1", "A2", "A4", "A5"}), ROOT) == ["A3"], "what RAP does"
    with pytest.raises(ModelError, match="There is no action A9"):
        Grammar().without({"A9"})


@pytest.mark.parametrize("off", [{"A1", "A2", "A3"}, {"A1", "A2", "A3", "A4"}, {"A1", "A2", "A3", "A4", "A5"}])
def test_a_grammar_that_cannot_reach_an_answer(off: set[str]) -> None:
    with pytest.raises(ModelError, match="No way leads from the question to an answer"):
        Grammar().without(off)
    with pytest.raises(ModelError, match="No way leads"):
        Grammar(followers={ROOT: ("A5",), "A5": ()})


def test_an_action_of_ones_own() -> None:
    look_up = Action("A6", "looks a fact up", "{question}\n\n{so_far}Which fact is needed?")
    grammar = Grammar((*ACTIONS, look_up), {**FOLLOWERS, ROOT: ("A6", *FOLLOWERS[ROOT]), "A6": ("A1", "A2")})
    assert ids(grammar, ROOT)[0] == "A6"
    assert ids(grammar, "A6") == ["A1", "A2"]
    with pytest.raises(ModelError, match="Two actions have one id"):
        Grammar((*ACTIONS, ACTIONS[0]))
    with pytest.raises(PromptError):
        Action("A6", "looks a fact up", "{question}")


def test_prompts_of_one_path_begin_alike() -> None:
    """So that a server's prefix cache reads question and steps once."""
    steps = ["There are three {cars}.", "Two leave."]
    prompts = [one.asked("How many are left?", steps) for one in ACTIONS]
    start = "How many are left?\n\nSteps so far:\nThere are three {cars}.\nTwo leave.\n\n"
    assert all(one.startswith(start) for one in prompts)
    assert all(one.asked("Q?", []).startswith("Q?\n\n") and "so far" not in one.asked("Q?", []) for one in ACTIONS)
    longer = ACTIONS[0].asked("How many are left?", [*steps, "One is left."])
    assert longer.startswith(start.rstrip("\n"))
