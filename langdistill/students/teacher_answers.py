"""The teacher's short answers in the rows of a data set, and how often a model gives them: no gold is read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableConfig

from langdistill.answers import final_answer, same
from langdistill.errors import DatasetError
from langdistill.records import Message, text_of

TARGETS = ("completion", "chosen", "messages")
"""Columns whose last message is what the teacher said; the first that a row has counts."""
AT_ONCE = 256
"""Questions under way at a time; an in-process model runs them as one batch."""
CHARACTERS_PER_TOKEN = 2
"""At least, so that a reply has room for as much as the teacher said."""


@dataclass(frozen=True)
class Asked:
    """A question, and what the teacher answered."""

    prompt: list[Message]
    answer: str
    target: str
    """All that the teacher said, its reasoning included where the row has it."""

    @property
    def is_answer_alone(self) -> bool:
        """Whether the target says the answer and nothing else."""
        return same(self.target, self.answer)


def asked_in(row: dict[str, Any]) -> Asked | None:
    """The question of a row and the answer in its target; `None` where the target is long and marks no answer, is one not to
    imitate, or the row needs tools.
    """
    column = next((name for name in TARGETS if isinstance(row.get(name), list)), None)
    if column is None or row.get("tools") or row.get("label") is False or not row[column]:
        return None
    *context, last = row[column]
    text = text_of(last) if last.get("role") == "assistant" else None
    answer = final_answer(text) if text else None
    prompt = [*(row.get("prompt") or ()), *context]
    return Asked(prompt, answer, text) if text and answer and prompt else None


def all_asked(rows: Iterable[dict[str, Any]]) -> list[Asked]:
    """Of the rows that have such an answer."""
    return [asked for row in rows if (asked := asked_in(row))]


def agreement_with(model: BaseChatModel, rows: Iterable[dict[str, Any]]) -> float:
    """Share of the rows on which the model's greedy reply ends in the teacher's answer; rows without a short answer are left out.

    Raises:
        DatasetError: no row has one.
    """
    asked = all_asked(rows)
    if not asked:
        raise DatasetError(
            "No row has a short answer that a reply could be compared with. Harvest with a target that ends in one."
        )
    config: RunnableConfig = {"max_concurrency": AT_ONCE}
    prompts: list[Any] = [one.prompt for one in asked]
    replies: list[BaseMessage] = list(model.batch(prompts, config, max_tokens=room_for(asked)))
    return sum(same(final_answer(str(r.text)), one.answer) for r, one in zip(replies, asked, strict=True)) / len(asked)


def room_for(asked: Iterable[Asked]) -> int:
    """Tokens that a reply needs for as much as the longest target says."""
    return 32 + max((len(one.target) for one in asked), default=0) // CHARACTERS_PER_TOKEN
