"""Conversations as tokens with the loss on what the assistant says: what is checked here is what is trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langdistill.datasets.formats.unfit import Unfit
from langdistill.datasets.masking import Masking, masking
from langdistill.errors import DatasetError
from langdistill.students.train.objective import Row
from langdistill.students.train.rows.answers import says_something
from langdistill.students.train.rows.refusals import Refusals
from langdistill.students.train.rows.weights import NO_WEIGHT, weighed, weight_of


def masked_rows(rows: Sequence[Row], tokenizer: Any, max_length: int) -> list[Row]:
    """Rows of the formats `trl` and `trl_messages` as `input_ids` and `labels`, in their order.

    Each row goes through the base's chat template and its mask is decoded back: loss is on the completion with its end, or on the
    assistant's messages, and on nothing else. TRL trains on tokens that are given as they are. Where rows differ in `weight`, each
    has its own, scaled (`students/train/rows/weights.py`).

    Raises:
        DatasetError: rows that are longer than `max_length`, teach nothing, have a weight that is no positive number, or that the
            template cannot print.
    """
    mask, refusals = masking(tokenizer), Refusals({})
    found: list[Row] = []
    weights: list[float] = []
    for at, row in enumerate(rows):
        try:
            ids, labels = _tokens(mask, row)
        except Unfit as unfit:
            nothing = unfit.reason == "nothing-trained"
            refusals.add("teach nothing: the assistant says nothing" if nothing else f"fail with {unfit.reason}", at)
            continue
        if len(ids) > max_length:
            refusals.add(f"are longer than {max_length} tokens", at)
        if (weight := weight_of(row)) is None:
            refusals.add(NO_WEIGHT, at)
        found.append({"input_ids": ids, "labels": labels})
        weights.append(weight or 1.0)
    refusals.tell(len(rows))
    return weighed(found, weights)


def _tokens(mask: Masking, row: Row) -> tuple[list[int], list[int]]:
    checked = mask.check(row)
    replies = [message for one in checked for message in row[one.column] if message.get("role") == "assistant"]
    if not any(map(says_something, replies)):  # an end alone teaches it to be silent
        raise Unfit("nothing-trained")
    said = mask.tokens(row)
    if len(said) != 1:
        raise DatasetError(
            f"A row with the columns {', '.join(row)} has {len(said)} answers; one was expected. Harvest in the format trl."
        )
    return said[0].ids, said[0].labels
