"""Try a little before training a lot: does this distillation take on this data set, and what does it cost elsewhere?

The distillation paper's own negative result is GSM8K: 52.77 with chain of thought, 7.13 distilled into the answer alone (Yu et al.,
2407.06023). A short pilot on a slice shows such a case within minutes: it compares the answer alone with the answer after its
reasoning, where there is a data set of both, and asks a regression set before and after (Fu et al., 2301.12726). It reads the
teacher's answers, and no gold.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import orjson

from langdistill.datasets.containers import rows_in
from langdistill.datasets.reading import MANIFEST
from langdistill.errors import DatasetError, StudentError
from langdistill.evaluation.regression import alarm
from langdistill.evaluation.results import Evaluation
from langdistill.intervals import wilson
from langdistill.records import Record, digest
from langdistill.students.card import Student
from langdistill.students.decoding import borrowed
from langdistill.students.local import LocalChatModel
from langdistill.students.regression import RegressionSet
from langdistill.students.teacher_answers import agreement_with, all_asked
from langdistill.students.train.objective import Objective, find_objective
from langdistill.students.train.recipe import PILOT, Recipe
from langdistill.students.train.training import train

FEWEST = 6
"""Problems that a pilot needs."""


class PilotReport(Record):
    """What the pilot found."""

    base_agreement: float
    """Share of the held-out rows on which what is trained gives the teacher's answer before; at once, unless it reasons by itself."""
    student_agreement: float
    """The same for the pilot student."""
    n: int
    """Held-out rows with a short answer."""
    answer_alone: bool
    """Whether the rows teach the answer without its reasoning."""
    reasoning_agreement: float | None = None
    """Of a student of the same size that was taught the reasoning as well; `None` where no such rows were given."""
    reasoning_n: int = 0
    """Held-out rows that this is of; of the same problems where both data sets have them."""
    regression: tuple[float, float] | None = None
    """Accuracy on the regression set before and after."""
    recommendation: Literal["go on", "keep the reasoning", "keep System 2"]
    """"keep the reasoning": students that say it give the teacher's answer more often, beyond chance."""
    warning: str | None
    """What speaks against going on, if anything."""


@dataclass(frozen=True)
class Slice:
    """Some rows to teach, others to measure on; no problem is on both sides."""

    taught: list[dict[str, Any]]
    held_out: list[dict[str, Any]]
    format: str | None

    def write(self, folder: Path) -> Path:
        """The taught rows as a data set."""
        folder.mkdir()
        lines = (orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in self.taught)
        (folder / "train.jsonl").write_bytes(b"".join(lines))
        told = {"hash": digest(self.taught)} | ({"format": self.format} if self.format else {})
        (folder / MANIFEST).write_bytes(orjson.dumps(told))
        return folder


def pilot(
    dataset: str | Path,
    base: str | Path | Student,
    *,
    objective: Objective | str = "sft",
    recipe: Recipe = PILOT,
    steps: int = 80,
    rows: int = 240,
    held_out: int = 100,
    enough: float = 0.3,
    reasoning: str | Path | None = None,
    regression: RegressionSet | None = None,
    seed: int = 0,
) -> PilotReport:
    """Train on some rows of a data set and measure on others how often the student gives the teacher's answer.

    Args:
        dataset: folder of a data set.
        base: as of `train`.
        objective: as of `train`; one whose students give text.
        recipe: of the long training; the pilot makes fewer updates.
        steps: most updates of the pilot.
        rows: to train on.
        held_out: problems to measure on; at most a third of the data set's.
        enough: warn below this agreement.
        reasoning: a data set of the same questions with their reasoning (`--target with_reasoning`), to compare with.
        regression: general questions to ask before and after.
        seed: of the slice and the training.

    Raises:
        DatasetError: the data set has fewer than six problems, or no held-out row has a short answer.
        StudentError: the objective's students give no text.
    """
    chosen = find_objective(objective)() if isinstance(objective, str) else objective
    if chosen.head != "text":
        raise StudentError(
            f"A pilot compares answers, and a student of {chosen.name} gives {chosen.head}. Train without one, and evaluate the student."
        )
    asked = _slice(Path(dataset), rows, held_out, seed)
    trial = _Trial(
        base,
        recipe.model_copy(update={"steps": min(steps, recipe.updates(ceil(len(asked.taught) / recipe.batch_size)))}),
        seed,
    )
    before, general = trial.base(asked, regression)
    after, general_after = trial.student(asked, chosen, general)
    told = all_asked(asked.held_out)
    found: dict[str, Any] = {
        "base_agreement": before,
        "student_agreement": after,
        "n": len(told),
        "answer_alone": sum(one.is_answer_alone for one in told) * 2 > len(told),
    }
    fell = None
    if general and general_after:
        found["regression"] = (general.before.accuracy, general_after.accuracy)
        fell = alarm(general.before, general_after)
    if reasoning is not None:
        compared = _slice(Path(reasoning), rows, held_out, seed)
        found["reasoning_agreement"], _ = trial.student(compared, find_objective("sft")(), None)
        found["reasoning_n"] = len(all_asked(compared.held_out))
    return _judged(found, enough, str(fell) if fell else None)


@dataclass(frozen=True)
class General:
    """The regression set before the training."""

    asked: RegressionSet
    before: Evaluation


@dataclass(frozen=True)
class _Trial:
    """What the students of a pilot share."""

    start: str | Path | Student
    recipe: Recipe
    seed: int

    def base(self, asked: Slice, regression: RegressionSet | None) -> tuple[float, General | None]:
        """Agreement of what is trained, before; and what it does on the regression set."""
        model = self.start.local() if isinstance(self.start, Student) else LocalChatModel(model=str(self.start))
        with borrowed(model.model, model.adapter):
            settled = regression.settled(model) if regression else None
            general = General(settled, settled.measured(model)) if settled else None
            return agreement_with(model, asked.held_out), general

    def student(self, asked: Slice, objective: Objective, general: General | None) -> tuple[float, Evaluation | None]:
        """Agreement of a student of the slice, and what it does on the regression set."""
        with TemporaryDirectory() as folder:
            data, out = asked.write(Path(folder) / "data"), Path(folder) / "student"
            model = train(data, self.start, out, objective=objective, recipe=self.recipe, seed=self.seed).local()
            with borrowed(model.model, model.adapter):
                return agreement_with(model, asked.held_out), general.asked.measured(model) if general else None


def _slice(folder: Path, rows: int, held_out: int, seed: int) -> Slice:
    """Problems in an order of the seed: of the first, rows to measure on, of the others, rows to teach."""
    problems: dict[str, list[dict[str, Any]]] = {}
    for row in rows_in(folder, "train"):
        problems.setdefault(str(row.get("problem") or digest(row.get("prompt") or [row])), []).append(row)
    if len(problems) < FEWEST:
        raise DatasetError(f"A pilot needs at least {FEWEST} problems; {str(folder)!r} has {len(problems)}.")
    drawn = sorted(problems, key=lambda problem: digest(str(seed), problem))
    held = min(held_out, len(drawn) // 3)
    manifest = folder / MANIFEST
    told = orjson.loads(manifest.read_bytes()) if manifest.is_file() else {}
    taught = [row for problem in drawn[held:] for row in problems[problem]]
    return Slice(taught[:rows], [row for problem in drawn[:held] for row in problems[problem]], told.get("format"))


def _judged(found: dict[str, Any], enough: float, fell: str | None) -> PilotReport:
    after, reasoned = found["student_agreement"], found.get("reasoning_agreement")
    better = reasoned is not None and _beyond_chance(reasoned, found["reasoning_n"], after, found["n"])
    keeps = "keep the reasoning" if better else "go on" if after >= enough else "keep System 2"
    if after < enough and found["answer_alone"] and reasoned is None:
        keeps = "keep the reasoning"
    said = [_does_not_take(found, keeps)] if after < enough else []
    warning = " ".join([*said, *([fell] if fell else [])]) or None
    return PilotReport(**found, recommendation=keeps, warning=warning)


def _beyond_chance(one: float, n: int, other: float, m: int) -> bool:
    """Whether the 95 % interval of one share lies above that of the other."""
    return wilson(round(one * n), n)[0] > wilson(round(other * m), m)[1]


def _does_not_take(found: dict[str, Any], keeps: str) -> str:
    alone, reasoned = found["answer_alone"], found.get("reasoning_agreement")
    said = (
        f"{'Answer-only distillation' if alone else 'This distillation'} does not take here: after a pilot the student gives the "
        f"teacher's answer on {found['student_agreement']:.0%} of {found['n']} held-out rows (the base model: "
        f"{found['base_agreement']:.0%})."
    )
    if reasoned is not None:
        said += f" A student that was taught the reasoning, too: {reasoned:.0%} of {found['reasoning_n']}."
    if alone:
        said += " The published negative case looks the same: on GSM8K 52.77 with chain of thought, 7.13 distilled (Yu et al., 2407.06023)."
    if keeps == "keep the reasoning":
        return said + " Keep the reasoning in the target (--target with_reasoning), or keep System 2 for this task."
    return said + " Keep System 2 for this task, or try more rows and updates."
