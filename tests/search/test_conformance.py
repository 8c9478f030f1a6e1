"""The search is a strategy like the others."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import BaseMessage

from langdistill.search.mutual_reasoning import create_mutual_reasoning
from langdistill.search.settings import Settings
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
