"""`accelerate launch` with two real processes on a processor (gloo). It starts several with `--multi_gpu` alone, GPUs or not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from langdistill.lab import WEIGHTS
from langdistill.students.card import read_student
from langdistill.students.train.checkpoints import last_checkpoint
from langdistill.students.train.ranks import Ranks, ranks
from langdistill.students.train.training import train
from langdistill.students.versioned import versions_of
from tests.trained import FEW, row, write

ROWS = [
    row(f"What is the capital of {name}?", answer)
    for name, answer in zip("ABCDEFGHIJKLMNOP", ["yes", "no"] * 8, strict=True)
]
RECIPE = FEW.model_copy(update={"batch_size": 4, "steps": 6, "save_every": 2})
KILLED = """
import os, signal, sys
from pathlib import Path
from langdistill.lab import WEIGHTS
from langdistill.students.train.training import train
from tests.students.train.test_launch import RECIPE

def tell(now):
    if now.step == 5:
        os.kill(os.getpid(), signal.SIGKILL)

train(sys.argv[1] + "/data", WEIGHTS, sys.argv[1] + "/s", recipe=RECIPE, on_progress=tell)
"""


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, Ranks(0, 1)),
        ({"WORLD_SIZE": "4", "RANK": "2"}, Ranks(0, 1)),
        ({"WORLD_SIZE": "1", "RANK": "0", "LOCAL_RANK": "0"}, Ranks(0, 1)),
        ({"WORLD_SIZE": "4", "RANK": "2", "LOCAL_RANK": "0"}, Ranks(2, 4)),
    ],
)
def test_which_process_this_is(told: dict[str, str], expected: Ranks, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WORLD_SIZE", "RANK", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    assert ranks() == expected
    assert ranks().main == (expected.rank == 0)


def test_a_checkpoint_is_whole_when_every_process_has_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from zipfile import ZipFile

    checkpoint = tmp_path / "checkpoint-2"
    checkpoint.mkdir()
    (checkpoint / "trainer_state.json").write_text('{"global_step": 2}')
    assert last_checkpoint(tmp_path) == checkpoint
    for name, value in {"WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    assert last_checkpoint(tmp_path) is None
    for rank in range(2):
        with ZipFile(checkpoint / f"rng_state_{rank}.pth", "w") as file:
            file.writestr("data", "")
    assert last_checkpoint(tmp_path) == checkpoint
    (checkpoint / "rng_state_1.pth").write_bytes((checkpoint / "rng_state_1.pth").read_bytes()[:-3])
    assert last_checkpoint(tmp_path) is None


def launch(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1",
               "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0", *words]  # fmt: skip
    root = Path(__file__).parents[3]
    env = os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, env=env, cwd=root, capture_output=True, text=True, timeout=240, check=False)


@pytest.mark.slow
@pytest.mark.xdist_group("lab_model")
def test_two_processes_killed_and_resumed_learn_what_one_learns_from_the_same_rows(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    data = write(tmp_path / "data", ROWS)
    (tmp_path / "killed.py").write_text(KILLED)
    killed = launch(str(tmp_path / "killed.py"), str(tmp_path))
    assert killed.returncode != 0
    [work] = (tmp_path / "s").glob(".training-*")
    assert {path.name for path in work.glob("checkpoint-*")} == {"checkpoint-2", "checkpoint-4"}
    assert not versions_of(tmp_path / "s")
    config = tmp_path / "recipe.json"
    told = {"dataset": str(data), "base": str(WEIGHTS), "out": str(tmp_path / "s"), "recipe": RECIPE.model_dump()}
    config.write_text(json.dumps(told))
    resumed = launch("-m", "langdistill", "train", "--config", str(config))
    assert resumed.returncode == 0, resumed.stderr
    assert resumed.stdout.count("Student in") == 1, "one process tells"
    assert "step 5 of 6" in resumed.stderr
    assert "step 4 of 6" not in resumed.stderr, "it went on from the last checkpoint"
    assert [path.name for path in (tmp_path / "s").iterdir()] == ["v1"]
    student = read_student(tmp_path / "s")
    assert student.measurements["training"]["processes"] == 2
    assert student.last.steps == 6
    alone = train(data, WEIGHTS, tmp_path / "alone", recipe=RECIPE.model_copy(update={"accumulate": 2}))
    ours, theirs = (load_file(one.folder / "adapter_model.safetensors") for one in (student, alone))
    assert ours.keys() == theirs.keys()
    begun = train(
        data, WEIGHTS, tmp_path / "begun", recipe=RECIPE.model_copy(update={"learning_rate": 1e-12, "steps": 1})
    )
    start = load_file(begun.folder / "adapter_model.safetensors")
    moved = max(float((theirs[name] - start[name]).abs().max()) for name in ours)
    apart = max(float((ours[name] - theirs[name]).abs().max()) for name in ours)
    assert apart < moved / 100, (apart, moved)
    assert torch.tensor(moved) > 1e-3
