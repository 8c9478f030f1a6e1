"""A teacher's distributions over its own tokens, as distributions over those of a student with another tokenizer.

Source: Fu et al., 2301.12726, on distribution matching: the two token sequences are aligned by dynamic programming with the edit
distance between tokens as the cost; where a student's token meets exactly one of the teacher's with the same text, it is taught the
teacher's distribution, everywhere else its own token alone. Where both say the same text, its places decide instead of the cost: the
same word elsewhere in the text is another token.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Any

from langdistill.errors import StudentError
from langdistill.students.train.vocabulary import Vocabulary, joined, respaced, spelt


@dataclass(frozen=True)
class Aligned:
    """What a student is taught at each of its tokens; all of length n."""

    ids: tuple[int, ...]
    """The student's tokens of the text."""
    distributions: tuple[dict[int, float], ...]
    """At each, the student's token ids with their probabilities."""
    copied: tuple[bool, ...]
    """At each, whether the distribution is the teacher's."""

    @property
    def tails(self) -> list[float]:
        """The mass that each distribution leaves out: of tokens that the teacher did not tell, or that the student has not.

        The divergence of a student from a distribution equal to its own is 0 over the tokens that are told; of the tail it says
        nothing.
        """
        return [max(0.0, 1.0 - math.fsum(one.values())) for one in self.distributions]


def align_topk(
    teacher_tokens: Sequence[str],
    teacher_topk: Sequence[Mapping[str, float]],
    student_tokenizer: Any,
    *,
    text: str | None = None,
    end: bool = False,
    renormalise: bool = False,
) -> Aligned:
    """The teacher's alternatives in the student's vocabulary, a distribution per token of the student's.

    Tokens are compared by their texts without the space before them. An alternative that is no token of the student's is left out;
    where several become the same token their mass is added; where none is left the student's own token has all of it.

    Args:
        teacher_tokens: texts of the teacher's tokens, " cat" or "▁cat" or "Ġcat"; length t.
        teacher_topk: of each, the texts of its alternatives with their natural log-probabilities; length t.
        student_tokenizer: of `transformers`, called without special tokens; or a `Vocabulary` of it, where many texts are aligned.
        text: what the student says; by default what the teacher's tokens say together. They may differ in places.
        end: whether the student's end token follows, with all the mass on it, as in the paper.
        renormalise: divide each copied distribution by its sum. As in the paper it is not: the missing mass is the teacher's doubt.

    Raises:
        StudentError: there are not as many distributions as tokens, or the student's tokenizer has no end token and `end` is asked for.
    """
    if len(teacher_tokens) != len(teacher_topk):
        raise StudentError(
            f"The teacher has {len(teacher_tokens)} tokens and {len(teacher_topk)} distributions. Give one for each token."
        )
    vocabulary = student_tokenizer if isinstance(student_tokenizer, Vocabulary) else Vocabulary(student_tokenizer)
    theirs = [spelt(token) for token in teacher_tokens]
    ids = vocabulary.encode(joined(theirs) if text is None else text)
    ours = [vocabulary.text(one) for one in ids]
    found: list[dict[int, float]] = []
    for token, partner in zip(ours, partners(ours, theirs), strict=True):
        if partner is None:
            found.append({})
            continue
        shifted = token.startswith(" ") != theirs[partner].startswith(" ")
        found.append(_mapped(teacher_topk[partner], vocabulary, shifted, renormalise))
    if end:
        ids, found = [*ids, vocabulary.end], [*found, {}]
    taught = tuple(copied or {own: 1.0} for own, copied in zip(ids, found, strict=True))
    return Aligned(tuple(ids), taught, tuple(map(bool, found)))


def partners(ours: Sequence[str], theirs: Sequence[str]) -> list[int | None]:
    """For each of our tokens the index of theirs that it meets alone and has the text of; `None` for every other.

    Args:
        ours: texts of one tokenisation, with the spaces before them.
        theirs: texts of another, of the same or nearly the same text.
    """
    left, right = [_bare(one) for one in ours], [_bare(one) for one in theirs]
    met: list[list[int]] = [[] for _ in ours]
    forward, backward = _anchors([_letters(one) for one in left], [_letters(one) for one in right])
    for (i, j), (i_end, j_end) in [*pairwise(forward), *pairwise(backward)]:
        for blank in (False, True):
            mine, other = _those(left, i, i_end, blank), _those(right, j, j_end, blank)
            if len(mine) == len(other) == 1:
                met[mine[0]].append(other[0])
    (i, j), (i_end, j_end) = forward[-1], backward[0]
    for at, place in _warped(left[i:i_end], right[j:j_end]):
        met[i + at].append(j + place)
    alone = [some[0] if len(some) == 1 else None for some in met]
    return [other if other is not None and left[at] == right[other] else None for at, other in enumerate(alone)]


def _bare(token: str) -> str:
    return token.lstrip(" ") or token


def _those(tokens: Sequence[str], start: int, end: int, blank: bool) -> list[int]:
    """Those of a stretch that are nothing but spaces, or those that are more."""
    return [at for at in range(start, end) if bool(_letters(tokens[at])) is not blank]


Anchors = list[tuple[int, int]]
"""Counts of our tokens and of theirs after which both have got to the same place in the text."""


def _anchors(ours: Sequence[bytes], theirs: Sequence[bytes]) -> tuple[Anchors, Anchors]:
    """From the start as far as the texts agree, and from there to the end as far back as they agree.

    Where the texts agree, a token is the same only at the same place; what is between the last of the first and the first of the
    second is aligned by its cost.
    """
    forward = _boundaries(ours, theirs)
    i, j = forward[-1]
    backward = _boundaries(_reversed(ours[i:]), _reversed(theirs[j:]))
    return forward, [(len(ours) - i, len(theirs) - j) for i, j in reversed(backward)]


def _reversed(tokens: Sequence[bytes]) -> list[bytes]:
    return [one[::-1] for one in reversed(tokens)]


def _letters(token: str) -> bytes:
    """What counts for the place in a text: two tokenisations may disagree on its spaces."""
    return token.replace(" ", "").encode("utf-8", "surrogateescape")


def _boundaries(left: Sequence[bytes], right: Sequence[bytes]) -> Anchors:
    ours, theirs = _places(left), _places(right)
    said = (b"".join(left), b"".join(right))
    agreed = next((at for at, (one, other) in enumerate(zip(*said, strict=False)) if one != other), min(map(len, said)))
    shared = sorted(place for place in ours.keys() & theirs.keys() if place <= agreed)
    return [(0, 0), *((ours[place], theirs[place]) for place in shared)]


def _places(tokens: Sequence[bytes]) -> dict[int, int]:
    """How far the text has got to how many tokens have said it, those that say nothing included."""
    return dict(zip(accumulate((len(one) for one in tokens), initial=0), range(len(tokens) + 1), strict=True))


def _warped(left: Sequence[str], right: Sequence[str]) -> Iterable[tuple[int, int]]:
    """Which tokens meet on the cheapest way through both, each meeting at least one: dynamic time warping."""
    if not left or not right:
        return []
    costs: dict[tuple[int, int], tuple[int, tuple[int, int]]] = {(-1, -1): (0, (-1, -1))}
    for i, mine in enumerate(left):
        for j, other in enumerate(right):
            before = ((i - 1, j - 1), (i - 1, j), (i, j - 1))
            best = min((one for one in before if one in costs), key=lambda one: costs[one][0])
            costs[i, j] = (costs[best][0] + _distance(mine, other), best)
    way: list[tuple[int, int]] = []
    place = (len(left) - 1, len(right) - 1)
    while place != (-1, -1):
        way.append(place)
        place = costs[place][1]
    return way


@lru_cache(maxsize=65_536)
def _distance(one: str, other: str) -> int:
    """Levenshtein's."""
    row = list(range(len(other) + 1))
    for i, mine in enumerate(one, 1):
        diagonal, row[0] = row[0], i
        for j, theirs in enumerate(other, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (mine != theirs))
    return row[-1]


def _mapped(
    alternatives: Mapping[str, float], vocabulary: Vocabulary, shifted: bool, renormalise: bool
) -> dict[int, float]:
    """The probabilities of the alternatives that are tokens of the student's."""
    found: dict[int, float] = {}
    for token, logprob in alternatives.items():
        at = vocabulary.ids.get(respaced(spelt(token)) if shifted else spelt(token))
        if at is not None and (mass := math.exp(logprob)) > 0:
            found[at] = found.get(at, 0.0) + mass
    total = math.fsum(found.values()) if renormalise else 1.0
    return {at: mass / total for at, mass in found.items()}
