from __future__ import annotations

from typing import Any

import pytest

from langdistill.budgets import BudgetSpent, budget
from langdistill.errors import DatasetError, PromptError
from langdistill.filters.on_topic_by import on_topic_by
from langdistill.groups import Group
from langdistill.testing.models import OneReplyChatModel, ScriptedChatModel
from tests.filters.agents import row, said, user


def asked(question: Any) -> Any:
    return row(said("4"), messages=[user(question)])


def answer(messages: Any, at: int) -> str:
    text = messages[-1].text
    if "broken" in text:
        raise RuntimeError("down")
    return "Perhaps." if "odd" in text else "Yes." if "A flight" in text else "No, it does not."


@pytest.mark.parametrize(
    ("question", "keep", "reason"),
    [
        ("A flight to {question}?", True, "on-topic"),
        ("A joke?", False, "off-topic"),
        ("An odd one", None, "unreadable"),
        ("A broken one", None, "no-reply"),
        ([{"type": "image_url"}], None, "no-question"),
    ],
)
def test_what_the_model_says(question: Any, keep: bool | None, reason: str) -> None:
    found = on_topic_by(ScriptedChatModel(script=answer), "flights")(Group("p", rows=(asked(question),)))
    assert (found.keep, found.reason) == (keep, reason)


def test_several_problems_are_asked_about_at_once() -> None:
    model = ScriptedChatModel(script=answer)
    filter = on_topic_by(model, "flights")
    groups = [Group("p", rows=(asked("A flight?"), asked("A joke?"))), Group("q", rows=(asked("An odd one"),))]
    first, second = filter.batch(groups)
    assert (first.keep, first.dropped, second.keep, second.reason) == (True, {1: "off-topic"}, None, "unreadable")
    assert len(model.prompts) == 3
    assert all("Topic: flights" in prompt[-1].text for prompt in model.prompts)


def test_nothing_to_ask_and_nothing_to_ask_with() -> None:
    with pytest.raises(DatasetError, match="empty topic"):
        on_topic_by("openai:gpt", " ")
    with pytest.raises(PromptError):
        on_topic_by("openai:gpt", "flights", prompt="{question}?")
    params = on_topic_by(OneReplyChatModel(script=answer, model="gpt"), "flights").params
    assert (params["model"], params["topic"]) == ("gpt", "flights")


def test_rows_that_ask_the_same_cost_one_request() -> None:
    model = ScriptedChatModel(script=answer)
    rows = (asked("A joke?"), asked("A flight?"), asked("A joke?"), asked([{"type": "image_url"}]))
    verdict = on_topic_by(model, "flights")(Group("p", rows=rows))
    assert (verdict.keep, verdict.dropped, len(model.prompts)) == (True, {0: "off-topic", 2: "off-topic"}, 2)


def test_an_outage_is_raised_and_a_budget_holds() -> None:
    filter = on_topic_by(ScriptedChatModel(script=answer), "flights")
    groups = [Group(name, rows=(asked(f"A broken {name}"),)) for name in "pq"]
    with pytest.raises(RuntimeError, match="down"):
        filter.batch(groups)
    with budget(completions=1), pytest.raises(BudgetSpent):
        filter.batch([Group(name, rows=(asked(f"A flight {name}?"),)) for name in "pq"])
