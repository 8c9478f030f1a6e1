"""Keep the first of rows that say nearly the same."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass

from langdistill.errors import DatasetError
from langdistill.filters.comparing import Comparison, Judge, RowText, share_of, whole
from langdistill.filters.judging import Judgement
from langdistill.groups import Group
from langdistill.records import Example
from langdistill.similarity.near_index import NearIndex, by_jaccard, by_rouge_l
from langdistill.similarity.rouge_l import Tokens, any_script, legible


@dataclass(frozen=True)
class NoNearDuplicates(Comparison):
    """See `no_near_duplicates`."""

    rouge_l: float | None
    jaccard: float | None
    text: RowText
    tokens: Tokens

    @contextmanager
    def judging(self, groups: Iterable[Group]) -> Generator[Judge]:
        """Compare each row with those that stayed before it."""
        measure = by_jaccard(self.jaccard) if self.jaccard is not None else by_rouge_l(self.rouge_l or 0.0)
        with NearIndex(measure) as index:

            def judge(row: Example) -> Judgement:
                text = self.text(row)
                tokens = self.tokens(text)
                if not legible(text, tokens):
                    return Judgement(None, "illegible")
                found = index.alike_or_add(tokens, row.problem)
                if found is None:
                    return Judgement(True, "first")
                return Judgement(
                    False, "near-duplicate", found.score, {"repeats": found.name, measure.name: found.score}
                )

            yield judge


def no_near_duplicates(
    rouge_l: float | None = None,
    *,
    jaccard: float | None = None,
    text: RowText = whole,
    tokens: Tokens = any_script,
) -> NoNearDuplicates:
    """Keep a row unless it is too much like one that stayed before it, in the order of the problems' ids ("near-duplicate").

    For corpora of any size: MinHash proposes which rows to compare, the measure itself decides, so what is dropped is certain,
    and memory is bounded (on disk past 64 MiB). A near duplicate can be missed: 3 in a thousand on the sets of
    docs/harvest.md. Where none may be, and the texts are short, use `novel`, which is exact.

    The score, and the evidence with the problem that is repeated, are of the most similar row that stayed.

    Args:
        rouge_l: alike from this ROUGE-L F1 on; 0.7 where neither is given.
        jaccard: instead, alike from this share of common runs of five tokens on.
        text: what of a row is compared; every message but system prompts.
        tokens: cuts it into tokens. A text of which they hold less than half of the letters and digits, or that has none,
            cannot be judged ("illegible").

    Raises:
        DatasetError: both are given, or one is not above 0 and at most 1.
    """
    if rouge_l is not None and jaccard is not None:
        raise DatasetError(f"no_near_duplicates got rouge_l={rouge_l} and jaccard={jaccard}; give one of them.")
    share_of("no_near_duplicates", rouge_l=rouge_l, jaccard=jaccard)
    return NoNearDuplicates(0.7 if rouge_l is None and jaccard is None else rouge_l, jaccard, text, tokens)
