"""What the filters share that compare a row with others: the walk over the corpus, and which text of a row is compared."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from langdistill.errors import DatasetError
from langdistill.filters.judging import CorpusFilter, Judgement
from langdistill.filters.reading.tool_calls import asked as asked_by
from langdistill.filters.reading.tool_calls import leaves
from langdistill.groups import Group
from langdistill.records import Example, Message, Verdict, text_of

Judge = Callable[[Example], Judgement]
"""Judges rows in their order, and remembers those before."""
RowText = Callable[[Example], str]


def asked(row: Example) -> str:
    """What the user said in the prompt: the instruction. A system prompt that every row shares would make all alike."""
    return "\n".join(text for one in row.messages if one["role"] == "user" and (text := text_of(one)))


def whole(row: Example) -> str:
    """The prompt and the target: every message's text, system prompts left out."""
    messages = [one for one in (*row.messages, *row.target) if one["role"] != "system"]
    return "\n".join(text for one in messages if (text := text_of(one)))


def texts_in(row: Example) -> list[str]:
    """Every text that a row shows to a student, each message's apart, thinking and the arguments of tool calls included."""
    messages: list[Message] = [*row.messages, *row.target, *(row.rejected or ())]
    found = [text for one in messages for text in (text_of(one), one.get("reasoning_content")) if text]
    found += [text for one in messages for call in asked_by(one) for text in leaves(call.parsed)]
    found += [text for text, _ in row.steps or ()]
    return [*found, *(text for text in (row.reasoning, row.privileged) if text)]


@dataclass(frozen=True)
class Comparison(CorpusFilter):
    """Judges each row beside those before it; a problem goes when none of its rows stays, as with `RowFilter`."""

    @abstractmethod
    def judging(self, groups: Iterable[Group]) -> AbstractContextManager[Judge]:
        """A judge that has seen no row yet.

        Args:
            groups: all that it will see, for whoever must know the corpus beforehand.
        """

    def over(self, groups: Iterable[Group]) -> Iterator[Verdict]:
        """One verdict per group; of a problem with several rows the evidence tells each row that goes."""
        with self.judging(groups) as judge:
            for group in groups:
                judged = [judge(row) for row in group.rows]
                verdict = self.summed(judged)
                yield (
                    verdict
                    if len(judged) == 1
                    else verdict.model_copy(update={"evidence": {**verdict.evidence, "gone": _gone(judged)}})
                )


def share_of(name: str, **shares: float | None) -> None:
    """Refuse what is no similarity to ask for.

    Raises:
        DatasetError: it is not above 0 and at most 1.
    """
    for setting, value in shares.items():
        if value is not None and not 0 < value <= 1:
            raise DatasetError(f"{name}({setting}={value}) is no similarity; give a number above 0 and at most 1.")


def _gone(judged: Iterable[Judgement]) -> Mapping[str, Any]:
    return {str(at): one.evidence for at, one in enumerate(judged) if one.keep is False}
