from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from langdistill.errors import DatasetError, StudentError, UnknownName
from langdistill.lab import WEIGHTS
from langdistill.students.card import Student, load_student, read_student
from langdistill.students.pilot import pilot
from langdistill.students.teacher_answers import agreement_with
from langdistill.students.train.checkpoints import last_checkpoint
from langdistill.students.train.progress import Progress
from langdistill.students.train.recipe import MINIATURE
from langdistill.students.train.training import train
from langdistill.students.versioned import claimed_version, versions_of
from tests.trained import FEW, row, write

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("lab_model")]

SHORT = MINIATURE.model_copy(update={"epochs": 60, "steps": None, "batch_size": 12})

ROWS = [
    row(f"What is the capital of {name}?", answer)
    for name, answer in zip("ABCDEFGHIJKL", ["yes", "no", "tie"] * 4, strict=True)
]


def test_a_student_learns_its_rows_and_the_same_seed_gives_the_same_weights(tmp_path: Path) -> None:
    data = write(tmp_path / "data", ROWS)
    told: list[Progress] = []
    one, two = (train(data, WEIGHTS, tmp_path / "s", recipe=SHORT, seed=1, on_progress=told.append) for _ in range(2))
    assert (one.version, two.version) == (1, 2)
    assert [path.name for path in versions_of(tmp_path / "s")] == ["v1", "v2"]
    assert one.weights == two.weights
    assert one.served_name == f"s-v1-{one.weights[:8]}"
    assert one.last.rows == 12
    assert one.dataset_hash == "abc"
    assert (told[59].step, told[59].steps, told[59].left) == (60, 60, 0)
    assert told[59].tokens == 60 * sum(len(ids) for ids in tokens_of(ROWS))
    assert not list((tmp_path / "s").glob(".*")), "nothing half-written is left"
    assert agreement_with(load_student(tmp_path / "s"), ROWS) > 0.5
    assert read_student(tmp_path / "s") == two
    assert read_student(tmp_path / "s" / "v1") == one


def tokens_of(rows: list[dict[str, Any]]) -> list[list[int]]:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(WEIGHTS)
    return [tokenizer.apply_chat_template([*one["prompt"], *one["completion"]])["input_ids"] for one in rows]


def test_another_seed_or_recipe_is_another_student(tmp_path: Path) -> None:
    data = write(tmp_path / "data", ROWS)
    made = [
        train(data, WEIGHTS, tmp_path / "s", recipe=recipe, seed=seed)
        for recipe, seed in ((FEW, 0), (FEW, 1), (FEW.model_copy(update={"rank": 8}), 0))
    ]
    assert len({one.weights for one in made}) == 3


def test_a_student_that_is_trained_on_keeps_its_lineage(tmp_path: Path) -> None:
    first = train(write(tmp_path / "general", ROWS[:6]), WEIGHTS, tmp_path / "general-s", recipe=FEW)
    data = write(tmp_path / "task", ROWS[6:], hash="def")
    second = train(data, tmp_path / "general-s", tmp_path / "s", recipe=FEW)
    assert [stage.dataset_hash for stage in second.stages] == ["abc", "def"]
    assert second.base == str(WEIGHTS)
    assert second.weights not in (first.weights, train(data, WEIGHTS, tmp_path / "s", recipe=FEW).weights)


def test_all_weights_may_be_trained(tmp_path: Path) -> None:
    full = FEW.model_copy(update={"adapter": "full", "learning_rate": 1e-3})
    student = train(write(tmp_path / "data", ROWS), WEIGHTS, tmp_path / "s", recipe=full)
    assert student.holds == "model"
    assert load_student(tmp_path / "s").invoke("What is the capital of A?").text


def test_what_stands_between_replies_is_context(tmp_path: Path) -> None:
    turns = [
        {"role": "assistant", "content": "one"},
        {"role": "user", "content": "and then?"},
        {"role": "assistant", "content": "two"},
    ]
    from langdistill.students.train.job import planned

    data = write(tmp_path / "data", [{"prompt": [{"role": "user", "content": "count"}], "completion": turns}])
    job = planned(data, WEIGHTS, tmp_path / "s", objective="sft", recipe=FEW, seed=0)
    [prepared] = job.prepared
    said = job.tokenizer.decode([label for label in prepared["labels"] if label != -100])
    assert "one" in said
    assert "two" in said
    assert "then" not in said


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda p: train(p / "nothing", WEIGHTS, p / "s"), DatasetError, "no data set"),
        (lambda p: train(write(p / "empty", []), WEIGHTS, p / "s"), DatasetError, "no rows"),
        (lambda p: train(p / "data", p, p / "s"), StudentError, "holds no config.json"),
        (lambda p: train(p / "data", "nowhere", p / "s"), StudentError, "no base model 'nowhere'"),
        (lambda p: train(p / "data", "no/where", p / "s"), StudentError, "neither in the hub's cache"),
        (lambda p: train(p / "data", WEIGHTS, p / "s", objective="cake"), UnknownName, "no objective named 'cake'"),
        (
            lambda p: train(write(p / "kto", ROWS, format="trl_unpaired"), WEIGHTS, p / "s"),
            DatasetError,
            "sft learns from trl",
        ),
        (lambda p: train(p / "data", WEIGHTS, p / "data" / "manifest.json"), StudentError, "is a file"),
        (
            lambda p: train(p / "data", WEIGHTS, p / "s", recipe=FEW.model_copy(update={"max_length": 4})),
            DatasetError,
            "12 are longer than 4 tokens",
        ),
        (
            lambda p: train(p / "data", WEIGHTS, p / "s", recipe=FEW.model_copy(update={"adapter": "qlora"})),
            StudentError,
            "QLoRA needs a CUDA device",
        ),
    ],
)
def test_what_cannot_be_trained_is_told(
    make: Callable[[Path], Any], error: type[Exception], says: str, tmp_path: Path
) -> None:
    write(tmp_path / "data", ROWS)
    with pytest.raises(error, match=says):
        make(tmp_path)
    assert not versions_of(tmp_path / "s")


def test_a_student_of_another_base_is_refused(tmp_path: Path) -> None:
    student = train(write(tmp_path / "data", ROWS), WEIGHTS, tmp_path / "s", recipe=FEW)
    other = tmp_path / "other"
    other.mkdir()
    for path in WEIGHTS.iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    assert student.check_base(other) == other, "the same model elsewhere is the same model"
    changed = bytearray((other / "model.safetensors").read_bytes())
    changed[-1] ^= 1
    (other / "model.safetensors").write_bytes(changed)
    with pytest.raises(StudentError, match="is another"):
        student.check_base(other)


KILLED = """
import os, signal, sys
from langdistill.lab import WEIGHTS
from langdistill.students.train.recipe import MINIATURE
from langdistill.students.train.training import train

def tell(now):
    if now.step == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

recipe = MINIATURE.model_copy(update={"steps": 6, "batch_size": 4, "save_every": 2, "dropout": 0.1})
train(sys.argv[1] + "/data", WEIGHTS, sys.argv[1] + "/s", recipe=recipe, on_progress=tell)
"""


@pytest.mark.parametrize("step", [1, 3, 6])
def test_a_run_that_was_killed_goes_on_to_the_same_weights(step: int, tmp_path: Path) -> None:
    data = write(tmp_path / "data", ROWS)
    left = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(step)], env=os.environ, check=False)
    assert left.returncode == -signal.SIGKILL
    assert not versions_of(tmp_path / "s")
    [work] = (tmp_path / "s").glob(".training-*")
    kept = last_checkpoint(work)
    assert (kept.name if kept else None) == {1: None, 3: "checkpoint-2", 6: "checkpoint-4"}[step]
    told: list[Progress] = []
    recipe = FEW.model_copy(update={"dropout": 0.1})
    resumed = train(data, WEIGHTS, tmp_path / "s", recipe=recipe, on_progress=told.append)
    assert told[0].step == {1: 1, 3: 3, 6: 5}[step]
    assert resumed.weights == train(data, WEIGHTS, tmp_path / "whole", recipe=recipe).weights


def test_a_run_that_was_stopped_after_its_last_update_makes_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write(tmp_path / "data", ROWS)
    recipe = FEW.model_copy(update={"schedule": "constant", "warmup": 0, "steps": 4, "save_every": 4})

    def full(*_: Any, **__: Any) -> Any:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(Student, "model_dump_json", full)
        with pytest.raises((StudentError, OSError)):
            train(data, WEIGHTS, tmp_path / "s", recipe=recipe)
    assert not versions_of(tmp_path / "s")
    told: list[Progress] = []
    resumed = train(data, WEIGHTS, tmp_path / "s", recipe=recipe, on_progress=told.append)
    assert told == []
    assert (resumed.version, resumed.last.steps) == (1, 4)
    assert resumed.weights == train(data, WEIGHTS, tmp_path / "whole", recipe=recipe).weights


def test_only_what_a_recipe_trains_can_be_trained_on(tmp_path: Path) -> None:
    data = write(tmp_path / "data", ROWS)
    full = FEW.model_copy(update={"adapter": "full", "steps": 1})
    whole = train(data, WEIGHTS, tmp_path / "whole", recipe=full)
    with pytest.raises(StudentError, match="is a whole model"):
        train(data, whole, tmp_path / "s", recipe=FEW)
    adapter = train(data, WEIGHTS, tmp_path / "adapter", recipe=FEW)
    with pytest.raises(StudentError, match="is an adapter"):
        train(data, adapter, tmp_path / "s", recipe=full)
    assert len(train(data, whole, tmp_path / "s", recipe=full).stages) == 2


def test_two_trainings_that_end_together_are_two_versions(tmp_path: Path) -> None:
    with claimed_version(tmp_path / "s") as one, claimed_version(tmp_path / "s") as other:
        assert (one.name, other.name) == ("v1", "v2")
    with pytest.raises(KeyError), claimed_version(tmp_path / "s") as third:
        raise KeyError
    assert not third.exists()


def test_the_pilot_warns_where_nothing_can_be_learnt(tmp_path: Path) -> None:
    import hashlib

    scattered = [row(f"What is {i} in secret?", hashlib.sha256(str(i).encode()).hexdigest()[:6]) for i in range(30)]
    report = pilot(write(tmp_path / "data", scattered), WEIGHTS, recipe=SHORT.model_copy(update={"epochs": 2}))
    assert report.n == 10
    assert report.student_agreement < 0.3
    assert report.warning
    assert "7.13" in report.warning
