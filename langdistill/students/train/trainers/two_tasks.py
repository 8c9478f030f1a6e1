"""TRL's trainer of supervised fine-tuning with two tasks in every batch, and the weighted sum of their losses."""

from __future__ import annotations

from typing import Any

from langdistill.students.libraries import imported
from langdistill.students.train.materials import Materials
from langdistill.students.train.objective import Row
from langdistill.students.train.rows.weights import WEIGHT
from langdistill.students.train.trainers.fine_tuning import heeding, sft_trainer, token_columns, with_weights

TASKS = ("label", "rationale")
SECOND = "rationale_"
"""Before the columns of the second task."""


def both(label: Row, rationale: Row) -> Row:
    """The two prepared rows of an example as one."""
    return {**label, **{f"{SECOND}{name}": value for name, value in rationale.items()}}


def parts(row: Row) -> dict[str, Row]:
    """The prepared rows of an example by task."""
    first = {name: value for name, value in row.items() if not name.startswith(SECOND)}
    second = {name.removeprefix(SECOND): value for name, value in row.items() if name.startswith(SECOND)}
    return dict(zip(TASKS, (first, second), strict=True))


def two_tasks(materials: Materials, alpha: float) -> Any:
    """A trainer of rows as `both` makes them.

    Args:
        materials: of the training.
        alpha: share of the first task in the loss.

    Raises:
        MissingExtra: torch, trl or peft is not installed.
        StudentError: the base cannot be trained so.
    """
    rows = [*materials.rows, *materials.held_out]
    weighted = any(WEIGHT in part for row in rows for part in parts(row).values())

    def dataset(some: list[Row]) -> Any:
        tasks = [token_columns([parts(row)[task] for row in some], weighted) for task in TASKS]
        return materials.dataset([both(*pair) for pair in zip(*tasks, strict=True)])

    trainer = sft_trainer(
        materials,
        materials.model(),
        (dataset(materials.rows), dataset(materials.held_out)),
        lambda kind: _summing(heeding(kind), alpha),
        remove_unused_columns=False,
    )
    one = with_weights(trainer.data_collator) if weighted else trainer.data_collator
    trainer.data_collator = lambda rows: {task: one([parts(row)[task] for row in rows]) for task in TASKS}
    return trainer


def _summing(kind: Any, alpha: float) -> Any:
    """The trainer that passes over the tasks of a batch one after the other."""
    torch = imported("torch")

    class Summing(kind):
        def _get_num_items_in_batch(self, batch_samples: list[Any], device: Any) -> Any:
            """Tokens of an update that carry loss, of each task: a task's share does not depend on how long its texts are."""
            counts = [
                super(Summing, self)._get_num_items_in_batch([b[task] for b in batch_samples], device) for task in TASKS
            ]
            return None if any(count is None for count in counts) else torch.stack(counts)

        def compute_loss(
            self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
        ) -> Any:
            counts = (None,) * len(TASKS) if num_items_in_batch is None else num_items_in_batch
            label, rationale = (
                super(Summing, self).compute_loss(model, inputs[task], False, count)
                for task, count in zip(TASKS, counts, strict=True)
            )
            loss = alpha * label + (1 - alpha) * rationale
            return (loss, None) if return_outputs else loss

        def floating_point_ops(self, inputs: Any) -> int:
            return sum(super(Summing, self).floating_point_ops(inputs[task]) for task in TASKS)

    return Summing
