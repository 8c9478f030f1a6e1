from __future__ import annotations

import pytest

from langdistill.datasets.harvest import harvest
from langdistill.datasets.targets.final_answer import final_answer
from langdistill.filters.feedback import feedback
from langdistill.groups import Group, grouped
from langdistill.records import Feedback, Message, Trace, Verdict
from langdistill.testing.memory import MemoryStore

ASKED: list[Message] = [{"role": "user", "content": "2+2?"}]


def run(id: str, *said: Feedback, problem: str = "p", perturbation: str | None = None) -> Trace:
    marks = {"problem": problem} | ({"perturbation": perturbation} if perturbation else {})
    return Trace(id=id, input=ASKED, answer="4", feedback=list(said), metadata=marks)


def score(value: float | None, name: str | None = None) -> Feedback:
    return Feedback(name=name, score=value)


def group_of(*traces: Trace) -> Group:
    [group] = grouped(traces)
    return group


def judged(*traces: Trace, rows_of: tuple[str, ...] = (), min_score: float = 0.5, name: str | None = None) -> Verdict:
    group = group_of(*traces)
    [row] = final_answer(group).examples
    rows = [row.model_copy(update={"traces": [id]}) for id in rows_of] or [row]
    return feedback(min_score, name)(Group(group.problem, group.originals, group.variants, rows=tuple(rows)))


@pytest.mark.parametrize(
    ("said", "keep", "reason", "mean"),
    [
        ([score(1), score(0)], True, "liked", 0.5),
        ([score(1), score(0), score(0.4)], False, "disliked", pytest.approx(1.4 / 3)),
        ([score(0)], False, "disliked", 0),
        ([], None, "no-feedback", None),
        ([score(None)], None, "no-feedback", None),
    ],
)
def test_the_mean_of_what_was_said(said: list[Feedback], keep: bool | None, reason: str, mean: float | None) -> None:
    verdict = judged(run("a", *said))
    assert (verdict.keep, verdict.reason, verdict.score) == (keep, reason, mean)


def test_feedback_of_one_name() -> None:
    said = [score(1, "polite"), score(0, "helpful")]
    assert judged(run("a", *said), name="polite").keep is True
    assert judged(run("a", *said), name="helpful").keep is False
    assert judged(run("a", *said), name="short").keep is None


def test_all_runs_that_a_row_was_made_of_count_those_of_changed_questions_too() -> None:
    runs = [run("a", score(1)), run("b", score(0)), run("c", score(0), perturbation="reworded")]
    verdict = judged(*runs)
    assert (verdict.keep, verdict.score, verdict.evidence) == (False, pytest.approx(1 / 3), {"scores": 3})


def test_rows_of_disliked_runs_go_one_by_one() -> None:
    verdict = judged(run("a", score(1)), run("b", score(0)), run("c"), rows_of=("a", "b", "c"))
    assert (verdict.keep, verdict.dropped) == (True, {1: "disliked"})


def test_from_a_store() -> None:
    store = MemoryStore()
    store.add([run("a", problem="a"), run("b", problem="b"), run("c", problem="c")])
    store.add_feedback("a", score(1))
    store.add_feedback("b", score(0))
    found = harvest(store).filter(feedback()).run()
    assert [one.problem for one in found.examples] == ["a"]
    assert {one["problem"]: one["reason"] for one in found.rejects} == {"b": "disliked", "c": "no-feedback"}
