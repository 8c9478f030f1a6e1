"""Find, in a pool of texts, the one most similar to a text by ROUGE-L: exact, and without comparing with each of them.

Which texts need no comparison follows from bounds alone, so that no pair is missed. With m and n tokens, F1 >= t needs a common
subsequence, and so a common multiset, of at least a = t(m + n)/2 tokens.

* Length: the overlap is at most min(m, n), so n lies between tm/(2 - t) and m(2 - t)/t.
* Prefix (Chaudhuri et al., 2006; Bayardo et al., 2007; with more than one shared token, Wang et al., 2012): with the tokens of
  every text in one order, the rarest first, two texts that share a of them share two among the first m - a + 2 of the one and
  the first n - a + 2 of the other. Only such beginnings are indexed, and only texts that meet there twice are compared.

A repeated token counts as the first, second, ... of its kind, which makes a set of a multiset.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor

from rapidfuzz import process
from rapidfuzz.distance import Indel

from langdistill.errors import DatasetError
from langdistill.similarity.rouge_l import SCREENING, Tokens, f1, spelled, words

_KIND = 32
"""A token's number takes the low bits of a mark, which of its kind it is the bits above; the place and length of a text alike."""
_LOW = (1 << _KIND) - 1
_SLACK = 1e-9
"""Bounds are rounded to the safe side: no pair may be missed for the last bit of a product."""

SHARED = 2
"""Tokens that two texts must share in their beginnings to be compared. With 1 four times as many are compared; with 3 fewer are,
but the beginnings reach into frequent tokens, so that no time is won."""

Mark = int
"""A token, and which of its kind it is in its text."""
Rank = int
"""A mark's place in the order of rarity; the same order for every text."""


@dataclass(frozen=True)
class Near:
    """The text of a pool that is most similar to another one."""

    at: int
    """Its place in the pool, from 0."""
    score: float
    """ROUGE-L F1."""


class PoolIndex:
    """Texts to compare others with. Memory: about 0.5 KB for a text of 20 tokens; the texts themselves are not kept."""

    def __init__(
        self,
        texts: Iterable[str] = (),
        *,
        threshold: float = 0.7,
        tokens: Tokens = words,
        expected: Iterable[str] = (),
    ) -> None:
        """Index the texts.

        Args:
            texts: the pool; their places are counted from 0. A text without tokens is like no other and is never found.
            threshold: of ROUGE-L; what is less similar is not found.
            tokens: cuts a text into what is compared.
            expected: texts like those that will be added later, for the order of the tokens alone: it decides how fast the
                index is, never what it finds.

        Raises:
            DatasetError: `threshold` is not above 0 and at most 1.
        """
        if not 0 < threshold <= 1:
            raise DatasetError(f"A ROUGE-L threshold of {threshold} is none; give a number above 0 and at most 1.")
        self.threshold = threshold
        self._tokens = tokens
        self._numbers: dict[str, int] = {}
        self._texts: list[str | list[int]] = []
        self._starts: dict[Rank, array[int]] = {}
        """Rank to the texts that have it in their beginning, as length and place, the shortest first."""
        pool = [self._numbered(text) for text in texts]
        frequency = Counter(mark for numbers in (*pool, *map(self._numbered, expected)) for mark in _marks(numbers))
        rarest_first = sorted(frequency, key=lambda mark: (frequency[mark], mark))
        self._ranks: dict[Mark, Rank] = {mark: rank for rank, mark in enumerate(rarest_first)}
        for numbers in pool:
            self._place(numbers)

    def __len__(self) -> int:
        return len(self._texts)

    def add(self, text: str) -> int:
        """Take one more text into the pool; its place."""
        return self._place(self._numbered(text))

    def nearest(self, text: str) -> Near | None:
        """The most similar text of the pool, the first of several; `None` where none reaches the threshold."""
        found = [self._numbers.get(token, -1) for token in self._tokens(text)]
        candidates = sorted(self._candidates(found))
        # what is no token of the pool has one number that no text of the pool has
        query = spelled([len(self._numbers) if number < 0 else number for number in found])
        hits = process.extract_iter(
            query,
            [self._texts[at] for at in candidates],
            scorer=Indel.normalized_similarity,
            score_cutoff=max(self.threshold - SCREENING, 0.0),
        )
        exact = ((f1(query, choice), -candidates[at]) for choice, _, at in hits)
        score, at = max(exact, default=(0.0, 0))
        return Near(-at, score) if score >= self.threshold else None

    def comparisons(self, text: str) -> int:
        """With how many texts of the pool `nearest` compares this one."""
        return len(self._candidates([self._numbers.get(token, -1) for token in self._tokens(text)]))

    def _numbered(self, text: str) -> list[int]:
        numbers = self._numbers
        return [numbers.setdefault(token, len(numbers)) for token in self._tokens(text)]

    def _place(self, numbers: list[int]) -> int:
        at, n, ranks = len(self._texts), len(numbers), self._ranks
        self._texts.append(spelled(numbers))
        # a mark that comes up after the index was built is rarer than all before it
        in_order = sorted([ranks.setdefault(mark, -len(ranks)) for mark in _marks(numbers)])
        for rank in in_order[: n - self._least_shared(n) + SHARED if n else 0]:
            insort(self._starts.setdefault(rank, array("Q")), n << _KIND | at)
        return at

    def _least_shared(self, n: int) -> int:
        """Tokens that a text of `n` shares with any text that reaches the threshold: with the shortest such one."""
        shortest = max(ceil(self.threshold * n / (2 - self.threshold) - _SLACK), 1)
        return max(ceil(self.threshold * (shortest + n) / 2 - _SLACK), 1)

    def _candidates(self, found: list[int]) -> set[int]:
        """Places of all the texts that may reach the threshold."""
        m, t = len(found), self.threshold
        known = sorted(self._ranks[mark] for mark in _marks(found) if mark in self._ranks)
        low = max(ceil(t * m / (2 - t) - _SLACK), 1) << _KIND
        reached: Counter[int] = Counter()
        for at, rank in enumerate(known, m - len(known)):  # what is in no text of the pool is the rarest
            # a token stands in the beginning that counts for texts up to this length alone
            longest = floor(2 * (m - at + SHARED - 1) / t - m + _SLACK)
            if longest < 1:
                break
            if entries := self._starts.get(rank):
                reached.update(entries[bisect_left(entries, low) : bisect_left(entries, longest + 1 << _KIND)])
        shared = min(SHARED, self._least_shared(m)) if m else 0
        return {entry & _LOW for entry, count in reached.items() if count >= shared}


def _marks(numbers: list[int]) -> list[Mark]:
    """Each token with which of its kind it is."""
    if len(set(numbers)) == len(numbers):
        return numbers
    seen: dict[int, int] = {}
    marks: list[Mark] = []
    for number in numbers:
        kind = seen[number] = seen.get(number, -1) + 1
        marks.append(kind << _KIND | number)
    return marks
