"""Every strategy passes the suite that `langdistill.testing` ships."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import BaseMessage

import langdistill as ld
from langdistill.confidence import p_true
from langdistill.strategies import system2_attention
from langdistill.strategies.answer_hint import create_answer_hint
from langdistill.strategies.rationalization import create_rationalization
from langdistill.testing.conformance import Graph, StrategyTests
from langdistill.votes import adaptive_consistency, early_stopping

PAIR = "Which response is better?\nRequest: List two animals.\nResponse A: cat, dog\nResponse B: cat, saw"


class TestChainOfThought(StrategyTests):
    def create(self, model: Any, **knobs: Any) -> Graph:
        return ld.create_chain_of_thought(model, **knobs)


class TestChainOfDraft(StrategyTests):
    def create(self, model: Any, **knobs: Any) -> Graph:
        return ld.create_chain_of_draft(model, **knobs)


class TestOneStepRephraseAndRespond(StrategyTests):
    def create(self, model: Any, **knobs: Any) -> Graph:
        return ld.create_one_step_rephrase_and_respond(model, **knobs)


class TestRephraseAndRespond(StrategyTests):
    def create(self, model: Any, **knobs: Any) -> Graph:
        return ld.create_rephrase_and_respond(model, **knobs)


class TestSelfConsistency(StrategyTests):
    fans_out = True
    answers_early = True

    def create(self, model: Any, **knobs: Any) -> Graph:
        return ld.create_self_consistency(model, samples=4, **knobs)


class TestAdaptiveConsistency(TestSelfConsistency):
    def create(self, model: Any, **knobs: Any) -> Graph:
        return ld.create_self_consistency(model, samples=40, stop=adaptive_consistency(), **knobs)


class TestEarlyStopping(TestSelfConsistency):
    def create(self, model: Any, **knobs: Any) -> Graph:
        return ld.create_self_consistency(model, samples=40, stop=early_stopping(window=3), **knobs)


class TestConfidenceWeightedVote(TestSelfConsistency):
    def create(self, model: Any, **knobs: Any) -> Graph:
        return ld.create_self_consistency(model, samples=3, confidence=p_true, **knobs)

    def script(self, messages: list[BaseMessage], number: int) -> str:
        return "True" if "True or False" in messages[-1].text else "I think.\nAnswer: 4"


class TestSelfConsistencyOverAnotherStrategy(StrategyTests):
    fans_out = True
    answers_early = True
    calls_tools = True

    def create(self, model: Any, **knobs: Any) -> Graph:
        return ld.create_self_consistency(ld.create_rephrase_and_respond(model), samples=3, **knobs)


class TestUniversalSelfConsistency(StrategyTests):
    fans_out = True
    answers_early = True
    text = "I think.\nAnswer: 4"

    def create(self, model: Any, **knobs: Any) -> Graph:
        return ld.create_universal_self_consistency(model, samples=3, **knobs)


class TestBestOfN(StrategyTests):
    fans_out = True
    answers_early = True

    def create(self, model: Any, **knobs: Any) -> Graph:
        return ld.create_best_of_n(model, lambda one: len(one["reply"]), samples=3, **knobs)


class TestAnswerHint(StrategyTests):
    fans_out = True
    answers_early = True

    def create(self, model: Any, **knobs: Any) -> Graph:
        return create_answer_hint(model, answer_of=lambda question: "4", samples=3, **knobs)


class TestRationalizationRightAtOnce(StrategyTests):
    text = "I think.\nAnswer: 4"

    def create(self, model: Any, **knobs: Any) -> Graph:
        return create_rationalization(model, answer_of=lambda question: "4", **knobs)


class TestRationalizationWithTheHint(TestRationalizationRightAtOnce):
    answers_early = True
    calls_tools = True

    def script(self, messages: list[BaseMessage], number: int) -> str:
        hinted = any("Known beforehand" in one.text for one in messages)
        return "I think.\nAnswer: 4" if hinted else "I guess.\nAnswer: 5"


class TestLeastToMost(StrategyTests):
    def create(self, model: Any, **knobs: Any) -> Graph:
        return ld.create_least_to_most(model, **knobs)


class TestSelfRefine(StrategyTests):
    answers_early = True
    text = "I think.\nAnswer: 4"

    def create(self, model: Any, **knobs: Any) -> Graph:
        return ld.create_self_refine(model, rounds=2, **knobs)


class TestSystem2Attention(StrategyTests):
    text = "I think.\nAnswer: 4"

    def create(self, model: Any, **knobs: Any) -> Graph:
        return ld.create_system2_attention(model, **knobs)


class TestRelevanceAttention(TestSystem2Attention):
    def create(self, model: Any, **knobs: Any) -> Graph:
        return system2_attention.create_relevance_attention(model, **knobs)


class TestUnseparatedAttention(TestSystem2Attention):
    def create(self, model: Any, **knobs: Any) -> Graph:
        return system2_attention.create_unseparated_attention(model, **knobs)


class TestKeepOriginalAttention(TestSystem2Attention):
    def create(self, model: Any, **knobs: Any) -> Graph:
        return system2_attention.create_keep_original_attention(model, **knobs)


class TestInstructedPrompting(TestSystem2Attention):
    def create(self, model: Any, **knobs: Any) -> Graph:
        return system2_attention.create_instructed_prompting(model, **knobs)


class TestBranchSolveMerge(StrategyTests):
    question = PAIR
    answer = "A"
    fans_out = True
    answers_early = True
    calls_tools = False

    def create(self, model: Any, **knobs: Any) -> Graph:
        return ld.create_branch_solve_merge(model, **knobs)

    def script(self, messages: list[BaseMessage], number: int) -> str:
        """Two criteria, and scores that depend on the responses, not on their order."""
        asked = next(one.text for one in messages if "Request" in one.text)
        if "Response A" not in asked:
            return "1. kind: every item is an animal\n2. count: two items"
        first = asked.split("Response A: ")[1].split("\n")[0]
        return f"looked at both\nScores: A={5 if 'dog' in first else 2} B={2 if 'dog' in first else 5}"


class TestBranchSolveMergeGeneration(StrategyTests):
    answer = text = "I think.\nAnswer: 4"
    fans_out = True
    answers_early = True

    def create(self, model: Any, **knobs: Any) -> Graph:
        return ld.create_branch_solve_merge_generation(model, **knobs)
