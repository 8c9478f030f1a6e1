from __future__ import annotations

from pathlib import Path

import pytest

from langdistill.datasets.attempts import attempts
from langdistill.datasets.judging import Liked, by_gold, find_judge, liked, with_the_vote
from langdistill.errors import DatasetError, UnknownName
from langdistill.groups import Group
from langdistill.records import Call, Feedback, Reply, Trace

SAID = ("Answer: 4", "Answer: 5", "hm", "Answer: 4.0")


def group(*texts: str, **fields: object) -> Group:
    calls = [
        Call(id=str(at), candidate=True, replies=[Reply(message={"role": "assistant", "content": text})])
        for at, text in enumerate(texts)
    ]
    trace = Trace(id="r", input=[{"role": "user", "content": "2+2?"}], calls=calls, **fields)  # type: ignore[arg-type]
    return Group("p", (trace,))


def judged(judge: object, some: Group) -> dict[str, bool | None]:
    return {str(one.target[0]["content"]): judge(one, some) for one in attempts(some)}  # type: ignore[operator]


def test_by_gold() -> None:
    right = {"Answer: 4": True, "Answer: 5": False, "hm": False, "Answer: 4.0": True}
    assert judged(by_gold({"p": "4"}), group(*SAID)) == right
    assert set(judged(by_gold({"q": "4"}), group(*SAID)).values()) == {None}


def test_by_gold_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "gold.jsonl").write_text('{"problem": "p", "answer": 4}\n')
    judge = by_gold(tmp_path / "gold.jsonl")
    assert judged(judge, group("Answer: 4", "Answer: 5")) == {"Answer: 4": True, "Answer: 5": False}
    assert judge.name.startswith("by_gold(1 answers, sha256 ")
    assert "4" not in repr(judge), "gold answers are not printed"
    with pytest.raises(DatasetError, match="cannot be read"):
        by_gold(tmp_path / "none.jsonl")


def test_the_vote() -> None:
    assert judged(with_the_vote, group(*SAID[:3], "Four.\nAnswer: 4")) == {
        "Answer: 4": True, "Answer: 5": False, "hm": False, "Four.\nAnswer: 4": True
    }  # fmt: skip
    assert judged(with_the_vote, group("Answer: 4", "Answer: 5")) == {"Answer: 4": None, "Answer: 5": None}


def test_feedback_is_about_the_answer_that_was_shown() -> None:
    some = group("Answer: 4", "Answer: 5", answer="4", feedback=[Feedback(score=1.0), Feedback(score=0.25)])
    assert judged(liked, some) == {"Answer: 4": True, "Answer: 5": None}
    assert judged(Liked(at_least=0.7), some) == {"Answer: 4": False, "Answer: 5": None}
    assert judged(liked, group("Answer: 4", answer="4")) == {"Answer: 4": None}


def test_judges_are_found_by_their_names() -> None:
    assert find_judge("liked")() == liked
    assert find_judge("liked")(at_least=0.7) == Liked(0.7)
    assert find_judge("with_the_vote")() is with_the_vote
    assert find_judge("by_gold")({"p": "4"}) == by_gold({"p": "4"})
    with pytest.raises(UnknownName, match="by_gold, liked, with_the_vote"):
        find_judge("me")
