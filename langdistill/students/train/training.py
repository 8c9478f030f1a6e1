"""Train a student: from a data set, a base and an objective to the next version in a folder."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from langdistill.folders import written_beside
from langdistill.records import digest
from langdistill.students.bases import base_digest
from langdistill.students.card import Student
from langdistill.students.model_card import model_card
from langdistill.students.train.checkpoints import forget, last_checkpoint, work_folder
from langdistill.students.train.job import Job, planned
from langdistill.students.train.materials import imported, quiet
from langdistill.students.train.objective import Objective
from langdistill.students.train.progress import OnProgress, last_loss, progress_callback
from langdistill.students.train.recipe import ORDINARY, Recipe
from langdistill.students.versioned import CARD, next_version
from langdistill.versions import installed

MADE_BY = ("langdistill", "torch", "transformers", "peft", "trl")
NOT_A_STUDENTS = ("training_args.bin",)
"""What trainers leave beside the weights; it holds this machine's paths."""


def train(
    dataset: str | Path,
    base: str | Path | Student,
    out: str | Path,
    *,
    objective: Objective | str = "sft",
    recipe: Recipe = ORDINARY,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> Student:
    """Train on a data set's training rows, and write the student as the next version in a folder.

    The same data set, base, objective, recipe and seed give the same weights on the same machine. A run that was killed goes on
    from its last checkpoint when it is started again with the same ones.

    Args:
        dataset: folder that `langdistill harvest` wrote.
        base: the base model's folder, or its name on the hub; or a student, whose training this one goes on with: first on general
            reasoning, then on the task, say (CoT Collection, 2305.14045). Its card keeps every stage.
        out: folder of the student's versions; the new one is `v1`, or comes after those that are there.
        objective: what it learns, or its name in `students/train/objectives`.
        recipe: rank, learning rate, epochs and so on.
        seed: of the adapter's start and the order of rows.
        on_progress: told after every step.

    Raises:
        MissingExtra: torch, trl or peft is not installed.
        DatasetError: no data set, one of another format, no rows, or rows that cannot be trained on.
        StudentError: the base cannot be trained, `out` is something else, or another process is at the same training.
        UnknownName: there is no such objective.
    """
    return run(planned(dataset, base, out, objective=objective, recipe=recipe, seed=seed), on_progress=on_progress)


def run(job: Job, *, on_progress: OnProgress | None = None) -> Student:
    """Train what was planned; as `train`."""
    assert job.prepared  # checked before any weights are loaded
    with work_folder(job.out, job.fingerprint) as work, quiet():
        trainer = _trainer(job, work, on_progress)
        began, last = time.monotonic(), last_checkpoint(work)
        trainer.train(resume_from_checkpoint=str(last) if last else None)
        student = _write(job, trainer, seconds=time.monotonic() - began)
        forget(work)
    return student


def _trainer(job: Job, work: Path, on_progress: OnProgress | None) -> Any:
    transformers = imported("transformers")
    transformers.set_seed(job.seed)
    trainer = job.objective.trainer(job.materials(work))
    for printing in (transformers.PrinterCallback, transformers.ProgressCallback):
        trainer.remove_callback(printing)
    if on_progress:
        rows_per_step = trainer.args.train_batch_size * job.recipe.accumulate * trainer.args.world_size
        trainer.add_callback(progress_callback(on_progress, job.tokens / len(job.prepared) * rows_per_step))
    return trainer


def _write(job: Job, trainer: Any, *, seconds: float) -> Student:
    with written_beside(next_version(job.out)) as beside:
        trainer.save_model(str(beside))
        for name in NOT_A_STUDENTS:
            (beside / name).unlink(missing_ok=True)
        student = _student(job, trainer, beside, seconds)
        (beside / CARD).write_text(student.model_dump_json(indent=2))
        (beside / "README.md").write_text(model_card(student), encoding="utf-8")
    return student


def _student(job: Job, trainer: Any, beside: Path, seconds: float) -> Student:
    place = next_version(job.out)
    whole = not (beside / "adapter_config.json").is_file()
    return Student(
        folder=place,
        name=job.out.absolute().name,
        version=int(place.name[1:]),
        base=job.base,
        base_digest=base_digest(job.base_folder),
        holds="model" if whole else "adapter",
        head=job.objective.head,
        labels=job.objective.labels(job.rows),
        weights=digest(*(path.read_bytes() for path in sorted(beside.glob("*.safetensors")))),
        stages=job.stages(trainer.state.global_step),
        versions=installed(*MADE_BY),
        measurements={
            "training": {"loss": last_loss(trainer.state), "seconds": round(seconds, 1), "tokens": job.tokens}
        },
        made=datetime.now(UTC).isoformat(timespec="seconds"),
    )
