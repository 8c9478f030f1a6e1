"""Train a student: from a data set, a base and an objective to the next version in a folder."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from langdistill.datasets.reading import hash_of
from langdistill.errors import StudentError
from langdistill.folders import write_whole, written_beside
from langdistill.records import digest
from langdistill.students.bases import base_digest
from langdistill.students.card import Student, read_student
from langdistill.students.libraries import imported, quiet
from langdistill.students.model_card import model_card
from langdistill.students.train.checkpoints import (
    STATE,
    forget,
    is_finished,
    last_checkpoint,
    work_folder,
    written,
)
from langdistill.students.train.choosing import Choice
from langdistill.students.train.finite import finite_callback
from langdistill.students.train.job import Job, planned
from langdistill.students.train.measuring import Measuring
from langdistill.students.train.objective import Objective
from langdistill.students.train.progress import OnProgress, last_loss, progress_callback
from langdistill.students.train.ranks import check_alike, ranks, said_by_main
from langdistill.students.train.recipe import ORDINARY, Recipe
from langdistill.students.versioned import CARD, claimed_version
from langdistill.versions import installed

if TYPE_CHECKING:
    from langdistill.students.pilot import PilotReport

Pilot = Callable[..., "PilotReport"]
"""`langdistill.students.pilot.pilot`, or a partial of it."""

MADE_BY = ("langdistill", "torch", "transformers", "peft", "trl")
TRAINERS = ("torch", "trl", "peft")
NOT_A_STUDENTS = ("training_args.bin",)
"""What trainers leave beside the weights; it holds this machine's paths."""
PILOT, WEIGHTS = "pilot", "student"
"""In the work folder: what the pilot found, and the weights at the end."""


def train(
    dataset: str | Path,
    base: str | Path | Student,
    out: str | Path,
    *,
    objective: Objective | str = "sft",
    recipe: Recipe = ORDINARY,
    seed: int = 0,
    on_progress: OnProgress | None = None,
    pilot: Pilot | None = None,
    force: bool = False,
    choice: Choice | None = None,
) -> Student:
    """Train on a data set's training rows, and write the student as the next version in a folder.

    The same data set, base, objective, recipe and seed give the same weights on the same machine. A run that was killed goes on
    from its last checkpoint when it is started again with the same ones. Under `accelerate launch` every process calls it alike;
    the main one writes.

    Args:
        dataset: folder that `langdistill harvest` wrote.
        base: the base model's folder, or its name on the hub; or a student, whose training this one goes on with: first on general
            reasoning, then on the task, say (CoT Collection, 2305.14045). Its card keeps every stage.
        out: folder of the student's versions; the new one is `v1`, or comes after those that are there.
        objective: what it learns, or its name in `students/train/objectives`.
        recipe: rank, learning rate, epochs and so on.
        seed: of the adapter's start and the order of rows.
        on_progress: told after every step, in the main process.
        pilot: tries a little first: `langdistill.students.pilot.pilot`, or a partial of it with settings of your own.
        force: train even if the pilot speaks against it.
        choice: choose the checkpoint by what is measured of each; without one the last is taken.

    Raises:
        MissingExtra: torch, trl or peft is not installed.
        DatasetError: no data set, one of another format, no rows, or rows that cannot be trained on; nothing to choose by.
        StudentError: the base cannot be trained, `out` is something else, another process is at the same training, the pilot speaks
            against it, the loss is no number any more, or the disk is full.
        UnknownName: there is no such objective.
    """
    job = planned(dataset, base, out, objective=objective, recipe=recipe, seed=seed)
    return run(job, on_progress=on_progress, pilot=pilot, force=force, choice=choice)


def run(
    job: Job,
    *,
    on_progress: OnProgress | None = None,
    pilot: Pilot | None = None,
    force: bool = False,
    choice: Choice | None = None,
) -> Student:
    """Train what was planned; as `train`."""
    assert job.prepared  # checked before any weights are loaded
    for package in TRAINERS:
        imported(package)  # before anything is written
    if choice:
        choice.check(job)
    mark = digest(job.fingerprint, choice.digest) if choice else job.fingerprint
    with work_folder(job.out, mark) as work, quiet(), written(work):
        told = _tried(job, pilot, work, force=force) if pilot else {}
        training = _Training(job, work, measurements=told)
        training.train(on_progress, choice, mark)
        place = training.write() if ranks().main else None
        place = said_by_main(place)
        if ranks().main:
            forget(work)
    return read_student(place)


@dataclass
class _Training:
    """One job on its way from a trainer to a version in its folder."""

    job: Job
    work: Path
    measurements: dict[str, Any] = field(default_factory=dict)
    """For the card."""
    steps: int = 0
    """Updates behind the weights that are written."""

    def train(self, on_progress: OnProgress | None, choice: Choice | None, mark: str) -> None:
        """Make every update that is still to be made, and leave the weights in the work folder."""
        trainer = _trainer(self.job, self.work, on_progress)
        check_alike(mark)
        measuring = Measuring(choice, self.job, self.work, trainer) if choice else None
        if measuring:
            trainer.add_callback(measuring.callback())
        began, last = time.monotonic(), said_by_main(last_checkpoint(self.work))
        if last and is_finished(last):
            self._load(trainer, last, measuring)
        else:
            trainer.train(resume_from_checkpoint=str(last) if last else None)
        loss, seconds = last_loss(trainer.state), round(time.monotonic() - began, 1)
        self.measurements["training"] = {"loss": loss, "seconds": seconds, "tokens": self.job.tokens, "processes": ranks().size}  # fmt: skip
        self.steps = trainer.state.global_step
        if measuring and ranks().main:
            self._take(measuring)
        elif not measuring:
            trainer.save_model(str(self.work / WEIGHTS))  # by all processes: weights may be spread over them

    def _load(self, trainer: Any, last: Path, measuring: Measuring | None) -> None:
        """The weights of a run that was killed after its last update: to go on would make one more."""
        trainer._load_from_checkpoint(str(last))
        trainer.state = imported("transformers").TrainerState.load_from_json(str(last / STATE))
        if measuring:
            measuring.measure(trainer.state.global_step)

    def _take(self, measuring: Measuring) -> None:
        """The weights of the checkpoint that was chosen."""
        chosen, weights = measuring.chosen, measuring.weights
        assert chosen
        assert weights
        self.measurements["checkpoints"], self.steps = measuring.told(), chosen.step
        shutil.rmtree(self.work / WEIGHTS, ignore_errors=True)
        shutil.copytree(weights, self.work / WEIGHTS)

    def write(self) -> Path:
        """The weights, the card and the page, as the next version."""
        with claimed_version(self.job.out) as place, written_beside(place) as beside:
            for path in (self.work / WEIGHTS).iterdir():
                if path.name not in NOT_A_STUDENTS:
                    shutil.move(path, beside / path.name)
            student = self._student(place, beside)
            (beside / CARD).write_text(student.model_dump_json(indent=2))
            (beside / "README.md").write_text(model_card(student), encoding="utf-8")
        return place

    def _student(self, place: Path, beside: Path) -> Student:
        job = self.job
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
            weights=digest([hash_of(path) for path in sorted(beside.glob("*.safetensors"))]),
            stages=job.stages(self.steps),
            versions=installed(*MADE_BY),
            measurements=self.measurements,
            made=datetime.now(UTC).isoformat(timespec="seconds"),
        )


def _tried(job: Job, pilot: Pilot, work: Path, *, force: bool) -> dict[str, Any]:
    """What the pilot found, for the card; a training that goes on after a kill asks for it no second time.

    Raises:
        StudentError: it speaks against the training, and that is not forced.
    """
    if ranks().size > 1:
        raise StudentError(
            "A pilot runs in one process, and this is one of several. Run it before: `langdistill train --plan --pilot` with the "
            "same recipe file; then launch without it."
        )
    kept = work / f"{PILOT}-{_settings_of(pilot)[:8]}.json"
    if not kept.is_file():
        report = pilot(
            job.dataset, job.start or job.base_folder, objective=job.objective, recipe=job.recipe, seed=job.seed
        )
        write_whole(kept, report.model_dump_json())
    found = orjson.loads(kept.read_bytes())
    if found["warning"] and not force:
        raise StudentError(
            f"The pilot speaks against this training. {found['warning']} To train all the same: force=True (--force)."
        )
    return {"pilot": found}


def _settings_of(pilot: Pilot) -> str:
    """What tells a pilot from another with other settings."""
    given: dict[str, Any] = getattr(pilot, "keywords", {})
    return digest({name: str(getattr(value, "digest", value)) for name, value in given.items()})


def _trainer(job: Job, work: Path, on_progress: OnProgress | None) -> Any:
    transformers = imported("transformers")
    transformers.set_seed(job.seed)
    trainer = job.objective.trainer(job.materials(work))
    for printing in (transformers.PrinterCallback, transformers.ProgressCallback):
        trainer.remove_callback(printing)
    trainer.args._n_gpu = min(
        1, trainer.args.n_gpu
    )  # several without `accelerate launch` would share each batch unasked
    trainer.args.logging_nan_inf_filter = False  # it would hide what `finite_callback` looks for
    trainer.add_callback(finite_callback(job.recipe))
    if on_progress and ranks().main:
        trainer.add_callback(progress_callback(on_progress, job.tokens))
    return trainer
