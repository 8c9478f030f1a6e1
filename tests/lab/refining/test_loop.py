from __future__ import annotations

from pathlib import Path
from statistics import fmean

import pytest

from langdistill.lab.refining.arms import ARMS, RUNS, Refined, outcome
from langdistill.lab.refining.lessons import sub_questions
from langdistill.lab.refining.loop import RefiningLoop, Settings

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("lab_model")]

TINY = Settings(
    problems=24, predictions=3, questions=8, steps={"asker": 30, "truster": 2, "refiner": 2, "in_one_reply": 2}
)


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> RefiningLoop:
    return RefiningLoop(100, tmp_path_factory.mktemp("refining"), lambda step, done, of: None, TINY)


@pytest.fixture(scope="module")
def runs(loop: RefiningLoop) -> dict[str, list[Refined]]:
    return {name: loop.run(name, "dev") for name in RUNS}


def test_the_data_of_the_asker_and_of_the_truster(loop: RefiningLoop) -> None:
    asker, questions = loop.dataset("asker").rows(), {one.id: one.question for one in loop.problems.problems}
    said = [(row["problem"], row["completion"][0]["content"].splitlines()) for row in asker]
    assert len(asker) == 72
    assert all(lines[:-1] == sub_questions(questions[problem]) for problem, lines in said)
    assert {lines[-1] for _, lines in said} == {"Refine: yes", "Refine: no"}
    wrong = {problem for problem, lines in said if lines[-1] == "Refine: yes"}
    right = {problem for problem, lines in said if lines[-1] == "Refine: no"}
    pairs = loop.dataset("truster").rows()
    assert {row["problem"] for row in pairs} == wrong & right
    assert all(row["prompt"][0]["content"] == questions[row["problem"]] for row in pairs)
    assert [len(loop.dataset(name).rows()) for name in ("refiner", "in_one_reply")] == [72, 72]


def test_all_runs_begin_with_the_same_answers(runs: dict[str, list[Refined]]) -> None:
    firsts = {name: [(one.problem, one.first) for one in run] for name, run in runs.items()}
    assert all(one == firsts["always"] for one in firsts.values())
    initial = outcome(ARMS["initial"], runs, None)
    assert initial["accuracy"] == fmean(one.first for one in runs["always"])
    assert initial["completions"] == 1
    assert outcome(ARMS["always_recent"], runs, None)["completions"] == 2


def test_what_is_derived_is_what_the_graph_does(loop: RefiningLoop, runs: dict[str, list[Refined]]) -> None:
    doubts = sorted(one.doubt for one in runs["trained"] if one.doubt is not None)
    assert len(doubts) >= 4  # thirty updates are enough to come to a decision
    threshold = doubts[len(doubts) // 2]
    real = loop.run("trained", "dev", threshold)
    derived = outcome(ARMS["art"], runs, threshold)
    assert derived["accuracy"] == fmean(one.right for one in real)
    assert derived["refined"] == fmean("refine" in one.spent for one in real)
    spent = [one for row in real for one in row.spent.values()]
    assert derived["tokens"] == pytest.approx(sum(tokens for _, tokens in spent) / len(real))
    assert derived["completions"] == pytest.approx(sum(calls for calls, _ in spent) / len(real))


def test_all_in_one_reply(loop: RefiningLoop) -> None:
    found = loop.in_one_reply()
    assert (found.n, found.errors) == (8, 0)


def test_it_goes_on_where_it_stopped(loop: RefiningLoop, runs: dict[str, list[Refined]]) -> None:
    told: list[str] = []
    again = RefiningLoop(100, loop.folder, lambda step, done, of: told.append(step), TINY)
    assert again.run("trained", "dev") == runs["trained"]
    assert again.dataset("asker").hash == loop.dataset("asker").hash
    assert again.student("asker").version == 1
    assert told == []
    assert [path.name for path in Path(loop.folder / "students").iterdir() if (path / "v2").exists()] == []
