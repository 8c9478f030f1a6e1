"""`langdistill art` on the embedded model: from its own samples to an asker, a truster and a curve."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from langdistill.cli import app
from langdistill.datasets.harvest import harvest
from langdistill.datasets.judging import liked
from langdistill.datasets.reading import lines_of, read_dataset
from langdistill.datasets.targets.doubt import doubt
from langdistill.errors import DatasetError, EvaluationError, StudentError
from langdistill.lab.tasks import task
from langdistill.records import Call, Feedback, Reply, Trace
from langdistill.stores.sqlite import SQLiteStore
from langdistill.students.card import read_student

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("lab_model")]

SAMPLED = ["--model", "lab", "--samples", "3", "--temperature", "1.0", "--max-tokens", "160"]
ASKED = ["--model", "lab", "--temperature", "1.0", "--max-tokens", "160"]


def told(*arguments: Any) -> Any:
    result = CliRunner().invoke(app, ["art", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def refused(*arguments: Any) -> str:
    result = CliRunner().invoke(app, ["art", *map(str, arguments)])
    assert result.exit_code == 2, result.output
    return " ".join(result.output.replace("│", " ").split())


def problems(path: Path, pool: Any, count: int) -> Path:
    draw = task("arithmetic").draw(count, seed=0, pool=pool)
    rows = [{"id": one.id, "question": one.question, "answer": draw.gold[one.id]} for one in draw.problems]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data of twelve problems, and students of two updates."""
    place = tmp_path_factory.mktemp("art")
    for name, pool, count in (("train", "train", 12), ("validation", "dev", 5), ("test", "final", 5)):
        problems(place / f"{name}.jsonl", pool, count)
    asked = [json.loads(line) for line in (place / "train.jsonl").read_text().splitlines()]
    rows = [{"problem": row["id"], "questions": ["What is shown at first?", "What is shown last?"]} for row in asked]
    (place / "questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    told(
        "data", place / "traces.db", "--out", place / "data", "--problems", place / "train.jsonl",
        "--questions", place / "questions.jsonl", *SAMPLED,
    )  # fmt: skip
    told("train", place / "data", "--base", "lab", "--out", place / "students", "--steps", 2, "--quiet")
    return place


def test_k_answers_to_each_problem_become_two_data_sets(place: Path) -> None:
    asker, truster = (read_dataset(place / "data" / name) for name in ("asker", "truster"))
    assert asker.manifest["rows_per_problem"] == {"3": 12}
    assert sum(sum(counts.values()) for counts in asker.manifest["classes"].values()) == 36
    rows = [*lines_of(place / "data" / "asker" / "train.jsonl")]
    said = {row["completion"][0]["content"] for row in rows}
    before = "What is shown at first?\nWhat is shown last?\n"
    assert said == {f"{before}Refine: yes", f"{before}Refine: no"}
    assert (truster.manifest["format"], truster.manifest["supervised"]) == ("trl_preference", ["trust"])


def test_what_the_store_has_is_not_sampled_again(place: Path) -> None:
    def count() -> int:
        with closing(SQLiteStore(place / "traces.db")) as store:
            return len([*store.traces()])

    before = count()
    given = ("data", place / "traces.db", "--problems", place / "train.jsonl", *SAMPLED, "--format", "json")
    again = json.loads(told(*given, "--out", place / "again", "--questions", place / "questions.jsonl").stdout)
    assert count() == before == 12
    assert again["asker"]["hash"] == read_dataset(place / "data" / "asker").hash


def test_an_asker_and_a_truster_are_students(place: Path) -> None:
    asker, truster = (read_student(place / "students" / name / "v1") for name in ("asker", "truster"))
    assert (asker.head, truster.head) == ("text", "score")
    assert [one.objective for one in (*asker.stages, *truster.stages)] == ["sft", "pairwise_ranker"]


def test_the_curve_with_trained_parts(place: Path) -> None:
    out = place / "runs"
    parts = ["--asker", place / "students" / "asker" / "v1", "--truster", place / "students" / "truster" / "v1"]
    given = ("evaluate", place / "test.jsonl", "--validation", place / "validation.jsonl", *ASKED, *parts, "--out", out)
    ran = told(*given, "--format", "json")
    found = json.loads(ran.stdout)
    assert found == json.loads((out / "sweep.json").read_text())
    assert "came to no decision on 5 of 5 problems" in ran.stderr, "two updates teach nothing"
    assert found["undecided"] == 5
    assert {row["refined"] for row in found["arms"]} == {0}
    page = (out / "sweep.html").read_text()
    assert "How much to refine" in page
    assert "http" not in page.replace("http-equiv", ""), "it loads nothing"


def test_the_curve_of_refining_everything(place: Path) -> None:
    parts = ["--asker", "always", "--truster", "most_recent", "--threshold", 1.0]
    given = ("evaluate", place / "test.jsonl", *ASKED, *parts, "--out", place / "always")
    found = json.loads(told(*given, "--format", "json").stdout)
    arms = {row["arm"]: row for row in found["arms"]}
    assert arms["first answers"]["calls"] == 1
    everything = arms["refine everything, most recent"]
    assert (everything["calls"], everything["refined"]) == (2, 1)
    first = 5 * arms["first answers"]["accuracy"]
    assert 5 * everything["accuracy"] == pytest.approx(
        first + everything["wrong_to_right"] - everything["right_to_wrong"]
    )
    assert [point["threshold"] for point in found["curves"]["test"]] == [None, 1.0]
    assert "refine everything, most recent" in told(*given).stdout
    with pytest.raises(EvaluationError, match="another run"):
        told(
            "evaluate",
            place / "test.jsonl",
            *ASKED,
            "--asker",
            "never",
            "--truster",
            "most_recent",
            "--out",
            place / "always",
        )


def recorded(path: Path, *answers: tuple[str, float]) -> Path:
    """A store with a run of a production graph for each answer, and what a user thought of it."""
    with closing(SQLiteStore(path)) as store:
        for at, (answer, score) in enumerate(answers):
            message: Any = {"role": "assistant", "content": f"Answer: {answer}"}
            asked: Any = {"role": "user", "content": f"Question {at % 3}?"}
            call = Call(id=f"c{at}", candidate=True, replies=[Reply(message=message)], prompt=[asked])
            feedback = [Feedback(score=score)]
            trace = Trace(id=f"t{at}", input=[asked], output=[message], answer=answer, calls=[call], feedback=feedback)
            store.add([trace])
    return path


def test_thumbs_alone(tmp_path: Path) -> None:
    store = recorded(tmp_path / "traces.db", ("1", 1.0), ("2", 0.0), ("3", 1.0), ("4", 0.0), ("5", 1.0), ("6", 1.0))
    made = json.loads(
        told("data", store, "--out", tmp_path / "data", "--feedback", "--validation", 0, "--format", "json").stdout
    )
    assert made["asker"]["classes"]["train"] == {"keep": 4, "refine": 2}
    assert made["truster"]["rows"]["train"] == 2
    assert "supervised" not in read_dataset(tmp_path / "data" / "asker").manifest


def test_answers_of_one_kind_alone(tmp_path: Path) -> None:
    store = recorded(tmp_path / "traces.db", ("1", 1.0), ("2", 1.0), ("3", 1.0))
    with pytest.raises(DatasetError, match="no-pair: 3"):
        told("data", store, "--out", tmp_path / "data", "--feedback")
    assert not (tmp_path / "data" / "asker").exists(), "nothing is half written"
    harvest(store).target(doubt(liked)).write(tmp_path / "data" / "asker", validation=0)
    with pytest.raises(DatasetError, match=r"all alike \(\{'keep': 3\}\)"):
        told("train", tmp_path / "data", "--base", "lab", "--out", tmp_path / "s", "--only", "asker")


def test_what_is_refused(place: Path, tmp_path: Path) -> None:
    store, train, test = place / "traces.db", place / "train.jsonl", place / "test.jsonl"
    assert "What is right?" in refused("data", store, "--out", tmp_path / "d")
    assert "Give one of --gold FILE and --feedback" in refused(
        "data", store, "--out", tmp_path / "d", "--gold", train, "--feedback"
    )
    assert "Give --model" in refused("data", store, "--out", tmp_path / "d", "--problems", train)
    assert "5 questions are in both files" in refused("evaluate", test, *ASKED, "--validation", test)
    assert "one of --validation FILE and --threshold" in refused(
        "evaluate", test, *ASKED, "--validation", train, "--threshold", 0.5
    )
    assert "--threshold" in refused("evaluate", test, *ASKED, "--threshold", 1.5)
    with pytest.raises(StudentError, match="cake"):
        told("evaluate", test, *ASKED, "--asker", "cake")
    with pytest.raises(StudentError):
        told("evaluate", test, *ASKED, "--truster", place / "students" / "asker" / "v1", "--out", tmp_path / "o")
