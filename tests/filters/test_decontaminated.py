from __future__ import annotations

import json
import pickle
import string
from pathlib import Path
from random import Random
from typing import Any

import pytest

from langdistill.errors import DatasetError
from langdistill.filters.decontaminated import decontaminated
from langdistill.groups import Group
from langdistill.records import Example, Verdict

LONG = "Janet has sixteen ducks that lay one egg each per day and she eats three of them for breakfast every single morning"


def row(question: str, answer: str = "4", **fields: Any) -> Example:
    prompt: Any = [{"role": "user", "content": question}]
    return Example(messages=prompt, target=[{"role": "assistant", "content": answer}], problem="p", trace="t", **fields)


def said(judge: Any, *rows: Example) -> Verdict:
    return judge(Group("p", rows=rows))


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_planted_test_questions_are_found(data: Path) -> None:
    """Every one of GSM8K's test questions, verbatim, with other case and punctuation, and inside a longer text."""
    judge = decontaminated({"gsm8k": data / "gsm8k" / "test.jsonl"})
    questions = [one["question"] for one in lines(data / "gsm8k" / "test.jsonl")]
    bare = str.maketrans({mark: " " for mark in string.punctuation if mark not in "'.,$"})
    for at, question in enumerate(questions):
        for planted in (
            row(question),
            row(question.upper().translate(bare)),
            row("Here is one.\n" + question.replace(" ", "  ") + "\nNow solve it. Let's think step by step."),
            row("Repeat after me.", f"Sure: {question}"),
        ):
            verdict = said(judge, planted)
            assert (verdict.keep, verdict.reason) == (False, "contaminated")
            assert verdict.evidence == {"set": "gsm8k", "item": at, "share": 1.0}


def test_training_questions_are_no_test_questions(data: Path) -> None:
    """Four of GSM8K's 7,473 training rows share 13 words with a test question, and all four are variants of one."""
    judge = decontaminated({"gsm8k": data / "gsm8k" / "test.jsonl"})
    found = [
        one["question"] for one in lines(data / "gsm8k" / "train.jsonl") if not said(judge, row(one["question"])).keep
    ]
    assert [one[:36] for one in sorted(found)] == [
        "A train travels 270 miles in 3 hours",
        "A train travels 360 miles in 3 hours",
        "Bella bought stamps at the post offi",
        "Joseph and his friends watched two m",
    ]


def test_look_alikes_stay() -> None:
    judge = decontaminated({"test": [LONG]})
    words = LONG.split()
    assert said(judge, row(" ".join(words[:12]) + " and more of it")).keep
    assert said(judge, row(" ".join(Random(0).sample(words, len(words))))).keep
    assert said(judge, row(LONG.replace("sixteen", "six").replace("eats", "sells").replace("day", "week"))).keep
    assert said(judge, row(" ".join(words[:13]))).evidence == {"set": "test", "item": 0, "share": 13 / 22}


def test_short_questions() -> None:
    """From 8 words on they are looked for inside a text, below that a whole text must be equal."""
    eight, seven, one = "What is the capital city of old France?", "What is the capital of old France?", "Paris"
    judge = decontaminated({"test": [eight, seven, one]})
    assert said(judge, row(f"Tell me: {eight.lower()} Be quick.")).evidence == {"set": "test", "item": 0, "share": 1.0}
    assert said(judge, row(f"Tell me: {seven} Be quick.")).keep
    assert said(judge, row("what is the capital of old france")).evidence["item"] == 1
    assert said(judge, row("Where is the Louvre?", "It is in Paris.")).keep
    assert said(judge, row("Where is the Louvre?", "Paris.")).evidence["item"] == 2


def test_every_text_of_a_row_is_looked_at() -> None:
    judge = decontaminated({"test": [LONG]})
    thinking: Any = [{"role": "assistant", "content": "4", "reasoning_content": LONG}]
    few_shot: Any = [{"role": "system", "content": f"For example: {LONG}"}, {"role": "user", "content": "Q"}]
    blocks: Any = [{"role": "user", "content": [{"type": "text", "text": LONG}]}]
    rejected: Any = [{"role": "assistant", "content": LONG}]
    rows = [
        row("Q").model_copy(update=update)
        for update in (
            {"target": thinking}, {"messages": few_shot}, {"messages": blocks}, {"rejected": rejected}, {"privileged": LONG},
        )
    ]  # fmt: skip
    assert [said(judge, one).keep for one in rows] == [False] * 5
    assert said(judge, row("Q"), rows[0], row("R")).dropped == {1: "contaminated"}


def test_runs_do_not_reach_from_one_message_into_the_next() -> None:
    words = LONG.split()
    assert said(decontaminated({"test": [LONG]}), row(" ".join(words[:10]), " ".join(words[10:20]))).keep


def test_the_length_of_a_run_and_the_share() -> None:
    half = row(" ".join(LONG.split()[:10]))
    assert said(decontaminated({"test": [LONG]}), half).keep
    assert said(decontaminated({"test": [LONG]}, n=8), half).score == 10 / 22
    assert said(decontaminated({"test": [LONG]}, n=8, share=0.5), half).keep
    assert not said(decontaminated({"test": [LONG]}, n=8, share=0.45), half).keep


def test_phrases_of_a_kind_of_test_do_not_count() -> None:
    phrase = (
        "the following translation from German to English contains an error and that error will be one of these types"
    )
    items = [f"{phrase} number{at} alpha{at} beta{at}" for at in range(11)] + [phrase]
    judge = decontaminated({"bbh": items}, common=10)
    assert said(judge, row(f"{phrase[:-6]}, what is it?")).keep
    assert not said(decontaminated({"bbh": items[:9]}, common=10), row(f"{phrase[:-6]}, what is it?")).keep
    assert said(judge, row(f"{items[4]}?")).evidence == {"set": "bbh", "item": 4, "share": 1.0}
    assert said(judge, row(f"So: {phrase} of them")).evidence["item"] == 11  # looked for whole
    twice = decontaminated({"a": [LONG] * 12, "b": [LONG]})
    assert said(twice, row(LONG)).evidence == {"set": "a", "item": 0, "share": 1.0}  # equal questions are one


def test_nothing_of_the_question_or_its_answer_is_told(tmp_path: Path) -> None:
    (tmp_path / "test.jsonl").write_text(json.dumps({"question": LONG, "answer": "zq-canary-41"}))
    judge = decontaminated({"test": tmp_path / "test.jsonl"})
    told = said(judge, row(LONG)).model_dump_json() + json.dumps(judge.params)
    assert "zq-canary" not in told
    assert "Janet" not in told
    assert said(judge, row("zq canary 41")).keep


def test_it_travels_to_other_processes_without_its_index() -> None:
    judge = decontaminated({"test": [LONG]})
    before = len(pickle.dumps(judge))
    assert not said(judge, row(LONG)).keep
    assert len(pickle.dumps(judge)) == before
    again = pickle.loads(pickle.dumps(judge))
    assert again == judge
    assert said(again, row(LONG)) == said(judge, row(LONG))


def test_its_settings_are_told(data: Path) -> None:
    path = data / "gsm8k" / "test.jsonl"
    judge = decontaminated({"gsm8k": path})
    sets = judge.params["evaluation_sets"]
    assert sets["gsm8k"]["texts"] == 1319
    assert judge.params | {"evaluation_sets": 0} == {
        "evaluation_sets": 0,
        "n": 13,
        "share": 0.0,
        "common": 10,
        "tokens": "any_script",
    }
    assert sets == decontaminated({"gsm8k": [one["question"] for one in lines(path)]}).params["evaluation_sets"]


@pytest.mark.parametrize("settings", [{"n": 1}, {"share": 1}, {"share": -0.1}, {"common": 0}])
def test_settings_that_are_none(settings: Any) -> None:
    with pytest.raises(DatasetError, match="n is 2 or more"):
        decontaminated({"test": [LONG]}, **settings)


@pytest.mark.parametrize("sets", [{}, {"empty": []}])
def test_no_question_at_all(sets: Any) -> None:
    with pytest.raises(DatasetError, match="no question"):
        decontaminated(sets)


def test_arguments_of_calls_and_steps_are_looked_at() -> None:
    call = {"id": "a", "function": {"name": "solve", "arguments": json.dumps({"problem": LONG})}}
    target: list[Any] = [{"role": "assistant", "content": None, "tool_calls": [call]}]
    judge = decontaminated({"test": [LONG]})
    for one in (row("Go.").model_copy(update={"target": target}), row("Go.", steps=[(LONG, True)])):
        assert said(judge, one).reason == "contaminated"
    assert said(judge, row("Go.")).reason == "clean"
