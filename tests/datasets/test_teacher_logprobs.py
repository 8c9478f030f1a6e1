"""What is kept of a teacher's log-probabilities."""

from __future__ import annotations

import math
from typing import Any

import pytest

from langdistill.datasets.harvest import harvest
from langdistill.datasets.renderings.answer_only import answer_only
from langdistill.datasets.renderings.zero_shot_cot import zero_shot_cot
from langdistill.datasets.targets.with_reasoning import with_reasoning
from langdistill.datasets.teacher_logprobs import covering, distributions, tail_mass, teacher_logprobs, top_k
from langdistill.errors import DatasetError
from langdistill.records import Call, Reply, Trace


def token(text: str, *masses: float, **fields: Any) -> dict[str, Any]:
    """A token in the OpenAI shape; its alternatives are itself, then "x1", "x2" and so on."""
    names = [text, *(f"x{at}" for at in range(1, len(masses)))][: len(masses)]
    alternatives = [{"token": name, "logprob": math.log(mass)} for name, mass in zip(names, masses, strict=True)]
    return {"token": text, "logprob": math.log(masses[0]) if masses else -1.0, "top_logprobs": alternatives, **fields}


REPLY = [token(text, 0.5, 0.25, 0.125) for text in ("Two", " and", " two", ".\n", "Answer", ":", " 4")]


def run(text: str = "Two and two.\nAnswer: 4", logprobs: Any = REPLY) -> Trace:
    wrong = Reply(message={"role": "assistant", "content": "no\nAnswer: 5"}, logprobs=[token("no\nAnswer: 5", 0.9)])
    said = Reply(message={"role": "assistant", "content": text}, logprobs=logprobs)
    call = Call(id="c", candidate=True, replies=[wrong, said], model="teacher-7b")
    question: Any = [{"role": "user", "content": "2 + 2?"}]
    return Trace(id="t", input=question, calls=[call], metadata={"problem": "p"})


def rows(**knobs: Any) -> Any:
    return harvest([run()]).target(teacher_logprobs(with_reasoning, **knobs)).run().examples


def test_every_token_of_the_target_with_k_alternatives_not_renormalised() -> None:
    wrong, right = rows(k=2)
    assert [one["token"] for one in right.logprobs] == [one["token"] for one in REPLY]
    assert [[x["token"] for x in one["top_logprobs"]] for one in right.logprobs][:2] == [["Two", "x1"], [" and", "x1"]]
    assert [round(tail_mass(one), 6) for one in right.logprobs] == [0.25] * 7
    assert round(tail_mass(REPLY[0]), 6) == 0.125
    assert (right.tokenizer, wrong.tokenizer) == ("teacher-7b", "teacher-7b")
    assert [one["token"] for one in wrong.logprobs] == ["no\nAnswer: 5"]


def test_the_answer_alone_and_a_named_tokenizer() -> None:
    _, right = rows(part="answer", tokenizer="Qwen/Qwen3-32B")
    assert [one["token"] for one in right.logprobs] == [" 4"]
    assert right.tokenizer == "Qwen/Qwen3-32B"


@pytest.mark.parametrize("logprobs", [None, [], [token("something else", 0.5)]])
def test_a_row_of_which_none_were_told_stays_without(logprobs: Any) -> None:
    plan = harvest([run(logprobs=logprobs)]).target(teacher_logprobs(with_reasoning))
    assert [(row.logprobs is None, row.tokenizer) for row in plan.run().examples][1] == (True, None)


def test_the_last_occurrence_and_bytes_of_a_character() -> None:
    parts = [
        token("\\xc3", bytes=[0xC3]),
        token("\\xa9", bytes=[0xA9]),
        token(" 4"),
        token(" or"),
        token(" 4"),
        token("."),
    ]
    assert covering(parts, "4") == parts[4:5]
    assert covering(parts, "é") == parts[:2]
    assert covering(parts, "é 4 or 4.") == parts
    assert covering(parts, "5") is None
    assert covering(parts, "") is None
    assert covering([], "4") is None


def test_alternatives_by_likelihood_and_their_texts() -> None:
    mixed = {
        "token": "a",
        "logprob": -2.0,
        "top_logprobs": [{"token": "a", "logprob": -2.0}, {"token": "b", "logprob": -0.5}],
    }
    assert [one["token"] for one in top_k(mixed, 1)["top_logprobs"]] == ["b"]
    assert distributions([mixed]) == (["a"], [{"a": -2.0, "b": -0.5}])
    assert tail_mass({"token": "a", "logprob": -1.0}) == 1.0


def test_they_follow_a_reasoned_text_and_no_other() -> None:
    [_, right] = rows()
    [cot] = zero_shot_cot().over([])(right)
    [answer] = answer_only().over([])(right)
    assert getattr(cot, "logprobs", None) == right.logprobs
    assert getattr(answer, "logprobs", 0) is None


def test_the_manifest_names_target_and_settings() -> None:
    target = teacher_logprobs(with_reasoning)
    assert target.name == "with_reasoning"
    assert target.params == {"most": None, "teacher_logprobs": {"k": 5, "part": "whole", "tokenizer": None}}


def test_nothing_to_keep() -> None:
    with pytest.raises(DatasetError, match="k=0"):
        teacher_logprobs(with_reasoning, k=0)
