"""Which of many short texts a longer one holds, whole or in part: shared runs of n tokens (Brown et al., 2005.14165, appendix C)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from langdistill.similarity.rouge_l import Tokens

SHORTEST = 8
"""Tokens of the shortest run that tells anything (the least N of the paper); a text below it must be equal."""

Gram = tuple[str, ...]


@dataclass(frozen=True)
class Overlap:
    """The text of which most was found."""

    at: int
    """Its place, from 0."""
    share: float
    """Of its tokens, how many are in runs that were found; 1 for a text that was found whole."""


class OverlapIndex:
    """Texts to look for in others."""

    def __init__(self, texts: Sequence[str], *, n: int, common: int, tokens: Tokens) -> None:
        """Index the texts.

        Args:
            texts: what to look for.
            n: tokens of a run. A text with fewer is looked for whole, one with less than 8 (or n) among whole texts alone.
            common: a run that more than so many different texts hold is a phrase of their kind and tells nothing; a text that
                has no other is looked for whole.
            tokens: cuts a text into what is compared.
        """
        self._n, self._cut = n, tokens
        self._sizes: list[int] = []
        self._runs: dict[Gram, list[tuple[int, int]]] = {}
        """Run to the texts that hold it, and where."""
        self._wholes: dict[int, dict[Gram, int]] = {}
        """Number of tokens to the texts of that many that are looked for whole."""
        self._equals: dict[Gram, int] = {}
        found = [tuple(tokens(text)) for text in texts]
        held = Counter(run for one in set(found) for run in set(_runs(one, n)))
        for at, one in enumerate(found):
            self._take(at, one, [(start, run) for start, run in enumerate(_runs(one, n)) if held[run] <= common])

    def in_text(self, text: str) -> Overlap | None:
        """What a text holds most of, the first of several; `None` where it holds nothing."""
        tokens = tuple(self._cut(text))
        if (equal := self._equals.get(tokens)) is not None:
            return Overlap(equal, 1.0)
        wholes = [
            at
            for size, known in self._wholes.items()
            for run in _runs(tokens, size)
            if (at := known.get(run)) is not None
        ]
        if wholes:
            return Overlap(min(wholes), 1.0)
        covered: dict[int, set[int]] = {}
        for run in set(_runs(tokens, self._n)):
            for at, start in self._runs.get(run, ()):
                covered.setdefault(at, set()).update(range(start, start + self._n))
        shares = ((len(found) / self._sizes[at], -at) for at, found in covered.items())
        share, at = max(shares, default=(0.0, 0))
        return Overlap(-at, share) if share else None

    def _take(self, at: int, tokens: Gram, runs: Sequence[tuple[int, Gram]]) -> None:
        self._sizes.append(len(tokens))
        if tokens:
            self._equals.setdefault(tokens, at)
        for start, run in runs:
            self._runs.setdefault(run, []).append((at, start))
        if not runs and len(tokens) >= min(SHORTEST, self._n):
            self._wholes.setdefault(len(tokens), {}).setdefault(tokens, at)


def _runs(tokens: Gram, size: int) -> Iterator[Gram]:
    return (tokens[start : start + size] for start in range(len(tokens) - size + 1))
