"""Keep rows whose question belongs to the topic, by patterns or by likeness to example questions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from langchain_core.embeddings import Embeddings

from langdistill.errors import DatasetError
from langdistill.filters.judging import Judgement, RowFilter
from langdistill.filters.reading.likeness import Embedded, Space, Words
from langdistill.filters.reading.rows import questions_of
from langdistill.groups import Group
from langdistill.records import Example, Verdict, digest

FEWEST = 5
"""Examples from which it can be told how alike they are to one another."""


@dataclass(frozen=True)
class OnTopic(RowFilter):
    """See `on_topic`."""

    examples: tuple[str, ...]
    matching: tuple[str, ...]
    min_similarity: float | None
    embeddings: Embeddings | None

    @property
    def params(self) -> dict[str, Any]:
        """Its settings; the examples by their digest, an embedding model by its class and its own name."""
        named = super().params | {"examples": digest(list(self.examples)) if self.examples else None}
        model = getattr(self.embeddings, "model", None) or getattr(self.embeddings, "model_name", None)
        return named | ({"model": model} if isinstance(model, str) else {})

    def judge(self, row: Example, group: Group) -> Judgement:
        """Compare the question."""
        return self._judged([row])[0]

    def batch(self, groups: Sequence[Group]) -> list[Verdict]:
        """The verdicts; all questions are embedded together."""
        judged = iter(self._judged([row for group in groups for row in group.rows]))
        return [self.summed([next(judged) for _ in group.rows]) for group in groups]

    def _judged(self, rows: Sequence[Example]) -> list[Judgement]:
        questions = [questions_of(row) for row in rows]
        likeness = self._space.likeness(questions) if self._space else [None] * len(rows)
        return [self._told(*one) for one in zip(questions, likeness, strict=True)]

    def _told(self, question: str, likeness: float | None) -> Judgement:
        if not question.strip():
            return Judgement(None, "no-question")
        score = None if likeness is None else round(likeness, 6)
        if any(re.search(pattern, question, re.IGNORECASE) for pattern in self.matching):
            return Judgement(True, "matches", score)
        if score is not None and score >= self._least:
            return Judgement(True, "alike", score)
        return Judgement(False, "off-topic", score)

    @cached_property
    def _space(self) -> Space | None:
        if not self.examples:
            return None
        return Embedded(self.examples, self.embeddings) if self.embeddings else Words(self.examples)

    @cached_property
    def _least(self) -> float:
        if self.min_similarity is not None or self._space is None:
            return self.min_similarity or 0.0
        return round(self._space.least(), 6)


def on_topic(
    examples: Sequence[str] = (),
    *,
    matching: str | Sequence[str] = (),
    min_similarity: float | None = None,
    embeddings: Embeddings | None = None,
) -> OnTopic:
    r"""Keep rows whose question matches a pattern, or is as alike to example questions as these are to one another.

    The question is what the user says in the prompt, all turns. Likeness is the cosine with the centre of the examples, of TF-IDF
    weights or of `embeddings`. Words tell topics apart that have words of their own (an airline's service desk); where questions share
    a form and no words, as trivia do, they do not: give embeddings there, or use `on_topic_by`. Measured with 30 questions of GSM8K as
    examples and the default threshold: 1,272 of the 1,289 other questions of its test set are kept (98.7 %), and 39 of 351 requests
    to chat models, 8 of 80 of Vicuna's, 29 of 252 of Self-Instruct's and 2 of 19 of tau-bench's (tests/filters/test_on_topic.py).

    Args:
        examples: questions that are on topic, the more unlike one another the better; thirty do.
        matching: one or several regular expressions, whatever the case; one that is found is enough: ``r"\b(refund|flight)\b"``.
        min_similarity: least cosine. By default what 95 of 100 examples reach when each is compared with the others.
        embeddings: any LangChain embedding model.

    Raises:
        DatasetError: neither examples nor a pattern, or fewer than five examples and no threshold; an example is
            empty, or examples have no words in common to go by; a pattern is no regular expression.
    """
    patterns = (matching,) if isinstance(matching, str) else tuple(matching)
    if not examples and not patterns:
        raise DatasetError("on_topic() was given no topic; give example questions, or matching=r'...'.")
    if examples and min_similarity is None and len(examples) < FEWEST:
        raise DatasetError(
            f"on_topic() cannot tell from {len(examples)} examples how alike is alike enough; give {FEWEST}, or min_similarity=."
        )
    if empty := [at for at, example in enumerate(examples) if not example.strip()]:
        raise DatasetError(f"on_topic(examples=...) holds empty texts, at {empty}; leave them out.")
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            raise DatasetError(f"on_topic(matching={pattern!r}) is no regular expression: {error}.") from error
    if examples and min_similarity is None and embeddings is None and Words(examples).least() <= 0:
        raise DatasetError(
            "The examples of on_topic() have too few words in common to tell the topic by its words; "
            "give embeddings=, min_similarity= or matching=, or use on_topic_by()."
        )
    return OnTopic(tuple(examples), patterns, min_similarity, embeddings)
