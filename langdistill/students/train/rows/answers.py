"""Prompts with one or two answers as tokens, for trainers that weigh whole answers: what is checked here is what is trained on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langdistill.datasets.masking import Masking, masking
from langdistill.records import text_of
from langdistill.students.train.objective import Row
from langdistill.students.train.rows.refusals import Refused, checked

WEIGHED = "carry a weight, which this objective cannot heed: sft and classifier can, or harvest without weights"


def answer_rows(
    rows: Sequence[Row],
    tokenizer: Any,
    max_length: int,
    columns: tuple[str, ...],
    more: Callable[[Row], Row] = lambda row: {},
) -> list[Row]:
    """Rows as `prompt_ids` and, for each column of an answer, `<column>_ids`, in their order.

    Each row goes through the base's chat template and its masks are decoded back: an answer is all that the assistant says after the
    prompt with its end, and nothing else.

    Args:
        rows: in the formats `trl_preference` and `trl_unpaired`.
        tokenizer: of the base.
        max_length: most tokens of a prompt with one of its answers.
        columns: the answers: "chosen" and "rejected", or "completion".
        more: what else a prepared row has; may raise `Refused`.

    Raises:
        DatasetError: rows with an empty answer, the same answer twice, one that is too long, a weight, or that the template cannot print.
    """
    mask = masking(tokenizer, assistant_only=False)

    def read(row: Row) -> Row:
        check_row(row, ("prompt", *columns))
        return _tokens(mask, row, columns, max_length) | more(row)

    return checked(rows, read)


def check_row(row: Row, columns: Sequence[str]) -> None:
    """Whether the columns hold messages, the answers say something, and there is no weight.

    Raises:
        Refused: they do not.
    """
    for name in columns:
        if not isinstance(row.get(name), list) or not row[name]:
            raise Refused(f"have no messages in the column {name!r}")
        if name != "prompt" and not any(says_something(message) for message in row[name]):
            raise Refused(f"have nothing in the column {name!r} but an empty answer")
    if row.get("weight") not in (None, 1):
        raise Refused(WEIGHED)


def says_something(message: Mapping[str, Any]) -> bool:
    """Whether there is any text, thinking or tool call in a message."""
    said = (text_of(message), message.get("reasoning_content"))
    return bool(message.get("tool_calls")) or any(str(text).strip() for text in said if text)


def _tokens(mask: Masking, row: Row, columns: Sequence[str], max_length: int) -> Row:
    shown = {key: row[key] for key in ("prompt", *columns, "tools", "label") if key in row}
    mask.check(shown)
    answers = mask.tokens(shown)
    if any(len(answer.ids) > max_length for answer in answers):
        raise Refused(f"are longer than {max_length} tokens")
    start = min(answer.trained.index(True) for answer in answers)
    found = {f"{name}_ids": answer.ids[start:] for name, answer in zip(columns, answers, strict=True)}
    if len({tuple(ids) for ids in found.values()}) < len(columns):
        raise Refused("have the same answer twice")
    return {"prompt_ids": answers[0].ids[:start], **found}
