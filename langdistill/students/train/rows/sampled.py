"""Rows for distillation on what a model itself says: tokens, the loss on the assistant's, and room for a sampled answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from langdistill.students.libraries import imported
from langdistill.students.train.objective import Row
from langdistill.students.train.rows.answers import WEIGHED
from langdistill.students.train.rows.masked import masked_rows
from langdistill.students.train.rows.refusals import Refusals

SFT_FORMATS = ("trl", "trl_messages", "privileged_context", "top_k_logprobs")
"""Formats whose rows have what the assistant says after a prompt."""


def sampled_rows(rows: Sequence[Row], tokenizer: Any, max_length: int, room: int) -> list[Row]:
    """Rows as `input_ids`, `labels` and `prompt_length`: the tokens before the first that carries loss, which are sampled from.

    Args:
        rows: in one of `SFT_FORMATS`.
        tokenizer: of the base.
        max_length: most tokens of a row, and of a prompt with a sampled answer.
        room: tokens of a sampled answer.

    Raises:
        DatasetError: as `masked_rows`; and rows with a weight, without a prompt, or whose prompt leaves no such room.
    """
    refusals, found = Refusals({}), list[Row]()
    for at, row in enumerate(rows):
        if row.get("weight") not in (None, 1):
            refusals.add(WEIGHED, at)
    refusals.tell(len(rows))
    for at, row in enumerate(masked_rows(rows, tokenizer, max_length)):
        length = next(place for place, label in enumerate(row["labels"]) if label != -100)
        if not length:
            refusals.add("have no prompt to answer", at)
        if length + room > max_length:
            refusals.add(f"have a prompt that leaves no room for {room} sampled tokens within {max_length}", at)
        found.append(row | {"prompt_length": length})
    refusals.tell(len(rows))
    return found


def collator(pad: int) -> Callable[[Sequence[Row]], dict[str, Any]]:
    """From rows to the tensors that TRL's `GKDTrainer` reads, padded on the left, where sampling goes on from the end."""
    torch = imported("torch")

    def padded(lists: Sequence[list[int]], filling: int) -> Any:
        longest = max(map(len, lists))
        return torch.tensor([[filling] * (longest - len(one)) + one for one in lists])

    def collate(rows: Sequence[Row]) -> dict[str, Any]:
        ids = [row["input_ids"] for row in rows]
        prompts = [row["input_ids"][: row["prompt_length"]] for row in rows]
        return {
            "input_ids": padded(ids, pad),
            "attention_mask": padded([[1] * len(one) for one in ids], 0),
            "labels": padded([row["labels"] for row in rows], -100),
            "prompts": padded(prompts, pad),
            "prompt_attention_mask": padded([[1] * len(one) for one in prompts], 0),
        }

    return collate
