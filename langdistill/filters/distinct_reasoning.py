"""Of a problem's rows keep those that reason in different ways (diverse reasoning: Ho et al., 2212.10071)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from langdistill.errors import DatasetError
from langdistill.filters.judging import Filter
from langdistill.groups import Group
from langdistill.records import Example, Verdict, text_of
from langdistill.similarity.rouge_l import any_script

RUN = 3
"""Words of a shingle."""

Shingles = frozenset[tuple[str, ...]]


@dataclass(frozen=True)
class DistinctReasoning(Filter):
    """See `distinct_reasoning`."""

    max_similarity: float
    min_rows: int

    def __call__(self, group: Group) -> Verdict:
        """Keep each row that is unlike those kept before it."""
        if not group.rows:
            return self.says(None, "no-rows")
        reasonings = [shingles(reasoning_of(row)) for row in group.rows]
        kept: list[int] = []
        for at, one in enumerate(reasonings):
            if all(similarity(one, reasonings[other]) <= self.max_similarity for other in kept):
                kept.append(at)
        evidence = {"rows": len(reasonings), "kept": len(kept), **distinctness(reasonings)}
        if len(kept) < self.min_rows:
            return self.says(False, "too-few", evidence=evidence)
        dropped = {at: "same-reasoning" for at in range(len(reasonings)) if at not in kept}
        return self.says(True, "distinct", evidence["distinct"], evidence=evidence, dropped=dropped)


def distinct_reasoning(max_similarity: float = 0.8, *, min_rows: int = 1) -> DistinctReasoning:
    """Keep rows whose reasoning is unlike that of the rows before them, in the order of the target.

    Two reasonings are as similar as the share of the runs of three words that they have in common (Jaccard index; case, space and
    punctuation left aside; each character a word where words are not written apart). The evidence states how distinct a problem's reasonings are: `distinct`, the share of different ones,
    and `similarity`, the mean over all pairs.

    Args:
        max_similarity: from 0, nothing in common, to 1, which drops only what is the same.
        min_rows: a problem with fewer ways of reasoning goes ("too-few").

    Raises:
        DatasetError: `max_similarity` is outside of 0 to 1.
    """
    if not 0 <= max_similarity <= 1:
        raise DatasetError(f"distinct_reasoning({max_similarity}) is no similarity; give a number from 0 to 1.")
    return DistinctReasoning(max_similarity, min_rows)


def reasoning_of(row: Example) -> str:
    """The thinking in a row, or where none is told apart, all that the student must say."""
    if row.reasoning is not None:
        return row.reasoning
    learnt = [one for one in row.target if one["role"] == "assistant"]
    return "\n".join(f"{one.get('reasoning_content', '')} {text_of(one) or ''}" for one in learnt)


def shingles(text: str) -> Shingles:
    """The runs of three words of a text; of a shorter one, the text itself."""
    found = any_script(text)
    return frozenset(tuple(found[at : at + RUN]) for at in range(max(1, len(found) - RUN + 1)))


def similarity(one: Shingles, other: Shingles) -> float:
    """The Jaccard index, from 0 to 1."""
    return len(one & other) / len(one | other)


def distinctness(reasonings: Sequence[Shingles]) -> dict[str, float]:
    """The share of different reasonings, and how similar two of them are in the mean; 0 where there is but one."""
    pairs = [similarity(one, other) for one, other in combinations(reasonings, 2)]
    return {
        "distinct": len(set(reasonings)) / len(reasonings) if reasonings else 0.0,
        "similarity": sum(pairs) / len(pairs) if pairs else 0.0,
    }
