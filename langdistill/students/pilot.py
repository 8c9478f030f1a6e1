"""Try a little before training a lot: does answer-only distillation take at all on this data set?

The distillation paper's own negative result is GSM8K: 52.77 with chain of thought, 7.13 distilled (Yu et al., 2407.06023). A
short pilot on a slice shows such a case within seconds. It reads the teacher's answers, and no gold.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
from langchain_core.runnables import RunnableConfig

from langdistill.answers import final_answer, same
from langdistill.datasets.containers import rows_in
from langdistill.errors import DatasetError
from langdistill.records import Record, digest
from langdistill.students.local import LocalChatModel
from langdistill.students.train.recipe import PILOT, Recipe
from langdistill.students.train.training import train


class PilotReport(Record):
    """What the pilot found."""

    base_agreement: float
    """Share of the held-out rows on which the base model gives the teacher's answer at once."""
    student_agreement: float
    """The same for the pilot student."""
    n: int
    """Held-out rows."""
    warning: str | None
    """What speaks against going on, if anything."""


def pilot(
    dataset: str | Path,
    base: str | Path,
    *,
    recipe: Recipe = PILOT,
    rows: int = 240,
    held_out: int = 100,
    enough: float = 0.3,
    seed: int = 0,
) -> PilotReport:
    """Train on some rows of a data set and measure on others how often the student gives the teacher's answer.

    Args:
        dataset: folder of a data set.
        base: folder of the base model.
        recipe: of the pilot.
        rows: to train on.
        held_out: to measure on; at most a third of the data set.
        enough: warn below this agreement.
        seed: of the slice and the training.

    Raises:
        DatasetError: the data set has fewer than six rows.
    """
    lines = [orjson.dumps(row) for row in rows_in(Path(dataset), "train")]
    if len(lines) < 6:
        raise DatasetError(f"A pilot needs at least 6 rows; {str(dataset)!r} has {len(lines)}.")
    drawn = [orjson.loads(line) for line in sorted(lines, key=lambda line: digest(str(seed), line))]
    held = min(held_out, len(drawn) // 3)
    test, taught = drawn[:held], drawn[held : held + rows]
    with TemporaryDirectory() as folder:
        small = Path(folder) / "data"
        small.mkdir()
        (small / "train.jsonl").write_bytes(
            b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in taught)
        )
        (small / "manifest.json").write_bytes(orjson.dumps({"hash": digest(taught)}))
        student = train(small, base, Path(folder) / "student", recipe=recipe, seed=seed)
        before = agreement_with(LocalChatModel(model=str(base)), test)
        after = agreement_with(student.local(), test)
    return PilotReport(
        base_agreement=before, student_agreement=after, n=held, warning=_warning(before, after, held, enough)
    )


def agreement_with(model: LocalChatModel, rows: list[dict[str, Any]]) -> float:
    """Share of the rows on which the model's greedy reply is the row's completion, as an answer."""
    config: RunnableConfig = {"max_concurrency": 256}
    replies = model.batch([row["prompt"] for row in rows], config)
    return sum(
        same(final_answer(r.text), row["completion"][-1]["content"]) for r, row in zip(replies, rows, strict=True)
    ) / len(rows)


def _warning(before: float, after: float, n: int, enough: float) -> str | None:
    if after >= enough:
        return None
    return (
        f"Answer-only distillation does not take here: after a pilot the student gives the teacher's answer on {after:.0%} of {n} "
        f"held-out rows (the base model: {before:.0%}). The published negative case looks the same: on GSM8K 52.77 with chain of "
        "thought, 7.13 distilled (Yu et al., 2407.06023). Keep the reasoning in the target, or keep System 2 for this task."
    )
