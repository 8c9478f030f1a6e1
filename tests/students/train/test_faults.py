"""A loss that is no number, and a disk that is full."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from langdistill.errors import StudentError
from langdistill.lab import WEIGHTS
from langdistill.students.train.checkpoints import last_checkpoint, written
from langdistill.students.train.progress import Progress
from langdistill.students.train.training import train
from langdistill.students.versioned import versions_of
from tests.trained import FEW, row, write

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("lab_model")]
ROWS = [row(f"What is the capital of {name}?", "yes") for name in "ABCDEFGHIJKL"]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of its own, of 5 MB: room for a checkpoint or two, and not for three."""
    import os

    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=5m", "none", str(folder)], capture_output=True).returncode:
        assert not os.environ.get("LANGDISTILL_CI"), "these tests must not be skipped here: run them as root"
        pytest.skip("needs the right to mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_told_and_the_training_goes_on_when_there_is_room(disk: Path, tmp_path: Path) -> None:
    data = write(tmp_path / "data", ROWS)
    with pytest.raises(StudentError, match=r"nothing more can be written in .* goes on from step [24]\.") as told:
        train(data, WEIGHTS, disk / "s", recipe=FEW)
    step = int(str(told.value)[-2])
    assert not versions_of(disk / "s")
    subprocess.run(["mount", "-o", "remount,size=50m", str(disk)], check=True)
    seen: list[Progress] = []
    student = train(data, WEIGHTS, disk / "s", recipe=FEW, on_progress=seen.append)
    assert seen[0].step == step + 1
    assert student.weights == train(data, WEIGHTS, tmp_path / "whole", recipe=FEW).weights
    assert [path.name for path in (disk / "s").iterdir()] == ["v1"]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    data = write(tmp_path / "data", ROWS)
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "v1").mkdir()
    with pytest.raises(StudentError, match="No folder can be made"):
        train(data, WEIGHTS, Path("/proc/nowhere/s"), recipe=FEW)


def test_errors_of_other_kinds_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), written(tmp_path / "work"):
        (tmp_path / "elsewhere").read_text()
    with pytest.raises(RuntimeError, match="out of memory"), written(tmp_path):
        raise RuntimeError("out of memory")
    with pytest.raises(StudentError, match="from its beginning"), written(tmp_path / "work"):
        (tmp_path / "work" / "x").write_text("")


def test_a_loss_that_is_no_number_stops_the_training(tmp_path: Path) -> None:
    wild = FEW.model_copy(
        update={"learning_rate": 1e30, "schedule": "constant", "warmup": 0, "steps": 12, "save_every": 1}
    )
    with pytest.raises(
        StudentError, match=r"The (loss|gradient) is (nan|inf) after step \d.*lower learning_rate \(it was 1e\+30\)"
    ):
        train(write(tmp_path / "data", ROWS), WEIGHTS, tmp_path / "s", recipe=wild)
    assert not versions_of(tmp_path / "s")
    [work] = (tmp_path / "s").glob(".training-*")
    last = last_checkpoint(work)
    assert last is None or all_finite(last), "no checkpoint holds weights that are no numbers"


def test_a_base_whose_weights_are_no_numbers_is_told_at_the_first_step(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    base = tmp_path / "base"
    shutil.copytree(WEIGHTS, base)
    weights = load_file(base / "model.safetensors")
    name = next(name for name in weights if "mlp" in name)
    weights[name] = torch.full_like(weights[name], torch.nan)
    save_file(weights, base / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(StudentError, match=r"is nan after step 1, .*whether the base's own weights are finite"):
        train(write(tmp_path / "data", ROWS), base, tmp_path / "s", recipe=FEW)
    assert not list((tmp_path / "s").glob(".training-*/checkpoint-*"))


def all_finite(checkpoint: Path) -> bool:
    import torch
    from safetensors.torch import load_file

    assert json.loads((checkpoint / "trainer_state.json").read_text())["global_step"]
    return all(bool(torch.isfinite(one).all()) for one in load_file(checkpoint / "adapter_model.safetensors").values())
