"""One run of the graph tells what every threshold comes to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import BaseMessage

from langdistill.budgets import budget
from langdistill.errors import EvaluationError, ModelError
from langdistill.evaluation.refining import Tried, cases, try_refining
from langdistill.evaluation.results import Account
from langdistill.evaluation.sweep import sweep
from langdistill.records import Problem
from langdistill.refining.ask_refine_trust import create_ask_refine_trust
from langdistill.refining.askers.never import never
from langdistill.refining.askers.validator import validator
from langdistill.refining.doubting import Doubt
from langdistill.refining.trusters.most_recent import most_recent
from langdistill.refining.trusters.ranker import ranker
from langdistill.strategies.chain_of_thought import create_chain_of_thought
from langdistill.testing.models import OneReplyChatModel

FIRST = {"a": "1", "b": "2", "c": "3", "d": "4"}
REFINED = {"a": "10", "b": "20", "c": "3", "d": "40"}
GOLD = {"a": "10", "b": "2", "c": "3", "d": "4"}
DOUBT = {"a": 0.9, "b": 0.3, "c": 0.9, "d": None}
PROBLEMS = [Problem(id=name, question=f"Question {name}?") for name in GOLD]


def name_in(text: str) -> str:
    return re.findall(r"Question (\w)\?", text)[0]


class Asked:
    """Decides by a table."""

    name = "table"

    def __call__(self, state: Any, reply: Any) -> Any:
        return Doubt([], DOUBT[name_in(state["messages"][-1].text)])
        yield


class Speaker:
    """Says the tables' answers, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, messages: list[BaseMessage], number: int) -> str:
        text = messages[-1].text
        self.asked.append(text)
        table = REFINED if "A first answer:" in text else FIRST
        return f"So.\nAnswer: {table[name_in(text)]}"


def graph(speaker: Any, **knobs: Any) -> Any:
    model = OneReplyChatModel(script=speaker)
    told: dict[str, Any] = {"asker": Asked(), "truster": most_recent(), "threshold": 0} | knobs
    return create_ask_refine_trust(model, **told)


def test_first_and_refined_answers_and_what_they_took() -> None:
    speaker = Speaker()
    tried = try_refining(graph(speaker), PROBLEMS)
    assert [*tried] == ["a", "b", "c", "d"]
    told = {id: (one.doubt, one.first, one.refined, one.scores) for id, one in tried.items()}
    assert told == {
        "a": (0.9, "1", "10", (0.0, 1.0)), "b": (0.3, "2", "20", (0.0, 1.0)), "c": (0.9, "3", "3", None),
        "d": (None, "4", None, None),
    }  # fmt: skip
    assert {id: {node: some.completions for node, some in one.spent.items()} for id, one in tried.items()} == {
        "a": {"answer": 1, "refine": 1}, "b": {"answer": 1, "refine": 1}, "c": {"answer": 1, "refine": 1},
        "d": {"answer": 1},
    }  # fmt: skip
    found = sweep(cases(tried, GOLD))
    told_points = [(one.threshold, one.refined, one.right, one.spent.completions) for one in found.points]
    assert told_points == [(None, 0, 3, 4), (0.9, 2, 4, 6), (0.3, 3, 3, 7)]
    assert (found.recommended.threshold, found.recommended.wrong_to_right) == (0.9, 1)


@pytest.mark.parametrize("threshold", [None, 0.9, 0.5, 0.3, 0.1])
def test_the_sweep_says_what_the_graph_does_at_that_threshold(threshold: float | None) -> None:
    point = sweep(cases(try_refining(graph(Speaker()), PROBLEMS), GOLD)).at(threshold)
    speaker = Speaker()
    at = graph(speaker, asker=never()) if threshold is None else graph(speaker, threshold=threshold)
    with budget() as spent:
        answers = [at.invoke({"messages": [("user", one.question)]})["answer"] for one in PROBLEMS]
    right = [answer == GOLD[one.id] for answer, one in zip(answers, PROBLEMS, strict=True)]
    assert (sum(right), spent.completions) == (point.right, point.spent.completions)
    assert sum("A first answer:" in text for text in speaker.asked) == point.refined


def test_no_gold_answer_reaches_the_graph() -> None:
    """Acceptance 6: what is asked is the same whatever the gold answers are, and holds none of them."""
    speaker = Speaker()
    tried = try_refining(graph(speaker), PROBLEMS)
    canary = dict.fromkeys(GOLD, "zq-canary-5512")
    assert {one.first for one in cases(tried, canary)} == {False}
    assert not any("zq-canary" in text for text in speaker.asked)
    again = Speaker()
    try_refining(graph(again), PROBLEMS)
    assert sorted(again.asked) == sorted(speaker.asked)


def test_inner_graphs_are_counted_at_their_node() -> None:
    model = OneReplyChatModel(script=Speaker())
    tried = try_refining(graph(Speaker(), initial=create_chain_of_thought(model)), PROBLEMS[:1])
    assert {node: some.completions for node, some in tried["a"].spent.items()} == {"answer": 1, "refine": 1}


def test_a_killed_run_goes_on_and_pays_for_nothing_twice(tmp_path: Path) -> None:
    class Dies(Speaker):
        def __call__(self, messages: list[BaseMessage], number: int) -> str:
            if len(self.asked) > 3:
                raise KeyboardInterrupt
            return super().__call__(messages, number)

    dies = Dies()
    with pytest.raises(KeyboardInterrupt):
        try_refining(graph(dies), PROBLEMS, folder=tmp_path / "run", max_concurrency=1)
    speaker = Speaker()
    tried = try_refining(graph(speaker), PROBLEMS, folder=tmp_path / "run")
    assert {"a", "b"}.isdisjoint(name_in(text) for text in speaker.asked)
    assert len(speaker.asked) < 7
    assert {id: one.model_dump() for id, one in tried.items()} == {
        id: one.model_dump() for id, one in try_refining(graph(Speaker()), PROBLEMS).items()
    }
    with pytest.raises(EvaluationError, match="another run: it differs in truster"):
        try_refining(graph(Speaker(), truster=ranker(lambda one: 1.0)), PROBLEMS, folder=tmp_path / "run")


def test_what_failed_is_wrong_and_asked_again(tmp_path: Path) -> None:
    class Fails(Speaker):
        def __call__(self, messages: list[BaseMessage], number: int) -> str:
            if "Question a" in messages[-1].text:
                raise ValueError("no such day")
            return super().__call__(messages, number)

    tried = try_refining(graph(Fails()), PROBLEMS, folder=tmp_path / "run")
    assert tried["a"].error == "ValueError: no such day"
    [case] = [one for one in cases(tried, GOLD) if one.problem == "a"]
    assert (case.first, case.refined, case.doubt) == (False, None, None)
    assert try_refining(graph(Speaker()), PROBLEMS, folder=tmp_path / "run")["a"].error is None


def test_what_is_refused() -> None:
    with pytest.raises(EvaluationError, match=r"from the threshold 0\.5 on"):
        try_refining(graph(Speaker(), threshold=0.5), PROBLEMS)
    with pytest.raises(EvaluationError, match="one id"):
        try_refining(graph(Speaker()), [PROBLEMS[0], PROBLEMS[0]])
    with pytest.raises(EvaluationError, match="1 problems have no gold answer: a"):
        cases({"a": Tried(first="1")}, {})

    def breaks(messages: list[BaseMessage], number: int) -> str:
        raise ValueError("nobody")

    with pytest.raises(ModelError, match="ValueError: nobody"):
        try_refining(graph(breaks), PROBLEMS)


def test_scores_of_equal_answers_choose_nothing() -> None:
    tried = {"a": Tried(doubt=1.0, first="1", refined="2", scores=(0.5, 0.5), spent={"doubt": Account(completions=1)})}
    [case] = cases(tried, {"a": "2"})
    assert (case.first, case.refined, case.trusted) == (False, True, False)
    assert case.asking.completions == 1


def test_a_validator_is_an_asker_like_any_other() -> None:
    """It looks at the calculation: nothing is refined that passes."""
    wrong = validator(lambda question, reply: [] if "Answer: 2" in reply else ["Add again."])
    tried = try_refining(graph(Speaker(), asker=wrong), PROBLEMS)
    assert {id: one.doubt for id, one in tried.items()} == {"a": 1.0, "b": 0.0, "c": 1.0, "d": 1.0}
