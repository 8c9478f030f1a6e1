"""What a training will take, before it is begun: rows, tokens, updates, memory, time, and what its loss is on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from langdistill.datasets.formats.unfit import Unfit
from langdistill.datasets.masking import Masked, masking
from langdistill.datasets.masking import Tokens as Said
from langdistill.errors import DatasetError
from langdistill.records import Record
from langdistill.students.libraries import imported
from langdistill.students.train.job import Job
from langdistill.students.train.memory import Memory, memory, parameters
from langdistill.students.train.objective import Row
from langdistill.students.train.progress import Progress
from langdistill.students.train.ranks import ranks
from langdistill.students.train.training import run
from langdistill.students.versioned import next_version

SHOWN = 3
"""Rows whose mask is told."""
WARM, TIMED = 2, 5
"""Updates that are made before the clock starts, and while it runs."""


class Tokens(Record):
    """Of the training rows, prompts included and padding left out."""

    total: int
    trained: int
    """That carry loss."""
    median: int
    """Of a row, as are the next two."""
    p95: int
    longest: int


class Piece(Record):
    """Consecutive tokens that all carry loss, or none of them."""

    text: str
    trained: bool
    tokens: int


class Plan(Record):
    """One training before it begins."""

    dataset: str
    dataset_hash: str
    base: str
    student: str
    """The folder that it will be written to."""
    objective: str
    rows: int
    validation_rows: int
    tokens: Tokens
    epochs: float
    """Passes over the rows, of all updates."""
    steps: int
    """Updates; about, where rows are packed."""
    devices: int
    padding: float
    """Share of a batch's places that hold no token, for batches in an order of the seed; 0 where rows are packed."""
    parameters: int
    trained_parameters: int
    memory: Memory
    tokens_per_second: float | None = None
    """Of a few real updates; `None`: not measured."""
    seconds: float | None = None
    """That the training takes at that speed; checkpoints and measuring them not included."""
    mask: list[list[Piece]]
    """The first rows, in pieces with loss and without."""
    remarks: list[str]
    """Of the objective about the rows together: how unevenly labels are spread, say."""


def plan(job: Job, *, measure: bool = False) -> Plan:
    """What a job will take. Rows are read and checked as the training does; no weights are loaded unless it measures.

    Args:
        job: of `planned`.
        measure: make a few updates in a temporary folder, to tell how long it takes.

    Raises:
        DatasetError: as `train`.
        StudentError: as `train`.
    """
    sizes = [job.objective.sizes(row) for row in job.prepared]
    lengths = sorted(size for size, _ in sizes)
    materials = job.materials(job.out)
    batches, devices = materials.passes, ranks().size
    counted = parameters(materials, job.objective.head, len(job.objective.labels(job.rows)))
    longest = job.recipe.max_length if job.recipe.packing else lengths[-1]
    epochs = materials.steps * job.recipe.accumulate * devices / batches
    speed = _speed(job) if measure else None
    return Plan(
        dataset=str(job.dataset),
        dataset_hash=job.dataset_hash,
        base=job.base,
        student=str(next_version(job.out)),
        objective=f"{job.objective.name}({', '.join(f'{key}={value!r}' for key, value in job.objective.params.items())})",
        rows=len(job.rows),
        validation_rows=len(job.validation),
        tokens=Tokens(
            total=sum(lengths),
            trained=sum(trained for _, trained in sizes),
            median=_share(lengths, 0.5),
            p95=_share(lengths, 0.95),
            longest=lengths[-1],
        ),
        epochs=round(epochs, 2),
        steps=materials.steps,
        devices=devices,
        padding=0.0 if job.recipe.packing else round(_padding(lengths, job.recipe.batch_size, job.seed), 4),
        parameters=counted.every,
        trained_parameters=counted.trained,
        memory=memory(counted, _text_config(job.base_folder), job.recipe, longest, bf16=materials.bf16),
        tokens_per_second=speed,
        seconds=round(sum(lengths) * epochs / speed, 1) if speed else None,
        mask=[_pieces(job, at) for at in range(min(SHOWN, len(job.prepared)))],
        remarks=job.objective.remarks(job.rows),
    )


def _share(ordered: Sequence[int], share: float) -> int:
    """The smallest value that this share of the values does not exceed."""
    return ordered[max(0, -int(-len(ordered) * share // 1) - 1)]


def _padding(lengths: Sequence[int], batch: int, seed: int) -> float:
    drawn = list(lengths)
    Random(seed).shuffle(drawn)
    batches = [drawn[at : at + batch] for at in range(0, len(drawn), batch)]
    return 1 - sum(drawn) / sum(max(one) * len(one) for one in batches)


def _text_config(base: Path) -> dict[str, Any]:
    found = imported("transformers").AutoConfig.from_pretrained(str(base), local_files_only=True)
    return found.get_text_config().to_dict()


def _pieces(job: Job, at: int) -> list[Piece]:
    """The mask of a row as its trainer gets it; of rows that are no plain labels, as the chat template and the format tell it."""
    row: Row = job.prepared[at]
    mask = masking(job.tokenizer)
    if isinstance(row.get("input_ids"), list) and isinstance(row.get("labels"), list):
        said = Said(row["input_ids"], [label != -100 for label in row["labels"]])
        return _told(mask.told("row", said))
    try:
        return [piece for one in mask.masked(job.rows[at]) for piece in _told(one)]
    except (DatasetError, Unfit):
        return []


def _told(masked: Masked) -> list[Piece]:
    return [Piece(text=span.text, trained=span.trained, tokens=span.tokens) for span in masked.spans]


def _speed(job: Job) -> float:
    """Tokens a second of a few real updates."""
    seen: list[Progress] = []
    with TemporaryDirectory() as folder:
        run(job.trial(Path(folder) / "measured", WARM + TIMED), on_progress=seen.append)
    made = seen[-1], seen[WARM - 1]
    return round((made[0].tokens - made[1].tokens) / (made[0].seconds - made[1].seconds), 1)
