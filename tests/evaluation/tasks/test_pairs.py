"""Pairs for judges: both orders, the recorded verdicts, and people's votes."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

from langdistill.answers import leading
from langdistill.answers import swapped as other_side
from langdistill.errors import DatasetError
from langdistill.evaluation.tasks.finding import find_task
from langdistill.evaluation.tasks.reading.pairs import pair
from langdistill.evaluation.tasks.taskset import TaskSet
from langdistill.perturbations.swapped import swapped

BOTH = ["review_bard_vicuna-13b", "review_gpt35_vicuna-13b"]


def twins(task: TaskSet) -> list[tuple[Any, Any]]:
    """Each problem and its twin."""
    found = [*zip(task.problems[0::2], task.problems[1::2], strict=True)]
    assert all(one.id == twin.id for one, twin in found)
    assert {(one.perturbation, twin.perturbation) for one, twin in found} == {(None, "swapped")}
    return found


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_vicuna_shows_the_answers_of_the_review_in_both_orders(data: Path) -> None:
    folder = data / "vicuna_reviews"
    task = find_task("vicuna_pairs")(folder, reviews=BOTH)
    asked = {row["question_id"]: row["text"] for row in lines(folder / "question.jsonl")}
    told = {row["answer_id"]: row["text"] for file in folder.glob("answer/*") for row in lines(file)}
    reviews = [row for name in BOTH for row in lines(next(folder.glob(f"review/*/{name}.jsonl")))]
    for (one, twin), row in zip(twins(task), reviews, strict=True):
        question, first, second = asked[row["question_id"]], told[row["answer1_id"]], told[row["answer2_id"]]
        assert one.question == pair(question, first, second)
        assert twin.question == pair(question, second, first)
        assert one.id == f"vicuna_pairs-{row['review_id']}"
        assert task.gold[one.id] == leading(*row["score"])
    assert task.name == "vicuna_pairs/gpt-4"


def test_the_recorded_reviews_of_vicuna_give_the_gold_verdicts(data: Path) -> None:
    """The one left solves the problem itself before it judges, and names no verdict: see docs/answers.md."""
    task = find_task("vicuna_pairs")(data / "vicuna_reviews", reviews=BOTH)
    reviews = [row for name in BOTH for row in lines(next((data / "vicuna_reviews").glob(f"review/*/{name}.jsonl")))]
    right = [task.equal(task.extract(row["text"]), gold) for row, gold in zip(reviews, task.gold.values(), strict=True)]
    assert sum(right) == 160


def test_mt_bench_shows_what_the_judge_saw_and_keeps_its_verdict_where_both_orders_agree(data: Path) -> None:
    task = find_task("mt_bench_pairs")(data / "fastchat_skycamp")
    rows = lines(data / "fastchat_skycamp/model_judgment/gpt-4_pair.jsonl")
    assert task.name == "mt_bench_pairs/gpt-4"
    inconsistent = 0
    for (one, twin), row in zip(twins(task), rows, strict=True):
        assert (one.question, twin.question) == (row["g1_user_prompt"], row["g2_user_prompt"])
        assert swapped().apply(one.question, Random(0)) == twin.question
        verdicts = task.extract(row["g1_judgment"]), other_side(task.extract(row["g2_judgment"]))
        agreed = verdicts[0] == verdicts[1]
        inconsistent += not agreed
        assert task.gold[one.id] == (verdicts[0] if agreed else "tie")
    assert inconsistent == 3
    assert Counter(task.gold.values()) == {"tie": 5, "B": 3, "A": 2}
    assert set(task.categories.values()) == {row["category"] for row in lines(data / "fastchat_skycamp/question.jsonl")}


def test_a_review_of_an_answer_that_is_not_there_tells_what_to_do(data: Path) -> None:
    with pytest.raises(DatasetError, match=r"review_alpaca-13b_vicuna-13b.jsonl', row 1: the answer 'kEL9.*reviews="):
        find_task("vicuna_pairs")(data / "vicuna_reviews")
    with pytest.raises(DatasetError, match="no reviews review_x; there are: review_alpaca"):
        find_task("vicuna_pairs")(data / "vicuna_reviews", reviews=["review_x"])


def test_one_file_of_reviews_finds_its_questions_and_answers(data: Path) -> None:
    folder = data / "vicuna_reviews"
    [file] = folder.glob("review/*/review_bard_vicuna-13b.jsonl")
    one, other = find_task("vicuna_pairs")(file), find_task("vicuna_pairs")(folder, reviews=BOTH[:1])
    assert (one.gold, len(one.gold)) == (other.gold, 80)


def vicuna(folder: Path, *reviews: dict[str, Any]) -> Path:
    """Two answers to a question, one of them empty, and reviews of them."""
    files = {
        "question.jsonl": [{"question_id": 1, "text": "Why?", "category": "generic"}],
        "answer/answer_a.jsonl": [{"answer_id": "a", "question_id": 1, "text": "Because."}],
        "answer/answer_b.jsonl": [{"answer_id": "b", "question_id": 1, "text": ""}],
        "review/review_a_b.jsonl": [REVIEW | one for one in reviews],
    }
    for name, rows in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("\n".join(map(json.dumps, rows)))
    return folder


REVIEW = {
    "review_id": "r1", "reviewer_id": "gpt-4-0328-math", "question_id": 1, "answer1_id": "a", "answer2_id": "b", "score": [9, 1.5],
}  # fmt: skip


def test_an_empty_answer_is_an_answer(tmp_path: Path) -> None:
    task = find_task("vicuna_pairs")(vicuna(tmp_path, {}))
    [(one, twin)] = twins(task)
    assert (one.question, twin.question) == (pair("Why?", "Because.", ""), pair("Why?", "", "Because."))
    assert task.gold == {"vicuna_pairs-r1": "A"}


@pytest.mark.parametrize(
    ("change", "told"),
    [({"score": [9]}, r"row 2: score is \[9\], where two numbers"), ({"score": [-1, -1]}, r"row 2: score is \[-1, -1\]"),
     ({"question_id": 2}, "row 2: question '2' is not in"), ({"answer1_id": "c"}, "row 2: the answer 'c' is in no file"),
     ({"reviewer_id": "gpt-3.5-turbo-0301"}, "by gpt-3.5-turbo and gpt-4. Name those of one judge"),
     ({}, "row 2: the problem 'vicuna_pairs-r1' stands there a second time")],
)  # fmt: skip
def test_a_review_of_another_shape_is_told(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    with pytest.raises(DatasetError, match=told):
        find_task("vicuna_pairs")(vicuna(tmp_path, {}, change))


def vote(winner: str, *, a: str = "alpha", b: str = "beta", turn: int = 1, judge: str = "expert_0") -> dict[str, Any]:
    """A row as people's votes on MT-bench are published."""
    said = [{"role": role, "content": f"{role} {at}"} for at in (1, 2) for role in ("user", "assistant")]
    told = {name: [{**one, "content": one["content"].replace("assistant", name)} for one in said] for name in (a, b)}
    return {
        "question_id": 81, "model_a": a, "model_b": b, "winner": winner, "judge": judge,
        "conversation_a": told[a], "conversation_b": told[b], "turn": turn,
    }  # fmt: skip


def test_votes_on_one_pair_make_one_problem_whichever_way_they_were_shown(tmp_path: Path) -> None:
    rows = [
        vote("model_b", a="beta", b="alpha"),
        vote("model_a"),
        vote("model_b"),
        vote("tie", turn=2),
        vote("model_b", turn=2),
    ]
    (tmp_path / "votes.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "question.jsonl").write_text(json.dumps({"question_id": 81, "category": "writing", "turns": ["", ""]}))
    task = find_task("mt_bench_pairs")(tmp_path / "votes.jsonl")
    assert task.name == "mt_bench_pairs/human"
    first, second = "mt_bench_pairs-81-alpha-beta-turn1", "mt_bench_pairs-81-alpha-beta-turn2"
    assert task.gold == {first: "A", second: "tie"}
    assert task.categories == {first: "writing", second: "writing"}
    (one, twin), (later, _) = twins(task)
    assert one.question == pair("user 1", "alpha 1", "beta 1")
    assert twin.question == pair("user 1", "beta 1", "alpha 1")
    asked = "(Turn 1) user 1\n\n(Turn 2) user 2"
    assert later.question == pair(asked, "(Turn 1) alpha 1\n\n(Turn 2) alpha 2", "(Turn 1) beta 1\n\n(Turn 2) beta 2")


@pytest.mark.parametrize(
    ("change", "told"),
    [({"winner": "error"}, "row 1: winner is 'error'"), ({"turn": 3}, "row 1: conversation_a holds no 3 turns"), ({"turn": 0}, "row 1: turn is 0"), ({"turn": "1"}, "row 1: turn is '1'"),
     ({"conversation_b": "hello"}, "row 1: conversation_b holds no 1 turn"), ({"model_a": None}, "row 1: model_a is None")],
)  # fmt: skip
def test_a_vote_of_another_shape_is_told(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    (tmp_path / "votes.jsonl").write_text(json.dumps(vote("tie") | change))
    with pytest.raises(DatasetError, match=told):
        find_task("mt_bench_pairs")(tmp_path / "votes.jsonl")
