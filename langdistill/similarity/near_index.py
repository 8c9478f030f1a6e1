"""Find texts like a text among very many, in bounded memory: MinHash proposes, the measure itself decides.

What is found is certain; a text like it may be missed, with the odds that two texts of that similarity share no band. With the
two hashes a band and 32 bands that are used here, 2 texts whose shingles have a Jaccard similarity of 0.3 are missed in 5 % of
cases, of 0.5 in 0.01 %.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType

import orjson
from rapidfuzz import process
from rapidfuzz.distance import Indel, LCSseq

from langdistill.similarity.minhash import bands, shingles, signature
from langdistill.similarity.rouge_l import CHARACTERS, SCREENING
from langdistill.similarity.spilling import spilling

BINS = 64
ROWS = 2
"""Hashes a band."""


@dataclass(frozen=True)
class Measure:
    """When two texts are alike."""

    name: str
    """As evidence tells it: "rouge_l", "jaccard"."""
    threshold: float
    """From here on they are."""
    shingle: int
    """Tokens that are hashed together."""
    between: Callable[[Sequence[str], Sequence[str]], float]
    screen: float = 0.0
    """No two texts reach the threshold whose ROUGE-L is below this; 0 where none can be told."""


def by_rouge_l(threshold: float) -> Measure:
    """ROUGE-L F1; runs of two tokens propose."""

    def between(a: Sequence[str], b: Sequence[str]) -> float:
        return 2 * LCSseq.similarity(a, b) / (len(a) + len(b))

    return Measure("rouge_l", threshold, 2, between, threshold)


def by_jaccard(threshold: float, shingle: int = 5) -> Measure:
    """Shared runs of `shingle` tokens over all that either text has."""

    def between(a: Sequence[str], b: Sequence[str]) -> float:
        one, other = set(shingles(a, shingle)), set(shingles(b, shingle))
        return len(one & other) / len(one | other)

    return Measure("jaccard", threshold, shingle, between)


@dataclass(frozen=True)
class Alike:
    """The most similar text that was found."""

    name: str
    score: float


class NearIndex:
    """Texts, as tokens, to find others like them; to be closed, or used as a context."""

    def __init__(self, measure: Measure) -> None:
        self._measure = measure
        self._count = 0
        self._db = spilling(
            "CREATE TABLE bands (key INTEGER, text INTEGER, PRIMARY KEY (key, text)) WITHOUT ROWID",
            "CREATE TABLE texts (id INTEGER PRIMARY KEY, name TEXT NOT NULL, tokens BLOB NOT NULL, letters BLOB NOT NULL)",
        )

    def add(self, tokens: Sequence[str], name: str) -> None:
        """Take in a text with at least one token."""
        self._insert(tokens, self._letters(tokens), self._bands(tokens), name)

    def alike(self, tokens: Sequence[str]) -> Alike | None:
        """The most similar of the proposed texts that reaches the threshold, the first of several."""
        return self._best(tokens, self._letters(tokens), self._bands(tokens))

    def alike_or_add(self, tokens: Sequence[str], name: str) -> Alike | None:
        """The text like this one, which is taken in where there is none."""
        letters, keys = self._letters(tokens), self._bands(tokens)
        found = self._best(tokens, letters, keys)
        if found is None:
            self._insert(tokens, letters, keys, name)
        return found

    def close(self) -> None:
        """Forget everything."""
        self._db.close()

    def __enter__(self) -> NearIndex:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _bands(self, tokens: Sequence[str]) -> list[int]:
        return bands(signature(shingles(tokens, self._measure.shingle), BINS), ROWS)

    def _letters(self, tokens: Sequence[str]) -> str:
        """A character for each token: equal for equal ones, and in one of a million cases for others, too."""
        return "".join(chr(one % CHARACTERS) for one in shingles(tokens, 1)) if self._measure.screen else ""

    def _insert(self, tokens: Sequence[str], letters: str, keys: list[int], name: str) -> None:
        row = (self._count, name, orjson.dumps(tokens), letters.encode("utf-32-le", "surrogatepass"))
        self._db.execute("INSERT INTO texts VALUES (?, ?, ?, ?)", row)
        self._db.executemany("INSERT OR IGNORE INTO bands VALUES (?, ?)", [(key, self._count) for key in keys])
        self._count += 1

    def _best(self, tokens: Sequence[str], letters: str, keys: list[int]) -> Alike | None:
        marks = ",".join("?" * len(keys))
        proposed = self._db.execute(
            f"SELECT id, letters FROM texts WHERE id IN (SELECT text FROM bands WHERE key IN ({marks})) ORDER BY id",
            keys,
        ).fetchall()
        if self._measure.screen:
            spelled = {at: one.decode("utf-32-le", "surrogatepass") for at, one in proposed}
            cutoff = max(self._measure.screen - SCREENING, 0.0)
            hits = process.extract_iter(letters, spelled, scorer=Indel.normalized_similarity, score_cutoff=cutoff)
            proposed = [(at, None) for _, _, at in hits]
        best: Alike | None = None
        for at, _ in proposed:
            [name, said] = self._db.execute("SELECT name, tokens FROM texts WHERE id = ?", (at,)).fetchone()
            score = self._measure.between(tokens, orjson.loads(said))
            if score >= self._measure.threshold and (best is None or score > best.score):
                best = Alike(name, score)
        return best
