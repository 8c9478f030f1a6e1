"""Rows with their teacher's log-probabilities: what is taught at each of the student's tokens that carry loss."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from langdistill.datasets.teacher_logprobs import distributions
from langdistill.errors import DatasetError
from langdistill.records import text_of
from langdistill.students.train.alignment.aligning import aligned
from langdistill.students.train.alignment.vocabulary import Vocabulary, joined, spelt
from langdistill.students.train.objective import Row
from langdistill.students.train.rows.refusals import Refusals

Taught = list[dict[int, float] | None]
"""At each token that carries loss the student's tokens with their probabilities: none where the teacher's tokens are cut otherwise,
and `None` outside of the text that both say, as at the end."""

Told = tuple[list[str], list[dict[str, float]]]
"""The texts of a teacher's tokens, and of each the log-probabilities of its alternatives by their texts."""
ROUNDING = 0.01
"""A log-probability may be this little above 0."""


@dataclass(frozen=True)
class Teaching:
    """How a teacher's tokens become the student's."""

    vocabulary: Vocabulary
    """Of the student."""
    k: int
    """How many of the teacher's alternatives, likeliest first."""
    renormalise: bool
    least_copied: float
    """Share of the tokens of what both say that must get the teacher's distribution, over all rows."""

    def rows(self, rows: Sequence[Row], masked: Sequence[Row]) -> list[Row]:
        """Rows as `masked_rows` made them of `rows`, with three columns more.

        `teacher_ids` and `teacher_probs` have a list for each label that carries loss, in their order, empty where the teacher tells
        nothing: everywhere in a row without log-probabilities. `weight` is how much the row counts.

        Raises:
            DatasetError: no row has log-probabilities, those of some are of another text than the completion or in another shape,
                or too few tokens could be copied.
        """
        refusals, found = Refusals({}), list[Taught]()
        for at, (row, one) in enumerate(zip(rows, masked, strict=True)):
            learnt = [label for label in one["labels"] if label != -100]
            told = _told(row.get("logprobs") or [])
            taught = self.of(row, learnt, told) if told else None
            if told is None:
                refusals.add("have logprobs in another shape than OpenAI's", at)
            elif taught is None:
                refusals.add("have the logprobs of another text than their completion", at)
            else:
                found.append(taught)
        refusals.tell(len(rows))
        self._check(rows, found)
        return [_row(row, one, taught) for row, one, taught in zip(rows, masked, found, strict=True)]

    def of(self, row: Row, learnt: Sequence[int], told: Told) -> Taught | None:
        """What is taught at the tokens of a row that carry loss; `None` where its log-probabilities are of another text.

        Only the text that the teacher's tokens and the student's share is aligned: a chat template puts an end and empty thinking
        around it, and a server may tell more tokens than those of the text.
        """
        tokens, alternatives = told
        if not tokens:
            return _untaught(learnt)
        theirs, ours = list(map(spelt, tokens)), self.vocabulary.texts(learnt)
        for text in _shared(row, theirs):
            here, there = _covering(ours, text), _covering(theirs, text)
            if here and there:
                likeliest = [_likeliest(one, self.k) for one in alternatives[there]]
                found = aligned(learnt[here], tokens[there], likeliest, self.vocabulary, renormalise=self.renormalise)
                taught = _untaught(learnt)
                pairs = zip(found.distributions, found.copied, strict=True)
                taught[here] = [one if copied else {} for one, copied in pairs]
                return taught
        return None

    def _check(self, rows: Sequence[Row], found: Iterable[Taught]) -> None:
        """That the teacher is heard."""
        names = sorted({str(row.get("tokenizer")) for row in rows if row.get("logprobs")})
        if rows and not names:
            raise DatasetError(
                f"None of {len(rows)} rows has log-probabilities. Harvest with teacher_logprobs(...) from a teacher that was asked "
                "for them, or train with the objective sft."
            )
        shared = [one for taught in found for one in taught if one is not None]
        copied = sum(bool(one) for one in shared)
        if copied < self.least_copied * len(shared):
            raise DatasetError(
                f"The teacher's distribution could be copied at {copied:,} of {len(shared):,} tokens, which is less than "
                f"{self.least_copied:.0%}: its tokens ({', '.join(names)}) and those of the base are cut too differently, or the "
                "log-probabilities are of another tokenizer than they say. Take a teacher or a base of a nearer family, train with "
                "the objective sft, or lower least_copied."
            )


def _told(logprobs: Sequence[Any]) -> Told | None:
    """What a row tells; `None` where it is no such thing, as where probabilities stand in place of their logarithms."""
    try:
        tokens, alternatives = distributions(logprobs)
    except (KeyError, TypeError, AttributeError, ValueError):
        return None
    shares: list[Any] = [share for one in alternatives for share in one.values()]
    return (tokens, alternatives) if all(isinstance(one, (int, float)) and one < ROUNDING for one in shares) else None


def _untaught(learnt: Sequence[int]) -> Taught:
    return [None] * len(learnt)


def _shared(row: Row, theirs: Sequence[str]) -> Iterator[str]:
    """Texts that both may say: all that the teacher told, the completion, and the completion as templates trim it."""
    yield joined(theirs)
    said = next((text_of(one) for one in reversed(row["completion"]) if one["role"] == "assistant"), None) or ""
    yield from (said, said.strip())


def _covering(tokens: Sequence[str], text: str) -> slice | None:
    """The tokens that the last occurrence of a text lies in; `None` where it is no part of what they say."""
    spans = [one.encode("utf-8", "surrogateescape") for one in tokens]
    wanted = text.encode("utf-8", "replace")
    start = b"".join(spans).rfind(wanted)
    if start < 0 or not wanted:
        return None
    ends, at = list[int](), 0
    for span in spans:
        at += len(span)
        ends.append(at)
    first = next(index for index, end in enumerate(ends) if end > start)
    last = next(index for index, end in enumerate(ends) if end >= start + len(wanted))
    return slice(first, last + 1)


def _likeliest(alternatives: dict[str, float], k: int) -> dict[str, float]:
    if len(alternatives) <= k:
        return alternatives
    return dict(heapq.nlargest(k, alternatives.items(), key=lambda one: one[1]))


def _row(row: Row, masked: Row, taught: Taught) -> Row:
    return {
        **masked,
        "teacher_ids": [list(one or ()) for one in taught],
        "teacher_probs": [list((one or {}).values()) for one in taught],
        "weight": masked.get("weight", 1.0),
    }
