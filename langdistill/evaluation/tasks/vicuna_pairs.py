"""Vicuna-80: pairs of answers to 80 questions, with GPT-4's reviews (Chiang et al., 2023, lmsys.org/blog/2023-03-30-vicuna)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from langdistill.answers import leading
from langdistill.evaluation.tasks.reading.making import Item
from langdistill.evaluation.tasks.reading.pairs import PROMPT, in_both_orders, pair
from langdistill.evaluation.tasks.reading.rows import Row, rows_in
from langdistill.evaluation.tasks.reading.sources import Source
from langdistill.evaluation.tasks.taskset import TaskSet

SOURCE = Source(
    title="Vicuna-80",
    file="the folder that holds question.jsonl, answer/answer_*.jsonl and review/**/review_*.jsonl, or one of the reviews",
    shape='reviews are lines of {"question_id", "review_id", "reviewer_id", "answer1_id", "answer2_id", "score": [8, 9]}',
    rows="test 80 pairs a review file",
    answer="a verdict, GPT-4's",
    categories="the question's: generic, knowledge, roleplay, common-sense, fermi, counterfactual, coding, math, writing",
    licence="Apache-2.0",
    origin="https://github.com/lm-sys/FastChat, commit 69d085ea, fastchat/eval/table",
)


def vicuna_pairs(
    path: str | Path,
    *,
    split: str = "test",
    limit: int | None = None,
    seed: int | None = None,
    reviews: Sequence[str] | None = None,
) -> TaskSet:
    """Vicuna-80 as a task for judges. The answer is a verdict: A, B or a tie; each pair comes in both orders.

    The gold verdict is GPT-4's ("vicuna_pairs/gpt-4" is the task's name then): which of its two recorded scores is higher. It saw one
    order only, so it carries whatever liking for a position it had.

    Args:
        path: the folder, or one file of reviews below it.
        split: "test"; there is no other.
        limit: how many pairs; `None` for all.
        seed: draws them; `None` takes the first ones.
        reviews: names of the files of reviews that are read, as "review_gpt35_vicuna-13b"; `None` for all below the folder.

    Raises:
        DatasetError: a file is missing or of another shape, or a review is of an answer that is not there.
    """
    SOURCE.check_split(split, "test")
    folder, files = _files(Path(path), reviews)
    questions = {row.text("question_id"): row for row in rows_in(SOURCE.file_at(folder, "question.jsonl"), SOURCE)}
    answers = {
        row.text("answer_id"): str(row.value("text"))
        for file in sorted(folder.glob("answer/*.jsonl"))
        for row in rows_in(file, SOURCE)
    }
    rows = [row for file in files for row in rows_in(file, SOURCE)]
    return in_both_orders(
        f"vicuna_pairs/{_judge(rows)}",
        rows,
        lambda row: _item(row, questions, answers),
        prompt=PROMPT,
        limit=limit,
        seed=seed,
    )


def _item(row: Row, questions: dict[str, Row], answers: dict[str, str]) -> Item:
    about = questions.get(row.text("question_id"))
    if about is None:
        raise row.refused(f"question {row.text('question_id')!r} is not in question.jsonl")
    first, second = (_answer(row, field, answers) for field in ("answer1_id", "answer2_id"))
    return Item(
        f"vicuna_pairs-{row.text('review_id')}",
        pair(about.text("text"), first, second),
        _leader(row),
        about.text("category"),
    )


def _judge(rows: Sequence[Row]) -> str:
    """Who wrote the reviews: "gpt-4" of "gpt-4-0328-coding", one of its three prompts."""
    judges = sorted({row.text("reviewer_id").partition("-0")[0] for row in rows})
    if len(judges) > 1:
        raise SOURCE.refused(f"The reviews are by {' and '.join(judges)}. Name those of one judge: reviews=[...].")
    return judges[0]


def _answer(row: Row, field: str, answers: dict[str, str]) -> str:
    number = row.text(field)
    if number not in answers:
        raise row.refused(
            f"the answer {number!r} is in no file below answer/. Add the file that holds it, or name the reviews to read: reviews=[...]"
        )
    return answers[number]


def _leader(row: Row) -> str:
    """The verdict that two scores imply."""
    match row.value("score"):
        case [int() | float() as one, int() | float() as other] if min(one, other) >= 0:
            return leading(one, other)
        case got:
            raise row.refused(f"score is {got!r}, where two numbers were expected")


def _files(path: Path, reviews: Sequence[str] | None) -> tuple[Path, list[Path]]:
    """The folder of questions and answers, and the reviews."""
    if path.is_dir():
        files = sorted(path.glob("review/**/*.jsonl"))
        found = sorted({file.stem for file in files})
        missing = [name for name in reviews or () if name not in found]
        if missing or not found:
            raise SOURCE.refused(
                f"{str(path)!r} holds no reviews {', '.join(missing)}; there are: {', '.join(found) or 'none'}."
            )
        return path, [file for file in files if not reviews or file.stem in reviews]
    file = SOURCE.file_at(path).resolve()
    folder = next((one for one in file.parents if (one / "question.jsonl").is_file()), None)
    if not folder:
        raise SOURCE.refused(f"No folder above {str(path)!r} holds question.jsonl.")
    return folder, [file]
