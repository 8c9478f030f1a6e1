from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import BaseMessage

from langdistill.datasets.harvest import harvest
from langdistill.errors import DatasetError, ModelError, PromptError
from langdistill.filters.agreement import agreement
from langdistill.filters.correct import correct
from langdistill.filters.relabel import relabel
from langdistill.groups import Group
from langdistill.records import Example, Message, Trace, Verdict
from langdistill.testing.memory import MemoryStore
from langdistill.testing.models import OneReplyChatModel

ASKED: list[Message] = [{"role": "user", "content": "2+2?"}]


def row(text: str, answer: str | None = None, **fields: Any) -> Example:
    said: list[Message] = [{"role": "assistant", "content": text}]
    return Example(
        **({"messages": ASKED, "target": said, "answer": answer or text, "problem": "p", "trace": "t"} | fields)
    )


def member(*answers: str) -> OneReplyChatModel:
    return OneReplyChatModel(script=lambda messages, number: f"Well.\nAnswer: {answers[number % len(answers)]}")


def after(verdict: Verdict, *rows: Example) -> list[Example]:
    return list(Group("p", rows=rows).after(verdict).rows)


def judged(*rows: Example, committee: Any, **how: Any) -> Verdict:
    return relabel(committee, max_concurrency=1, **how)(Group("p", rows=rows))


@pytest.mark.parametrize(
    ("answers", "keep", "reason", "label"),
    [
        (["4", "4.0", "$4", "5"], True, "confirmed", "4"),
        (["5", "5", "5", "4"], True, "relabelled", "5"),
        (["5", "5", "4", "4"], None, "no-consensus", "4"),
        (["5", "5", "6", "4"], None, "no-consensus", "4"),
        (["5", "6", "7", "8"], None, "no-consensus", "4"),
    ],
)
def test_a_committee_of_one(answers: list[str], keep: bool | None, reason: str, label: str) -> None:
    one = row("4")
    verdict = judged(one, committee=member(*answers))
    assert (verdict.keep, verdict.reason, verdict.evidence["candidates"]) == (keep, reason, 4)
    [left] = after(verdict, one)
    assert (left.answer, left.target[0]["content"]) == (label, label)


def test_every_reply_of_every_member_is_a_vote() -> None:
    verdict = judged(row("4"), committee=[member("5", "5", "6"), member("5", "4", "5"), member("6")], samples=3)
    assert (verdict.reason, verdict.evidence) == (
        "no-consensus",
        {"old": "4", "new": None, "votes": {"5": 4, "6": 4, "4": 1}, "candidates": 9},
    )
    verdict = judged(row("4"), committee=[member("5"), member("5", "4", "5")], samples=3)
    assert (verdict.reason, verdict.score) == ("relabelled", 5 / 6)


def test_min_votes() -> None:
    assert judged(row("4"), committee=member("5", "5", "6", "7"), min_votes=2).reason == "relabelled"
    assert judged(row("4"), committee=member("5", "5", "5", "7"), min_votes=4).reason == "no-consensus"


def test_a_target_with_its_reasoning_becomes_a_whole_reply_and_loses_what_described_the_old_one() -> None:
    one = row("So.\nAnswer: 4", "4", logprobs=[1], steps=[("So.", True)], model="weak", call="c", reasoning="So.")
    [left] = after(judged(one, committee=member("6", "5", "5", "5")), one)
    assert left.target == [{"role": "assistant", "content": "Well.\nAnswer: 5"}]
    assert left.answer == "5"
    assert {left.logprobs, left.steps, left.model, left.call, left.reasoning} == {None}
    [same] = after(judged(one, committee=member("4")), one)
    assert same == one


def test_the_prompt_stands_in_the_place_of_the_question() -> None:
    system: Message = {"role": "system", "content": "Be brief."}
    model = member("4")
    judged(row("4", messages=[system, *ASKED]), committee=model, prompt="Think: {question}")
    assert [(one.type, one.text) for one in model.prompts[0]] == [("system", "Be brief."), ("human", "Think: 2+2?")]


def test_rows_that_cannot_be_voted_on() -> None:
    two: list[Message] = [{"role": "assistant", "content": "4"}, {"role": "assistant", "content": "4"}]
    model = member("5")
    broken = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{x"}}
    prompt = [*ASKED, {"role": "assistant", "content": None, "tool_calls": [broken]}, *ASKED]
    for one, reason in (
        (row("x").model_copy(update={"answer": None}), "no-answer"),
        (row("4", target=two), "no-answer"),
        (row("4", messages=[]), "no-question"),
        (row("4", messages=prompt), "no-question"),
    ):
        verdict = judged(one, committee=model)
        assert (verdict.keep, verdict.reason) == (None, reason)
    assert model.prompts == []


def test_rows_of_a_problem_one_by_one() -> None:
    rows = row("4"), row("5"), row("x").model_copy(update={"answer": None})
    verdict = judged(*rows, committee=member("5"))
    assert (verdict.keep, list(verdict.targets)) == (True, [0])
    assert [one.answer for one in after(verdict, *rows)] == ["5", "5", None]


def test_filters_after_it_see_the_new_label() -> None:
    def script(messages: list[BaseMessage], number: int) -> str:
        return "Answer: 4" if "2+2" in messages[-1].text else "Answer: 9"

    store = MemoryStore()
    for problem, question in {"a": "2+2?", "b": "3*3?"}.items():
        asked: list[Message] = [{"role": "user", "content": question}]
        store.add([Trace(id=problem, input=asked, answer="5", metadata={"problem": problem})])
    gold = {"a": "4", "b": "10"}
    plan = harvest(store).filter(agreement(), relabel(OneReplyChatModel(script=script)), correct(gold)).probe(gold)
    found = plan.run()
    assert [(one.problem, one.answer, one.target[0]["content"]) for one in found.examples] == [("a", "4", "4")]
    assert [stage["labels"]["right"] for stage in found.funnel[1:]] == [0, 0, 1, 1]


def test_settings() -> None:
    with pytest.raises(DatasetError, match="at least one model"):
        relabel([])
    with pytest.raises(DatasetError, match="from 1 to 4"):
        relabel(member("4"), min_votes=5)
    with pytest.raises(ModelError):
        relabel(member("4"), samples=0)
    with pytest.raises(PromptError):
        relabel(member("4"), prompt="Think.")
    assert relabel([member("4"), member("5")]).params["committee"] == ["scripted", "scripted"]


def test_thinking_that_was_cut_short_is_no_vote() -> None:
    cut = OneReplyChatModel(script=lambda messages, number: "<think>Perhaps\nAnswer: 5\nor not, for")
    verdict = judged(row("4"), committee=cut)
    assert (verdict.keep, verdict.reason, verdict.evidence["votes"]) == (None, "no-consensus", {})
