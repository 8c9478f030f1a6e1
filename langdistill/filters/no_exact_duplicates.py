"""Keep the first of rows that say the same."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unicodedata import normalize

from langdistill.filters.comparing import Comparison, Judge
from langdistill.filters.judging import Judgement
from langdistill.groups import Group
from langdistill.records import Example, Message, canonical, text_of
from langdistill.similarity.first_seen import FirstSeen


@dataclass(frozen=True)
class NoExactDuplicates(Comparison):
    """See `no_exact_duplicates`."""

    @contextmanager
    def judging(self, groups: Iterable[Group]) -> Generator[Judge]:
        """Go by a digest of what each row says."""
        with FirstSeen() as seen:

            def judge(row: Example) -> Judgement:
                first = seen.shown(_said(row), row.problem)
                return (
                    Judgement(True, "first")
                    if first is None
                    else Judgement(False, "duplicate", evidence={"repeats": first})
                )

            yield judge


def no_exact_duplicates() -> NoExactDuplicates:
    """Keep a row unless one before it, in the order of the problems' ids, says the same ("duplicate").

    Two rows say the same where prompt and target (and the rejected answer, where there is one) have the same texts, thinking and
    tool calls message by message, and the same tools were offered. Texts are compared after Unicode's NFKC, case folded, with
    runs of white space as one space; ids of tool calls are not compared. The evidence names the problem that is repeated.

    Memory is bounded: 16 bytes and a problem's id a row, on disk past 64 MiB.
    """
    return NoExactDuplicates()


def _said(row: Example) -> bytes:
    parts = [[_plain(one) for one in messages] for messages in (row.messages, row.target, row.rejected or [])]
    return canonical([*parts, row.tools, row.good])


def _plain(message: Message) -> list[Any]:
    calls = [one.get("function", one) for one in message.get("tool_calls") or []]
    content = message["content"]
    blocks = (
        [one for one in content if not isinstance(one, dict) or "text" not in one] if isinstance(content, list) else []
    )
    return [message["role"], _folded(text_of(message)), _folded(message.get("reasoning_content")), calls, blocks]


def _folded(text: str | None) -> str:
    return " ".join(normalize("NFKC", text or "").casefold().split())
