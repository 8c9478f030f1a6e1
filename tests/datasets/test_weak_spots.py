from __future__ import annotations

from typing import Any

import pytest

from langdistill.datasets.weak_spots import WeakSpot, weak_spots
from langdistill.errors import DatasetError
from langdistill.records import Call, Feedback, Trace


def run(id: str, name: str, asked: str, said: str, *models: str, scores: tuple[float, ...] = (), **more: Any) -> Trace:
    calls = [Call(id=f"{id}-{at}", model=model) for at, model in enumerate(models)]
    return Trace(
        id=id, name=name, input=[{"role": "user", "content": asked}], output=[{"role": "assistant", "content": said}],
        calls=calls, feedback=[Feedback(score=score) for score in scores], **more,
    )  # fmt: skip


def problem(name: str) -> dict[str, Any]:
    return {"metadata": {"problem": name}}


RUNS = [
    run("1", "agent", "liked?", "yes", scores=(1.0, 0.5), **problem("a")),
    run("2", "agent", "disliked?", "yes", scores=(1.0, 0.25, 0.0), **problem("b")),
    run("3", "agent", "no feedback?", "yes", **problem("c")),
    run("4", "student", "What is 2 + 2?", "Answer: 5", **problem("d")),
    run("5", "teacher", "What is 2 + 2?", "Answer: 4", **problem("d")),
    run("6", "student", "What is 2 + 3?", "Answer: 5.0", **problem("e")),
    run("7", "teacher", "What is 2 + 3?", "Answer: 5", **problem("e")),
    run("8", "student", "Write a poem.", "", **problem("f")),
    run("9", "teacher", "Write a poem.", "Answer: Roses", **problem("f")),
    run("10", "cascade", "What is 7 x 8?", "Answer: 56", "small", "large", **problem("g")),
    run("11", "cascade", "Tagged?", "yes", "large", tags=["escalated"], **problem("h")),
    run("12", "agent", "and now?", "no", scores=(0.0,), earlier=2, **problem("i")),
]


def found(**knobs: Any) -> dict[str, tuple[str, ...]]:
    return {one.problem: one.reasons for one in weak_spots(RUNS, **knobs).spots}


def test_bad_feedback_is_a_mean_below_the_bound() -> None:
    spots = weak_spots(RUNS)
    assert spots.spots == [WeakSpot("disliked?", "b", ("bad-feedback",)), WeakSpot("Tagged?", "h", ("escalated",))]
    assert (spots.problems, spots.passed_over) == (9, 1)
    assert spots.reasons == {"bad-feedback": 1, "escalated": 1}
    assert spots.questions == ["disliked?", "Tagged?"]
    assert found(below=0.8) == {"a": ("bad-feedback",), "b": ("bad-feedback",), "h": ("escalated",)}


def test_the_student_disagrees_where_both_answer_and_none_is_the_same() -> None:
    assert found(student="student", teacher="teacher") == {"d": ("disagreed",), "h": ("escalated",)}


def test_a_run_that_asked_both_models_was_escalated() -> None:
    assert found(student="small", teacher="large") == {"g": ("escalated",), "h": ("escalated",)}


def test_feedback_on_the_teacher_alone_is_not_the_students() -> None:
    runs = [run("1", "teacher", "What?", "so", scores=(0.0,)), run("2", "student", "Who?", "he", scores=(0.0,))]
    assert weak_spots(runs, student="student", teacher="teacher").questions == ["Who?"]


def test_only_selected_runs_are_read() -> None:
    assert weak_spots(RUNS, graph="agent").problems == 4
    assert weak_spots(RUNS, graph="agent").questions == ["disliked?"]


def test_student_and_teacher_must_differ() -> None:
    with pytest.raises(DatasetError, match="both 'x'"):
        weak_spots(RUNS, student="x", teacher="x")
