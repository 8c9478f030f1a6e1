from __future__ import annotations

import pytest
from langchain_core.messages import BaseMessage

from langdistill import budget
from langdistill.asking import ask
from langdistill.budgets import BudgetSpent
from langdistill.consulting import consult
from langdistill.testing.models import OneReplyChatModel


def echo(messages: list[BaseMessage], number: int) -> str:
    if messages[-1].text == "fail":
        raise ValueError("no")
    return messages[-1].text.upper()


def test_replies_stand_in_the_order_of_the_questions() -> None:
    model = OneReplyChatModel(script=echo)
    asks = [ask(model, "a"), ask(model, "b", n=2), ask(model, "fail"), ask(model, "c")]
    told = [[one.text for one in some] for some in consult(asks, name="judge")]
    assert told == [["A"], ["B", "B"], [], ["C"]]
    assert consult([], name="judge") == []


def test_no_reply_at_all_is_the_first_error() -> None:
    with pytest.raises(ValueError, match="no"):
        consult([ask(OneReplyChatModel(script=echo), "fail")], name="judge")


def test_a_budget_holds_and_its_ledger_names_who_asked() -> None:
    model = OneReplyChatModel(script=echo)
    with budget(completions=3) as spent:
        consult([ask(model, "a"), ask(model, "b")], name="judge")
        with pytest.raises(BudgetSpent, match=r"completions 3 of 3.*'judge'"):
            consult([ask(model, "c"), ask(model, "d")], name="judge", max_concurrency=1)
    assert [(row["strategy"], row["completions"]) for row in spent.ledger()] == [("judge", 3)]
