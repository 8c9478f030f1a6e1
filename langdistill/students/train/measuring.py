"""Every checkpoint is measured when it is written, and the weights of the best are kept; a killed run measures none twice."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from langdistill.errors import StudentError
from langdistill.evaluation.regression import alarm
from langdistill.evaluation.results import Evaluation
from langdistill.folders import write_whole
from langdistill.students.libraries import imported
from langdistill.students.live import LiveChatModel, asked_live, same_random_state
from langdistill.students.teacher_answers import agreement_with, all_asked
from langdistill.students.train.choosing import Choice, Figures, best, best_on_the_task
from langdistill.students.train.job import Job
from langdistill.students.train.ranks import ranks, said_by_main

FIGURES, BEFORE = "figures.json", "before.json"


@dataclass
class Measuring:
    """The measuring of one training."""

    choice: Choice
    job: Job
    folder: Path
    """The training's work folder."""
    trainer: Any
    figures: dict[int, Figures] = field(default_factory=dict)
    """By the step."""

    def __post_init__(self) -> None:
        if getattr(self.trainer, "is_fsdp_enabled", False) or getattr(self.trainer, "is_deepspeed_enabled", False):
            raise StudentError(
                "Checkpoints cannot be measured while the weights are spread over several devices (FSDP, DeepSpeed). Train "
                "without choosing, and evaluate the student afterwards."
            )
        if (self.folder / FIGURES).is_file():
            told = [Figures(**one) for one in orjson.loads((self.folder / FIGURES).read_bytes())]
            self.figures = {one.step: one for one in told}

    @property
    def chosen(self) -> Figures | None:
        """The checkpoint that becomes the student."""
        return best(list(self.figures.values())) or best_on_the_task(list(self.figures.values()))

    @property
    def weights(self) -> Path | None:
        """Where its weights are."""
        return self._kept(self.chosen.step) if self.chosen else None

    def told(self) -> dict[str, Any]:
        """What goes onto the card."""
        figures = [self.figures[step] for step in sorted(self.figures)]
        return {
            "chosen": self.chosen.step if self.chosen else None,
            "base_is_better": best(figures) is None,
            "tolerance": self.choice.tolerance,
            "regression_set": self.choice.regression.digest if self.choice.regression else None,
            "figures": [one.model_dump() for one in figures],
        }

    def callback(self) -> Any:
        """A callback of `transformers` trainers that measures what the training begins with and every checkpoint."""
        measuring, callback = self, imported("transformers").TrainerCallback

        class Measure(callback):  # type: ignore[misc, valid-type]
            def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
                measuring.measure(state.global_step)  # one whose process was killed before it was measured, too

            def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
                measuring.measure(state.global_step)

        return Measure()

    def measure(self, step: int) -> None:
        """Measure the weights as they are now, unless they were."""
        if said_by_main(step in self.figures):
            return
        with same_random_state():
            loss = self.trainer.evaluate()["eval_loss"] if self.trainer.eval_dataset is not None else None
        if ranks().main:
            self.figures[step] = self._asked(Figures(step=step, loss=loss))
            self._keep(step)

    def _asked(self, figures: Figures) -> Figures:
        """The figures with what the student itself says."""
        if self.job.objective.head != "text":
            return figures
        model = self.trainer.accelerator.unwrap_model(self.trainer.model)
        with asked_live(model, self.job.tokenizer, f"step-{figures.step}") as student:
            return figures.model_copy(update={**self._agreement(student), **self._regression(student, figures.step)})

    def _agreement(self, student: LiveChatModel) -> dict[str, Any]:
        rows = self.job.validation[: self.choice.rows]
        return {"agreement": agreement_with(student, rows), "rows": n} if (n := len(all_asked(rows))) else {}

    def _regression(self, student: LiveChatModel, step: int) -> dict[str, Any]:
        if self.choice.regression is None:
            return {}
        if step == 0:
            asked = self.choice.regression.settled(student)
            before = asked.measured(student)
            told = {"gold": asked.gold, "before": before.model_dump()}
            write_whole(self.folder / BEFORE, orjson.dumps(told).decode())
            return {"regression": before.accuracy}
        told = orjson.loads((self.folder / BEFORE).read_bytes())
        after = self.choice.regression.with_gold(told["gold"]).measured(student)
        before = Evaluation.model_validate(told["before"])
        fell = alarm(before, after, tolerance=self.choice.tolerance, confidence=self.choice.confidence)
        return {"regression": after.accuracy, "fell": str(fell) if fell else None}

    def _keep(self, step: int) -> None:
        """The figures on disk, and the weights of those that may become the student, and of no other."""
        figures = list(self.figures.values())
        wanted = {one.step for one in (best(figures), best_on_the_task(figures)) if one}
        if step in wanted:
            shutil.rmtree(self._kept(step), ignore_errors=True)
            self.trainer.save_model(str(self._kept(step)))
        write_whole(self.folder / FIGURES, orjson.dumps([one.model_dump() for one in figures]).decode())
        for path in self.folder.glob("kept-*"):
            if path not in {self._kept(one) for one in wanted}:
                shutil.rmtree(path, ignore_errors=True)

    def _kept(self, step: int) -> Path:
        return self.folder / f"kept-{step}"
