"""How alike texts are to a handful of examples: the cosine with their centre, of word weights or of embeddings.

How alike is alike enough follows from the examples: each of them is compared with the centre of the others.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import log, sqrt
from typing import TypeVar

from langchain_core.embeddings import Embeddings

WORD = re.compile(r"[^\W\d_]+|\d+")
LISTED = (
    "a about an and are as at be been being but by can could did do does down for from had has have he her here him his how i if in "
    "into is it its may me might must my no not of on or our out over please s shall she should so t than that the their them then "
    "there these they this those to under up us was we were what when where which who whom why will with would you your am"
)
SMALL = frozenset(LISTED.split())
"""English words that say nothing of a topic."""
OUTLIERS = 0.05
"""Share of the examples that may be less alike to the others than what still counts as alike."""
ENOUGH = 100
"""Examples that are compared with all others, of more every so many-th."""
Key = TypeVar("Key", str, int)
Vector = Mapping[Key, float]


class Space(ABC):
    """Where examples and texts are compared."""

    def __init__(self, examples: Sequence[str]) -> None:
        self.examples = tuple(examples)

    @abstractmethod
    def likeness(self, texts: Sequence[str]) -> list[float]:
        """Cosine of each text with the centre of the examples, -1 to 1."""

    @abstractmethod
    def among_themselves(self) -> list[float]:
        """Cosine of examples with the centre of the others."""

    def least(self) -> float:
        """What 95 of 100 examples reach."""
        reached = sorted(self.among_themselves())
        return reached[int(OUTLIERS * len(reached))]


class Words(Space):
    """TF-IDF. A word weighs ``(1 + log tf) (1 + log((1 + n) / (1 + df)))`` over n examples.

    A word that is in none of them weighs most, so foreign words make a text less alike. Every number is the word "0", and
    small English words are left out.
    """

    def __init__(self, examples: Sequence[str]) -> None:
        super().__init__(examples)
        words = [_words(text) for text in examples]
        self._holding = Counter(word for one in words for word in set(one))
        self._centre = _unit(_sum(self._vector(one) for one in words))

    def likeness(self, texts: Sequence[str]) -> list[float]:
        """See `Space`; 0 of a text without words."""
        return [_cosine(self._vector(_words(text)), self._centre) for text in texts]

    def among_themselves(self) -> list[float]:
        """See `Space`."""
        examples = self.examples
        every = range(0, len(examples), max(1, len(examples) // ENOUGH))
        return [Words([*examples[:at], *examples[at + 1 :]]).likeness([examples[at]])[0] for at in every]

    def _vector(self, words: Iterable[str]) -> Vector[str]:
        return _unit({word: (1 + log(count)) * self._weight(word) for word, count in Counter(words).items()})

    def _weight(self, word: str) -> float:
        return 1 + log((1 + len(self.examples)) / (1 + self._holding[word]))


class Embedded(Space):
    """The vectors of an embedding model."""

    def __init__(self, examples: Sequence[str], embeddings: Embeddings) -> None:
        super().__init__(examples)
        self._embeddings = embeddings
        self._vectors = self._embedded(self.examples)
        self._centre = _unit(_sum(self._vectors))

    def likeness(self, texts: Sequence[str]) -> list[float]:
        """See `Space`."""
        return [_cosine(vector, self._centre) for vector in self._embedded(texts)] if texts else []

    def among_themselves(self) -> list[float]:
        """See `Space`."""
        total = _sum(self._vectors)
        others = (_unit({key: held - one.get(key, 0.0) for key, held in total.items()}) for one in self._vectors)
        return [_cosine(one, rest) for one, rest in zip(self._vectors, others, strict=True)]

    def _embedded(self, texts: Sequence[str]) -> list[Vector[int]]:
        return [_unit(dict(enumerate(vector))) for vector in self._embeddings.embed_documents(list(texts))]


def _words(text: str) -> list[str]:
    found = WORD.findall(text.casefold())
    return ["0" if word[0].isdecimal() else word for word in found if word not in SMALL]


def _sum(vectors: Iterable[Vector[Key]]) -> dict[Key, float]:
    total: dict[Key, float] = {}
    for vector in vectors:
        for key, weight in vector.items():
            total[key] = total.get(key, 0.0) + weight
    return total


def _unit(vector: Vector[Key]) -> dict[Key, float]:
    norm = sqrt(sum(weight * weight for weight in vector.values()))
    return {key: weight / norm for key, weight in vector.items()} if norm else {}


def _cosine(one: Vector[Key], other: Vector[Key]) -> float:
    return sum(weight * other.get(key, 0.0) for key, weight in one.items())
