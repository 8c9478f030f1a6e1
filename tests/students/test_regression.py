from __future__ import annotations

from pathlib import Path

import pytest

from langdistill.errors import DatasetError
from langdistill.records import Problem
from langdistill.students.regression import RegressionSet, read_regression_set
from langdistill.testing.models import ScriptedChatModel


def test_a_set_is_read_with_gold_where_it_is_known(tmp_path: Path) -> None:
    file = tmp_path / "general.jsonl"
    file.write_text(
        '{"question": "1 + 1?", "answer": 2}\n\n{"id": "b", "question": "Who?"}\n{"question": "1 + 1?", "answer": "2"}\n'
    )
    found = read_regression_set(file)
    assert [problem.question for problem in found.problems] == ["1 + 1?", "Who?"]
    assert list(found.gold.values()) == ["2"]
    assert found.problems[1].id == "b"
    assert found.digest != RegressionSet(found.problems).digest


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds no question"),
        ("{\n", "Line 1 .* is no question"),
        ('{"question": "q"}\n{"answer": "a"}\n', "Line 2 .* is no question"),
        ('{"question": 3}', "the question is no text"),
        ('{"question": "q", "answer": ["a"]}', "neither a text nor a number"),
        ("[1]", "Line 1 .* is no question"),
    ],
)
def test_a_set_that_is_something_else(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_text(text)
    with pytest.raises(DatasetError, match=says):
        read_regression_set(tmp_path / "r.jsonl")
    with pytest.raises(DatasetError, match="cannot be read"):
        read_regression_set(tmp_path / "nothing.jsonl")


ASKED = RegressionSet(tuple(Problem(id=name, question=f"{name}?") for name in ("a", "b", "c")), {"a": "yes"})


def test_without_gold_the_models_own_answer_is_the_reference() -> None:
    before = ScriptedChatModel(script=lambda messages, n: {"a?": "no", "b?": "blue", "c?": ""}[messages[-1].text])
    settled = ASKED.settled(before)
    assert settled.gold == {"a": "yes", "b": "blue"}
    assert [problem.id for problem in settled.problems] == ["a", "b"], "c was not answered"
    assert settled.measured(before).accuracy == 0.5
    after = ScriptedChatModel(script=lambda messages, n: {"a?": "yes", "b?": "green"}[messages[-1].text])
    assert {key: one.is_right for key, one in settled.measured(after).results.items()} == {"a": True, "b": False}


def test_a_set_that_tells_nothing() -> None:
    silent = ScriptedChatModel(script=lambda messages, n: "")
    with pytest.raises(DatasetError, match="no short answer to any question"):
        RegressionSet(ASKED.problems).settled(silent)
