"""The searches are strategies like the others."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import BaseMessage

from langdistill.search.evaluators.vote import vote
from langdistill.search.mutual_reasoning import create_mutual_reasoning
from langdistill.search.settings import Settings
from langdistill.search.tree_of_thoughts import create_tree_of_thoughts
from langdistill.testing.conformance import Graph, StrategyTests

SMALL = Settings(rollouts=2, depth=2, thoughts=1, sub_questions=1, last_votes=2, votes=1, at_once=2)


class TestMutualReasoning(StrategyTests):
    """Every sample says the same, so that nothing is left to be checked."""

    fans_out = True
    answers_early = True
    calls_tools = False

    def create(self, model: Any, **knobs: Any) -> Graph:
        return create_mutual_reasoning(model, preset=SMALL, **knobs)

    def script(self, messages: list[BaseMessage], number: int) -> str:
        return "I think.\nAnswer: 4"


class OfThoughts(StrategyTests):
    """Two thoughts a state, of which the second level's answer."""

    fans_out = True
    answers_early = True
    calls_tools = False

    def script(self, messages: list[BaseMessage], number: int) -> str:
        text = messages[-1].text
        if "Most promising" in text:
            return "Most promising: Response 1"
        if "Judgement" in text:
            return "Judgement: sure"
        return "I think.\nAnswer: 4" if "Steps so far" in text else f"Two and two, {number}."


class TestTreeOfThoughtsByValue(OfThoughts):
    """Every state is valued."""

    def create(self, model: Any, **knobs: Any) -> Graph:
        return create_tree_of_thoughts(model, thoughts=2, breadth=2, depth=3, **knobs)


class TestTreeOfThoughtsByVote(OfThoughts):
    """States are compared."""

    def create(self, model: Any, **knobs: Any) -> Graph:
        return create_tree_of_thoughts(model, thoughts=2, breadth=2, depth=3, evaluate=vote(samples=2), **knobs)


class TestTreeOfThoughtsWithoutAnswers(OfThoughts):
    """The depth ends before an answer: what was kept is asked for the rest."""

    def create(self, model: Any, **knobs: Any) -> Graph:
        return create_tree_of_thoughts(model, thoughts=2, breadth=2, depth=1, **knobs)
