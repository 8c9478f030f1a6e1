from __future__ import annotations

import json
from pathlib import Path

import pytest

from langdistill.answers import number
from langdistill.datasets.harvest import harvest
from langdistill.errors import DatasetError
from langdistill.filters.correct import correct
from langdistill.filters.gold import gold_of
from langdistill.groups import Group
from langdistill.records import Call, Example, Reply, Trace
from langdistill.testing.memory import MemoryStore


def rows(*answers: str | None, problem: str = "p") -> Group:
    made = [
        Example(
            messages=[], target=[{"role": "assistant", "content": one or "hm"}], answer=one, problem=problem, trace="t"
        )
        for one in answers
    ]
    return Group(problem, rows=tuple(made))


@pytest.mark.parametrize(
    ("answer", "keep", "reason"),
    [("1,000", True, "right"), ("$1000.00", True, "right"), ("100", False, "wrong"), (None, None, "no-answer")],
)
def test_a_row_is_judged_by_its_answer(answer: str | None, keep: bool | None, reason: str) -> None:
    verdict = correct({"p": "1000"})(rows(answer))
    assert (verdict.keep, verdict.reason) == (keep, reason)


def test_a_problem_without_a_gold_answer_cannot_be_judged() -> None:
    verdict = correct({"other": "4"})(rows("4"))
    assert (verdict.keep, verdict.reason) == (None, "no-gold")


def test_wrong_rows_go_one_by_one() -> None:
    verdict = correct({"p": "4"})(rows("4", "5", None, "4.0"))
    assert (verdict.keep, verdict.dropped) == (True, {1: "wrong"})


def test_the_manifest_holds_a_digest_and_says_supervised(tmp_path: Path) -> None:
    store = MemoryStore()
    for problem in "ab":
        store.add(
            [Trace(id=problem, input=[{"role": "user", "content": problem}], answer="4", metadata={"problem": problem})]
        )
    dataset = harvest(store).filter(correct({"a": "4", "b": "zq-secret-5"})).write(tmp_path / "data", validation=0)
    assert dataset.manifest["supervised"] == ["correct"]
    [told] = dataset.manifest["filters"]
    assert told["gold"].startswith("2 answers, sha256 ")
    assert not [file for file in (tmp_path / "data").iterdir() if b"zq-secret" in file.read_bytes()]
    assert correct({"b": "zq-secret-5", "a": "4"}).params == correct({"a": "4", "b": "zq-secret-5"}).params
    assert correct({"a": "4"}).params != correct({"a": "5"}).params


def test_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text(
        '{"problem": "p", "answer": 4, "more": 1}\n\n{"problem": 2, "answer": "x"}\n{"problem": "p", "answer": "4"}\n'
    )
    assert gold_of(path).answers == {"p": "4", "2": "x"}
    assert correct(path).params == correct({"2": "x", "p": "4"}).params


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"problem": "p"}', "line 1 is no gold answer"),
        ('{"problem": "p", "answer": "4"}\n[1]', "line 2 is no gold answer"),
        ("nothing", "line 1 is no gold answer"),
        ('{"problem": "p", "answer": null}', "line 1 is no gold answer"),
        ('{"problem": "p", "answer": "4"}\n{"problem": "p", "answer": "5"}', "line 2: the problem 'p'"),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "gold.jsonl").write_text(text)
    with pytest.raises(DatasetError, match=told):
        correct(tmp_path / "gold.jsonl")


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot be read"):
        correct(tmp_path / "none.jsonl")


@pytest.mark.parametrize(("column", "right"), [("6b_finetuning", 286), ("175b_verification", 742)])
def test_real_solutions_are_judged_as_their_authors_judged_them(data: Path, column: str, right: int) -> None:
    """GPT-3's solutions of GSM8K, with OpenAI's own marks."""
    lines = (data / "gsm8k/example_model_solutions.jsonl").read_text().splitlines()
    told = {str(at): json.loads(line) for at, line in enumerate(lines)}
    gold = {problem: str(number(row["ground_truth"])) for problem, row in told.items()}
    store = MemoryStore()
    store.add([_solved(problem, row["question"], row[column]["solution"]) for problem, row in told.items()])
    found = harvest(store, extract=number).filter(correct(gold)).run()
    assert {one.problem for one in found.examples} == {key for key, row in told.items() if row[column]["is_correct"]}
    assert found.funnel[-1]["kept"] == right


def _solved(problem: str, question: str, solution: str) -> Trace:
    call = Call(id=problem, candidate=True, replies=[Reply(message={"role": "assistant", "content": solution})])
    return Trace(id=problem, input=[{"role": "user", "content": question}], calls=[call], metadata={"problem": problem})
