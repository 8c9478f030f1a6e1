from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import BaseMessage

from langdistill.errors import DatasetError, ModelError, PromptError
from langdistill.filters.judged import judged
from langdistill.groups import Group
from langdistill.records import Example, Message, Verdict
from langdistill.testing.models import OneReplyChatModel

ASKED: list[Message] = [{"role": "user", "content": "What is {x}?"}]


def row(text: str, rejected: str | None = None, **fields: Any) -> Example:
    other: list[Message] | None = [{"role": "assistant", "content": rejected}] if rejected else None
    target: list[Message] = [{"role": "assistant", "content": text}]
    made = {"messages": ASKED, "target": target, "rejected": other, "problem": "p", "trace": "t"}
    return Example(**(made | fields))


def saying(*replies: str) -> OneReplyChatModel:
    return OneReplyChatModel(script=lambda messages, number: replies[number % len(replies)])


def verdict(model: OneReplyChatModel, *rows: Example, **how: Any) -> Verdict:
    return judged(model, max_concurrency=1, **how)(Group("p", rows=rows))


@pytest.mark.parametrize(
    ("reply", "keep", "reason", "score"),
    [
        ("All right.\nScore: 9", True, "good-grade", 9),
        ("Fair.\nScore: 7", True, "good-grade", 7),
        ("Poor.\nScore: 6.5", False, "low-grade", 6.5),
        ("Score: 12", None, "unreadable", None),
        ("I like it.", None, "unreadable", None),
    ],
)
def test_grades(reply: str, keep: bool | None, reason: str, score: float | None) -> None:
    found = verdict(saying(reply), row("x is 4"))
    assert (found.keep, found.reason, found.score) == (keep, reason, score)


def test_the_judge_sees_question_and_answer_and_writes_evidence_before_the_grade() -> None:
    model = saying("Score: 9")
    verdict(model, row("x is {4}"))
    [[asked]] = model.prompts
    assert "What is {x}?" in asked.text
    assert "x is {4}" in asked.text
    assert asked.text.index("evidence") < asked.text.index("Score:")


def test_the_mean_of_several_judgements_leaves_out_what_cannot_be_read() -> None:
    found = verdict(saying("Score: 9", "hm", "Score: 4"), row("4"), samples=3, temperature=1.0)
    assert (found.keep, found.score, found.evidence) == (False, 6.5, {"grades": [9, 4]})


@pytest.mark.parametrize(
    ("replies", "keep", "reason"),
    [
        (("Verdict: A", "Verdict: B"), True, "preferred"),
        (("Verdict: B", "Verdict: A"), False, "not-preferred"),
        (("Verdict: tie", "Verdict: tie"), False, "no-preference"),
        (("Verdict: A", "Verdict: A"), False, "order-dependent"),
        (("Verdict: B", "Verdict: B"), False, "order-dependent"),
        (("Verdict: A", "Verdict: tie"), False, "order-dependent"),
        (("Verdict: A", "well"), None, "unreadable"),
    ],
)
def test_a_pair_in_both_orders(replies: tuple[str, str], keep: bool | None, reason: str) -> None:
    model = saying(*replies)
    found = verdict(model, row("good", rejected="bad"))
    assert (found.keep, found.reason) == (keep, reason)
    first, second = (prompt[0].text for prompt in model.prompts)
    assert "Answer A:\ngood\n\nAnswer B:\nbad\n" in first
    assert "Answer A:\nbad\n\nAnswer B:\ngood\n" in second


def test_a_judge_that_prefers_a_place_keeps_nothing_and_an_order_blind_one_everything() -> None:
    def blind(messages: list[BaseMessage], number: int) -> str:
        told = messages[0].text
        return "Verdict: A" if told.index("good") < told.index("bad") else "Verdict: B"

    rows = [row(f"good {at}", rejected=f"bad {at}") for at in range(10)]
    groups = [Group(str(at), rows=(one,)) for at, one in enumerate(rows)]
    assert [one.reason for one in judged(saying("Verdict: A")).batch(groups)] == ["order-dependent"] * 10
    assert [one.keep for one in judged(OneReplyChatModel(script=blind)).batch(groups)] == [True] * 10


def test_rows_of_a_problem_are_judged_one_by_one() -> None:
    def script(messages: list[BaseMessage], number: int) -> str:
        told = messages[0].text
        if "broken" in told:
            raise ValueError("no")
        return "Verdict: A" if "Answer A:\nbest" in told else "Verdict: B" if "best" in told else "Score: 2"

    rows = row("worst"), row("best", rejected="bad"), row("broken"), row("poor")
    found = verdict(OneReplyChatModel(script=script), *rows)
    assert (found.keep, found.dropped) == (True, {0: "low-grade", 3: "low-grade"})
    assert verdict(OneReplyChatModel(script=script), rows[0], rows[2]).keep is None


def test_conversations_and_tool_calls_are_shown() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
    talk: list[Message] = [*ASKED, {"role": "assistant", "content": "Which x?"}, {"role": "user", "content": "This."}]
    model = saying("Score: 9")
    verdict(model, row("", target=[{"role": "assistant", "content": None, "tool_calls": [call]}], messages=talk))
    told = model.prompts[0][0].text
    assert "user: What is {x}?\n\nassistant: Which x?\n\nuser: This." in told
    assert 'calls add with {"a": 1}' in told


def test_prompts_of_ones_own_and_settings() -> None:
    model = saying("[[10]]")
    found = verdict(model, row("4"), grade="{question} {answer}", min_score=10)
    assert (found.keep, model.prompts[0][0].text) == (True, "What is {x}? 4")
    with pytest.raises(PromptError):
        judged(model, grade="{question}")
    with pytest.raises(PromptError):
        judged(model, pair="{question} {first}")
    with pytest.raises(DatasetError, match="no grade"):
        judged(model, min_score=0.5)
    with pytest.raises(ModelError):
        judged(model, samples=0)
    assert judged(model).params["model"] == "scripted"


FASTCHAT = (
    "[User Question]\n{question}\n\n[The Start of Assistant A's Answer]\n{first}\n[The End of Assistant A's Answer]\n\n"
    "[The Start of Assistant B's Answer]\n{second}\n[The End of Assistant B's Answer]"
)


def test_gpt4_s_own_judgements(data: Path) -> None:
    """Ten pairs that GPT-4 judged in both orders through FastChat: its replies are given to the prompts that it was given."""
    lines = (data / "fastchat_skycamp/model_judgment/gpt-4_pair.jsonl").read_text().splitlines()
    told = [json.loads(line) for line in lines]
    replies = {one[f"g{order}_user_prompt"].strip(): one[f"g{order}_judgment"] for one in told for order in (1, 2)}
    model = OneReplyChatModel(script=lambda messages, number: replies[messages[0].text.strip()])
    reasons: list[str] = []
    for one in told:
        found = re.fullmatch(
            re.escape(FASTCHAT).replace(r"\{", "(?P<").replace(r"\}", ">.*)"), one["g1_user_prompt"].strip(), re.S
        )
        assert found
        asked: list[Message] = [{"role": "user", "content": found["question"]}]
        reasons.append(
            verdict(model, row(found["first"], rejected=found["second"], messages=asked), pair=FASTCHAT).reason
        )
    named = {"model_1": "preferred", "model_2": "not-preferred", "tie": "no-preference"}
    wanted = [named[one["g1_winner"]] if one["g1_winner"] == one["g2_winner"] else "order-dependent" for one in told]
    assert reasons == wanted
    assert reasons.count("order-dependent") == 3
