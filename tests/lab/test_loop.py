"""The whole loop, small: nothing before the evaluation reads gold, the same seed gives the same data, a rerun goes on."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from langdistill.datasets.reading import read_dataset
from langdistill.errors import DatasetError, UnknownName
from langdistill.lab.demo import ARMS, STUDENTS, demo
from langdistill.lab.draws import Draw, Task
from langdistill.lab.loop import Loop, Settings
from langdistill.students.train.recipe import MINIATURE

SHORT = MINIATURE.model_copy(update={"steps": 20})
SMALL = Settings(
    questions=40,
    test=30,
    samples=4,
    variant_samples=2,
    min_share=0.5,
    control_share=0.25,
    recipe=SHORT,
    pilot=SHORT,
)

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("lab_model")]


def weights(folder: Path) -> dict[str, str]:
    return {
        arm: hashlib.sha256((folder / "students" / arm / "v1" / "adapter_model.safetensors").read_bytes()).hexdigest()
        for arm in STUDENTS
    }


def hashes(folder: Path) -> dict[str, str]:
    return {arm: read_dataset(folder / "data" / arm).hash for arm in STUDENTS}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("loop") / "out"
    return out, demo(["letters"], out, settings=SMALL)


def test_what_a_run_leaves(clean: tuple[Path, dict[str, Any]]) -> None:
    out, results = clean
    assert json.loads((out / "results.json").read_text()) == results
    arms = results["letters"]["arms"]
    assert list(arms) == list(ARMS)
    assert all(
        set(row) >= {"accuracy", "n", "interval", "tokens_per_answer", "seconds_per_answer", "seeds"}
        for row in arms.values()
    )
    assert arms["system2"]["accuracy"] > arms["system1"]["accuracy"] + 0.2
    assert arms["distilled"]["tokens_per_answer"] * 8 < arms["system2"]["tokens_per_answer"]
    assert "<svg" in (out / "report.html").read_text()
    assert [stage["stage"] for stage in results["letters"]["funnel"]] == [
        "harvest",
        "target",
        "agreement",
        "stable_under",
    ]
    assert not out.with_name("out.partial").exists()


def test_gold_is_read_by_nothing_before_the_evaluation(
    clean: tuple[Path, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = Task.draw

    def poisoned(self: Task, n: int, **knobs: Any) -> Draw:
        draw = drawn(self, n, **knobs)
        return Draw(draw.problems, dict.fromkeys(draw.gold, "poison"))

    monkeypatch.setattr(Task, "draw", poisoned)
    results = demo(["letters"], tmp_path / "out", settings=SMALL)
    ours, theirs = tmp_path / "out/letters/seed-0", clean[0] / "letters/seed-0"
    assert hashes(ours) == hashes(theirs)
    assert weights(ours) == weights(theirs)
    assert all(row["accuracy"] == 0 for row in results["letters"]["arms"].values()), "only the metric moves"


def test_a_run_that_was_interrupted_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: Loop, dataset: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Loop, "guard", interrupted)
        with pytest.raises(KeyboardInterrupt):
            demo(["coin"], tmp_path / "out", settings=SMALL)
    assert not (tmp_path / "out").exists()
    told: list[str] = []
    demo(["coin"], tmp_path / "out", settings=SMALL, progress=lambda step, done, of: told.append(step))
    assert not [step for step in told if "evaluate system" in step], "what was measured is not measured again"
    assert (tmp_path / "out" / "report.html").exists()


def test_what_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="no task named 'chess'"):
        demo(["chess"], tmp_path / "out")
    with pytest.raises(UnknownName, match="no strategy named 'guessing'"):
        demo(["coin"], tmp_path / "out", settings=SMALL.model_copy(update={"strategy": "guessing"}))
    (tmp_path / "out").mkdir()
    with pytest.raises(DatasetError, match="--overwrite"):
        demo(["coin"], tmp_path / "out", settings=SMALL)


def test_two_tasks_side_by_side_give_what_one_after_the_other_gives(
    clean: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    demo(["letters", "arithmetic"], tmp_path / "out", settings=SMALL, jobs=2)
    assert hashes(tmp_path / "out/letters/seed-0") == hashes(clean[0] / "letters/seed-0")
    assert weights(tmp_path / "out/letters/seed-0") == weights(clean[0] / "letters/seed-0")


def test_a_filter_that_leaves_nothing_is_told(tmp_path: Path) -> None:
    nothing = SMALL.model_copy(update={"temperature": 3.0, "questions": 4, "test": 5})
    with pytest.raises(DatasetError, match=r"No student for the arm 'distilled'\. No row is left of 4 problems"):
        demo(["letters"], tmp_path / "out", settings=nothing)
    assert not (tmp_path / "out").exists()
