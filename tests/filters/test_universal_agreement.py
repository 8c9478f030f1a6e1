from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import BaseMessage

from langdistill import TraceRecorder, budget, caching, create_self_consistency
from langdistill.answers import free_text
from langdistill.budgets import BudgetSpent
from langdistill.datasets.harvest import harvest
from langdistill.datasets.targets.one_sample import one_sample
from langdistill.errors import PromptError
from langdistill.filters.universal_agreement import UniversalAgreement, universal_agreement
from langdistill.groups import Group, grouped
from langdistill.records import Call, Example, Reply, Trace
from langdistill.testing.models import OneReplyChatModel

POEMS = ("Cats\nare soft.", "Dogs\nrun far.", "A cat\nis soft.")


def elects(text: str) -> OneReplyChatModel:
    """A voter that names the response with this text, wherever it stands."""

    def script(messages: list[BaseMessage], number: int) -> str:
        told = messages[-1].text
        return (
            "They agree.\nMost consistent: Response "
            + told[: told.index(text)].rpartition("Response ")[2].partition(":")[0]
        )

    return OneReplyChatModel(script=script)


def says(text: str) -> OneReplyChatModel:
    return OneReplyChatModel(script=lambda messages, number: text)


def sampled(*replies: str, problem: str = "p") -> Trace:
    calls = [
        Call(id=f"{problem}{at}", candidate=True, replies=[Reply(message={"role": "assistant", "content": one})])
        for at, one in enumerate(replies)
    ]
    return Trace(
        id=f"t{problem}", input=[{"role": "user", "content": "Write."}], calls=calls, metadata={"problem": problem}
    )


def group_of(*replies: str) -> Group:
    [group] = grouped([sampled(*replies)], free_text)
    return Group(group.problem, group.originals, extract=free_text, rows=one_sample(group).examples)


def learnt(voter: OneReplyChatModel, group: Group) -> Example:
    verdict = universal_agreement(voter)(group)
    assert (verdict.keep, verdict.reason) == (True, "elected")
    [row] = group.after(verdict).rows
    return row


@pytest.mark.parametrize("text", POEMS)
def test_the_elected_response_becomes_target_and_answer(text: str) -> None:
    row = learnt(elects(text), group_of(*POEMS))
    assert row.target == [{"role": "assistant", "content": text}]
    assert row.answer == text


def test_arrival_decides_nothing() -> None:
    prompts: set[str] = set()
    for order in permutations(POEMS):
        voter = elects(POEMS[2])
        assert learnt(voter, group_of(*order)).answer == POEMS[2]
        prompts.add(voter.prompts[0][0].text)
    assert len(prompts) == 1, "the voter is shown the same in every order"


def test_the_voter_is_asked_the_question_and_shown_every_response() -> None:
    voter = elects(POEMS[0])
    learnt(voter, group_of(*POEMS))
    told = voter.prompts[0][0].text
    assert "Question: Write." in told
    assert all(poem in told for poem in POEMS)


@pytest.mark.parametrize("reply", ["None of them.", "Most consistent: Response 4", ""])
def test_a_reply_that_cannot_be_read_is_no_judgement(reply: str) -> None:
    verdict = universal_agreement(says(reply))(group_of(*POEMS))
    assert (verdict.keep, verdict.reason, verdict.targets) == (None, "unreadable", {})


def test_nobody_is_asked_where_there_is_nothing_to_choose() -> None:
    voter = says("Response 1")
    same = universal_agreement(voter)(group_of("Cats\nare soft.", "Cats\nare soft.  "))
    alone = universal_agreement(voter)(group_of("Cats\nare soft."))
    assert (same.keep, same.reason) == (True, "identical")
    assert (alone.keep, alone.reason) == (None, "incomplete")
    assert voter.prompts == []


def test_of_rows_of_single_calls_the_elected_one_stays() -> None:
    group = group_of(*POEMS)
    [row] = group.rows
    calls = {poem: f"p{at}" for at, poem in enumerate(POEMS)}
    rows = tuple(
        row.model_copy(update={"target": [{"role": "assistant", "content": poem}], "answer": poem, "call": calls[poem]})
        for poem in POEMS
    )
    group = Group("p", group.originals, extract=free_text, rows=rows)
    verdict = universal_agreement(elects(POEMS[1]))(group)
    assert (verdict.keep, verdict.dropped, verdict.targets) == (True, {0: "not-elected", 2: "not-elected"}, {})


def recorded(path: Path, problems: int) -> Path:
    """Three samples a problem, of which two agree."""
    recorder = TraceRecorder(path)
    for at in range(problems):
        model = OneReplyChatModel(script=lambda messages, number, at=at: POEMS[(at + number) % 3])
        config: Any = {"callbacks": [recorder], "metadata": {"problem": f"p{at:02}"}}
        graph = create_self_consistency(model, samples=3, prompt="{question}", extract=free_text)
        graph.invoke({"messages": [("user", f"Write {at}.")]}, config)
    recorder.close()
    return path


def plan(path: Path, judge: UniversalAgreement) -> Any:
    return harvest(path, extract=free_text).target(one_sample).filter(judge)


def test_a_harvest_asks_for_several_problems_at_once_and_remembers(tmp_path: Path) -> None:
    traces, voter = recorded(tmp_path / "t.db", 5), elects(POEMS[2])
    with caching(tmp_path / "replies.db"):
        first, again = (plan(traces, universal_agreement(voter, max_concurrency=3)).run() for _ in range(2))
    assert [one.answer for one in first.examples] == [POEMS[2]] * 5
    assert (first.chain, len(voter.prompts)) == (again.chain, 5)
    assert len(plan(traces, universal_agreement(elects(POEMS[2]))).write(tmp_path / "data", validation=0).rows()) == 5


def test_what_a_budget_cuts_short_is_not_half_written(tmp_path: Path) -> None:
    traces, voter = recorded(tmp_path / "t.db", 5), elects(POEMS[2])
    with budget(completions=3) as spent, pytest.raises(BudgetSpent, match=r"completions 3 of 3.*universal_agreement"):
        plan(traces, universal_agreement(voter)).write(tmp_path / "data")
    assert {row["strategy"] for row in spent.ledger()} == {"universal_agreement"}
    assert not (tmp_path / "data").exists()


def test_one_request_that_fails_is_no_judgement_and_all_of_them_are_an_outage(tmp_path: Path) -> None:
    def script(messages: list[BaseMessage], number: int) -> str:
        if "Write 3." in messages[-1].text:
            raise ValueError("overloaded")
        return "Response 1"

    def down(messages: list[BaseMessage], number: int) -> str:
        raise ValueError("overloaded")

    traces = recorded(tmp_path / "t.db", 5)
    found = plan(traces, universal_agreement(OneReplyChatModel(script=script))).run()
    assert [(one["problem"], one["reason"]) for one in found.rejects] == [("p03", "no-reply")]
    with pytest.raises(ValueError, match="overloaded"):
        plan(traces, universal_agreement(OneReplyChatModel(script=down))).run()
    alone = universal_agreement(OneReplyChatModel(script=down))(group_of(*POEMS))
    assert (alone.keep, alone.reason) == (None, "no-reply")
    with budget(completions=0), pytest.raises(BudgetSpent):
        universal_agreement(elects(POEMS[0]))(group_of(*POEMS))


def test_settings() -> None:
    told = universal_agreement(OneReplyChatModel(script=lambda m, at: "", model="judge-1"), max_concurrency=9).params
    assert told["model"] == "judge-1"
    assert "max_concurrency" not in told
    with pytest.raises(PromptError):
        universal_agreement(says(""), select="{question}")
