from __future__ import annotations

from dataclasses import replace

import pytest
from langchain_core.messages import BaseMessage

from langdistill.errors import ModelError, PromptError
from langdistill.prompts import ANSWER_LINE
from langdistill.search.actions import ACTIONS, CAN_ANSWER, FOLLOWERS, ROOT, START, Action, Grammar
from langdistill.search.grammars.commonsense import COMMONSENSE
from langdistill.search.grammars.maths import MATHS
from langdistill.search.mutual_reasoning import create_mutual_reasoning
from langdistill.search.settings import Settings
from langdistill.testing.models import OneReplyChatModel


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


@pytest.mark.parametrize("grammar", [MATHS, COMMONSENSE], ids=["maths", "commonsense"])
def test_the_words_of_a_domain(grammar: Grammar) -> None:
    """Other prompts, and nothing else: what branches, votes or answers, and who follows whom, is the paper's."""
    for one, plain in zip(grammar.actions, ACTIONS, strict=True):
        assert one.prompt != plain.prompt
        assert replace(one, prompt=plain.prompt, then=plain.then) == plain
        assert one.prompt.startswith(START)
        assert (one.then is None) == (plain.then is None)
    prompts = {one.id: one.asked("Q?", []) for one in grammar.actions}
    assert all(prompts[id].endswith(ANSWER_LINE) for id in ("A2", "A4"))
    assert grammar.actions[2].asked_then("Q?", [], "How many?").endswith(ANSWER_LINE)
    assert CAN_ANSWER in prompts["A3"].casefold(), "or no sub-question would ever be the last"
    assert 'reads "Answer:"' in prompts["A1"], "or no thought would ever be a leaf"
    assert grammar.followers == FOLLOWERS


def test_the_words_of_no_domain_name_none() -> None:
    told = " ".join(f"{one.prompt} {one.then or ''}" for one in ACTIONS).casefold()
    assert not [word for word in ("calculat", "equation", "number", "fact", "yes or no", "quantity") if word in told]


def test_other_words_are_checked() -> None:
    with pytest.raises(ModelError, match="There is no action A9; known are A1, A2"):
        Grammar().worded({"A9": START})
    with pytest.raises(PromptError):
        Grammar().worded({"A1": "Go on."})
    with pytest.raises(PromptError):
        Grammar().worded({}, then={"A3": START})
    assert Grammar().worded({}) == Grammar()
    assert [one.id for one in MATHS.without({"A5"}).after(ROOT)] == ["A1", "A2", "A3"]


def test_a_search_in_the_words_of_a_domain() -> None:
    def says(messages: list[BaseMessage], number: int) -> str:
        asked.append(messages[-1].text)
        return "Now we can answer the question." if "must be found next" in messages[-1].text else "Answer: 7"

    asked: list[str] = []
    settings = Settings(2, 3, 1, 1, 2, 1, grammar=MATHS)
    graph = create_mutual_reasoning(OneReplyChatModel(script=says), preset=settings)
    assert graph.invoke({"messages": [("user", "What is 3 + 4?")]})["answer"] == "7"
    assert any("Calculate it, one calculation a line" in one for one in asked)
    assert any("with its unit" in one for one in asked)
