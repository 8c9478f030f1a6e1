"""A trainer of classifiers that heeds a weight per row: transformers has one per class at most."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from langdistill.students.libraries import imported


def classifying(model: Any, arguments: Any, rows: Any, held_out: Any, tokenizer: Any) -> Any:
    """A `Trainer` on cross-entropy, each row's times its weight.

    Args:
        model: gives one number a label.
        arguments: `TrainingArguments`.
        rows: a `Dataset` of `input_ids`, `labels` (the index of the label) and `weights` (1 on average).
        held_out: the same; may be `None`.
        tokenizer: of the model.
    """
    torch, trainer = imported("torch"), imported("transformers").Trainer

    class Weighed(trainer):  # type: ignore[misc, valid-type]
        def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **_: Any) -> Any:
            labels, weights = inputs.pop("labels"), inputs.pop("weights")
            outputs = model(**inputs)
            losses = torch.nn.functional.cross_entropy(outputs.logits.float(), labels, reduction="none")
            loss = (losses * weights).mean()
            return (loss, outputs) if return_outputs else loss

    made = Weighed(
        model=model,
        args=arguments,
        data_collator=collator(tokenizer.pad_token_id),
        train_dataset=rows,
        eval_dataset=held_out,
        processing_class=tokenizer,
    )
    made.model_accepts_loss_kwargs = False  # the loss is a mean over a pass, so passes of an update are averaged
    return made


def collator(pad: int) -> Callable[[Sequence[dict[str, Any]]], dict[str, Any]]:
    """From rows to tensors, padded on the right."""
    torch = imported("torch")

    def collate(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        longest = max(len(row["input_ids"]) for row in rows)
        blanks = [longest - len(row["input_ids"]) for row in rows]
        return {
            "input_ids": torch.tensor([row["input_ids"] + [pad] * n for row, n in zip(rows, blanks, strict=True)]),
            "attention_mask": torch.tensor([[1] * (longest - n) + [0] * n for n in blanks]),
            "labels": torch.tensor([row["labels"] for row in rows]),
            "weights": torch.tensor([row["weights"] for row in rows]),
        }

    return collate
