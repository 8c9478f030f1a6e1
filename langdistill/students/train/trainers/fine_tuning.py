"""TRL's trainer of supervised fine-tuning on prepared rows: with their weights, packed where asked, in batches of one's own.

TRL computes the loss. Without weights, packing and batches it is TRL's trainer and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langdistill.students.libraries import imported
from langdistill.students.train.materials import Materials
from langdistill.students.train.objective import Row
from langdistill.students.train.rows.weights import WEIGHT
from langdistill.students.train.trainers.batches import Batches
from langdistill.students.train.trainers.packing import apart, check_apart, packed

WEIGHTS = "weights"
"""Column of a weight for each token."""


def fine_tuning(materials: Materials, *, batches: Batches | None = None) -> Any:
    """A trainer of rows with `input_ids`, `labels` and, where they differ, `weight`.

    Args:
        materials: of the training.
        batches: which rows make a batch; `None`: any, drawn at random.

    Raises:
        MissingExtra: torch, trl or peft is not installed.
        StudentError: the base cannot be trained so.
    """
    sides = (materials.rows, materials.held_out)
    weighted = any(WEIGHT in row for rows in sides for row in rows)
    model, recipe = materials.model(), materials.recipe
    found = [materials.dataset(token_columns(rows, weighted)) for rows in sides]
    if recipe.packing:
        check_apart(model, materials.rows, materials.tokenizer.pad_token_id)
        found = [rows and packed(rows, recipe.max_length) for rows in found]
    plain = not weighted and batches is None
    trainer = sft_trainer(
        materials,
        model,
        (found[0], found[1]),
        (lambda kind: kind) if plain else (lambda kind: heeding(kind, batches)),
        remove_unused_columns=not weighted,
    )
    if recipe.packing:
        trainer.data_collator = apart(trainer.data_collator)
    if weighted:
        trainer.data_collator = with_weights(trainer.data_collator)
    return trainer


def sft_trainer(
    materials: Materials, model: Any, rows: tuple[Any, Any], kind: Callable[[Any], Any], **arguments: Any
) -> Any:
    """TRL's trainer, or a kind of it.

    Args:
        materials: of the training.
        model: to train.
        rows: to train on, and held out.
        kind: makes the trainer's class of TRL's.
        **arguments: of `trl.SFTConfig`.
    """
    config, trainer = imported("trl.trainer.sft_config").SFTConfig, imported("trl.trainer.sft_trainer").SFTTrainer
    return kind(trainer)(
        model=model,
        args=config(**materials.arguments(max_length=None, **arguments)),
        train_dataset=rows[0],
        eval_dataset=rows[1],
        processing_class=materials.tokenizer,
        peft_config=materials.adapter(),
    )


def token_columns(rows: list[Row], weighted: bool) -> list[Row]:
    """What the trainer reads of prepared rows, a weight for each token among it: packing joins every column alike."""
    plain = [{"input_ids": row["input_ids"], "labels": row["labels"]} for row in rows]
    if not weighted:
        return plain
    return [
        {**one, WEIGHTS: [row.get(WEIGHT, 1.0)] * len(one["input_ids"])} for one, row in zip(plain, rows, strict=True)
    ]


def with_weights(collate: Any) -> Any:
    """A collator that adds the weights of tokens, of shape (rows, tokens) as the ids."""
    torch = imported("torch")

    def collated(rows: list[Row]) -> dict[str, Any]:
        batch = collate([{name: value for name, value in row.items() if name != WEIGHTS} for row in rows])
        weights = torch.zeros(batch["input_ids"].shape, dtype=torch.float32)
        for at, row in enumerate(rows):
            weights[at, : len(row[WEIGHTS])] = torch.tensor(row[WEIGHTS])
        return {**batch, WEIGHTS: weights}

    return collated


def heeding(kind: Any, batches: Batches | None = None) -> Any:
    """The trainer that heeds the weights in a batch, and whose batches are those given."""

    class Heeding(kind):
        def compute_loss(
            self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
        ) -> Any:
            weights = inputs.pop(WEIGHTS, None)
            asked = model if weights is None else _weighing(model, weights)
            return super().compute_loss(asked, inputs, return_outputs, num_items_in_batch)

        def get_train_dataloader(self) -> Any:
            if batches is None:
                return super().get_train_dataloader()
            loader = imported("torch.utils.data").DataLoader(
                self.train_dataset,
                batch_sampler=batches.of(lambda: int(self.state.epoch or 0)),
                collate_fn=self.data_collator,
                num_workers=self.args.dataloader_num_workers,
                pin_memory=self.args.dataloader_pin_memory,
            )
            return self.accelerator.prepare(loader)

    return Heeding


def _weighing(model: Any, weights: Any) -> Any:
    """A model whose log-probabilities are multiplied by weights, for a trainer that sums them.

    Args:
        model: with TRL's fused head, which tells a log-probability for each token but the first.
        weights: (rows, tokens).
    """

    def forward(**inputs: Any) -> Any:
        told = model(**inputs)
        told.log_probs = told.log_probs * weights[:, 1:]
        return told

    return forward
