from __future__ import annotations

import pytest

from langdistill.answers import final_answer, same
from langdistill.evaluation.refining import Tried
from langdistill.lab.refining.arms import ARMS, RUNS
from langdistill.lab.refining.lessons import check, sub_questions
from langdistill.lab.refining.loop import RefiningLoop, Settings
from langdistill.students.train.recipe import MINIATURE

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("lab_model")]

TINY = Settings(
    problems=24,
    predictions=2,
    final=6,
    max_tokens=80,
    recipe=MINIATURE.model_copy(update={"batch_size": 8}),
    steps={"asker": 30, "truster": 1, "refiner": 1, "in_one_reply": 1},
)


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> RefiningLoop:
    return RefiningLoop(100, tmp_path_factory.mktemp("refining"), lambda step, done, of: None, TINY)


@pytest.fixture(scope="module")
def runs(loop: RefiningLoop) -> dict[str, dict[str, Tried]]:
    return {name: loop.tried(name, "final") for name in RUNS}


def test_the_data_of_the_asker_and_of_the_truster(loop: RefiningLoop) -> None:
    asker, questions = loop.dataset("asker").rows(), {one.id: one.question for one in loop.problems.problems}
    said = [(row["problem"], row["completion"][0]["content"].splitlines()) for row in asker]
    assert len(asker) == 48
    for row, (problem, [*lines, decision]) in zip(asker, said, strict=True):
        first, question = row["prompt"][0]["content"], questions[problem]
        assert lines == [*sub_questions(question), *check(question, first)]
        assert (decision == "Refine: no") == same(final_answer(first), loop.problems.gold[problem])
    assert {lines[-1] for _, lines in said} == {"Refine: yes", "Refine: no"}
    wrong = {problem for problem, lines in said if lines[-1] == "Refine: yes"}
    right = {problem for problem, lines in said if lines[-1] == "Refine: no"}
    pairs = loop.dataset("truster").rows()
    assert {row["problem"] for row in pairs} == wrong & right
    assert all(row["prompt"][0]["content"] == questions[row["problem"]] for row in pairs)
    assert [len(loop.dataset(name).rows()) for name in ("refiner", "in_one_reply")] == [48, 48]


def test_all_runs_begin_with_the_same_answers(loop: RefiningLoop, runs: dict[str, dict[str, Tried]]) -> None:
    firsts = {name: {id: one.first for id, one in run.items()} for name, run in runs.items()}
    assert all(one == firsts["always"] for one in firsts.values())
    gold = loop.questions("final").gold
    initial, recent = (ARMS[name].point(runs, gold, None) for name in ("initial", "always_recent"))
    assert initial.right == sum(same(one, gold[id]) for id, one in firsts["always"].items())
    assert (initial.spent.completions, recent.spent.completions) == (6, 12)


def test_what_is_derived_is_what_the_graph_does(loop: RefiningLoop, runs: dict[str, dict[str, Tried]]) -> None:
    doubts = sorted(one.doubt for one in runs["trained"].values() if one.doubt is not None)
    assert len(doubts) >= 3  # so few updates are enough to come to a decision
    threshold = doubts[len(doubts) // 2]
    real = loop.evaluated("art", loop.graph("trained", threshold))
    derived = ARMS["art"].point(runs, loop.questions("final").gold, threshold)
    assert real.spent == derived.spent
    assert real.right == derived.right


def test_all_in_one_reply(loop: RefiningLoop) -> None:
    found = loop.in_one_reply()
    assert (found.n, found.errors) == (6, {})


def test_it_goes_on_where_it_stopped(loop: RefiningLoop, runs: dict[str, dict[str, Tried]]) -> None:
    told: list[str] = []
    again = RefiningLoop(100, loop.folder, lambda step, done, of: told.append(step), TINY)
    assert again.tried("trained", "final") == runs["trained"]
    assert again.dataset("asker").hash == loop.dataset("asker").hash
    assert again.student("asker").version == 1
    assert told == []
    assert {path.name for path in loop.folder.glob("students/*/v*")} == {"v1"}, "no adapter is trained twice"
