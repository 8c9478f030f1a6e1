from __future__ import annotations

from pathlib import Path

import pytest

from langdistill.answers import number
from langdistill.errors import EvaluationError
from langdistill.evaluation.problems import read_problems
from langdistill.records import Problem


def test_a_file_of_problems(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text(
        '{"id": 1, "question": "2 + 2?", "answer": 4, "category": "sums", "source": "me"}\n\n'
        '{"id": "b", "question": "{braces}?", "answer": "$1,000"}\n',
        encoding="utf-8",
    )
    task = read_problems(path, extract=number)
    assert task.name == "own"
    assert task.problems == [Problem(id="1", question="2 + 2?"), Problem(id="b", question="{braces}?")]
    assert task.gold == {"1": "4", "b": "1000"}
    assert task.categories == {"1": "sums"}
    assert task.equal("1000", task.gold["b"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no problem"),
        ('{"id": 1}', "Line 1 of .*has no question and no answer"),
        ('{"id": 1, "question": "q", "answer": ""}', "has no answer"),
        ('{"id": 1, "question": "q", "answer": true}', "has no answer"),
        ('{"id": 1, "question": "q", "answer": "a"}\nhello', "Line 2 of .*is no JSON"),
        ("[1]", "has no id"),
        (
            '{"id": 1, "question": "q", "answer": "a"}\n{"id": "1", "question": "p", "answer": "a"}',
            "'1' is there twice",
        ),
    ],
)
def test_files_that_are_none(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_text(text)
    with pytest.raises(EvaluationError, match=said):
        read_problems(tmp_path / "p.jsonl")


def test_no_such_file_and_no_text(tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_bytes(b"\xff\xfe")
    for path in (tmp_path / "nothing.jsonl", tmp_path / "p.jsonl", tmp_path):
        with pytest.raises(EvaluationError, match="No problems can be read from"):
            read_problems(path)
