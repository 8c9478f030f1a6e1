"""Keep what is unlike everything in a pool and everything that was kept before (Jiang et al., 2305.12870, section 3.3)."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from langdistill.datasets.texts import Texts, TextSource, texts_of
from langdistill.filters.comparing import Comparison, Judge, RowText, asked, share_of
from langdistill.filters.judging import Judgement
from langdistill.groups import Group
from langdistill.records import Example
from langdistill.similarity.pool_index import PoolIndex
from langdistill.similarity.rouge_l import Tokens, legible, words


@dataclass(frozen=True)
class Novel(Comparison):
    """See `novel`."""

    pool: Texts
    rouge_l: float
    strict: bool
    among: bool
    text: RowText
    tokens: Tokens

    @property
    def params(self) -> dict[str, Any]:
        """The pool by its size and digest."""
        return {**super().params, "pool": self.pool.told}

    @contextmanager
    def judging(self, groups: Iterable[Group]) -> Generator[Judge]:
        """Compare each row with the pool, which grows by those that stay."""
        expected = (self.text(row) for group in groups for row in group.rows) if self.among else ()
        index = PoolIndex(self.pool.items, threshold=self.rouge_l, tokens=self.tokens, expected=expected)
        stayed: list[str] = []

        def judge(row: Example) -> Judgement:
            text = self.text(row)
            if not legible(text, self.tokens(text)):
                return Judgement(None, "illegible")
            near = index.nearest(text)
            if near is not None and (near.score > self.rouge_l or self.strict):
                evidence = _where(near.at, len(self.pool.items), stayed)
                return Judgement(False, "not-novel", near.score, {**evidence, "rouge_l": near.score})
            if self.among:
                index.add(text)
                stayed.append(row.problem)
            return Judgement(True, "novel")

        yield judge


def novel(
    pool: TextSource = (),
    *,
    rouge_l: float = 0.7,
    strict: bool = True,
    among: bool = True,
    text: RowText = asked,
    tokens: Tokens = words,
) -> Novel:
    """Keep a row whose question is unlike each text of the pool and each question that stayed before it ("not-novel" otherwise).

    Exact: no pair is missed, and few are compared (`langdistill.similarity.pool_index`). The score, and the evidence with the
    text of the pool or the problem, are of the most similar one. Memory goes with the pool, about 1 KB a text of 20 tokens.

    Args:
        pool: what is known already: texts, a file, or the folder of a data set (`langdistill.datasets.texts.texts_of`). Read
            at once; a manifest tells its size and digest.
        rouge_l: the ROUGE-L F1 that must not be reached, without stemming. The paper's is 0.7.
        strict: the similarity must be below `rouge_l`, as the paper says. With `False` it may be equal: the code that was
            published with the paper drops what is above 0.7, so that 0.70 exactly stays.
        among: compare with the questions that stayed before, too, in the order of the problems' ids.
        text: what of a row is compared; what the user says in the prompt.
        tokens: cuts it into tokens; those of the rouge-score package know the letters a to z alone. A text of which they hold
            less than half of the letters and digits, or that has none, cannot be judged ("illegible"): give
            `langdistill.similarity.rouge_l.any_script`.

    Raises:
        DatasetError: the pool cannot be read, or `rouge_l` is not above 0 and at most 1.
    """
    share_of("novel", rouge_l=rouge_l)
    return Novel(texts_of(pool), rouge_l, strict, among, text, tokens)


def _where(at: int, pool: int, stayed: list[str]) -> dict[str, Any]:
    return {"pool": at} if at < pool else {"repeats": stayed[at - pool]}
