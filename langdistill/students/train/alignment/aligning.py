"""A teacher's distributions over its own tokens, as distributions over those of a student with another tokenizer.

Source: Fu et al., 2301.12726, on distribution matching: the two token sequences are aligned by dynamic programming with the edit
distance between tokens as the cost; where a student's token meets exactly one of the teacher's with the same text, it is taught the
teacher's distribution, everywhere else its own token alone. Where both say the same text, its places decide instead of the cost: the
same word elsewhere in the text is another token.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, chain, pairwise
from typing import Any

from langdistill.errors import StudentError
from langdistill.students.train.alignment.vocabulary import Found, Vocabulary, joined, spelt
from langdistill.students.train.alignment.warping import way


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


def align_top_k(
    teacher_tokens: Sequence[str],
    teacher_top_k: Sequence[Mapping[str, float]],
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
        teacher_top_k: of each, the texts of its alternatives with their natural log-probabilities; length t.
        student_tokenizer: of `transformers`, called without special tokens; or a `Vocabulary` of it, where many texts are aligned.
        text: what the student says; by default what the teacher's tokens say together. They may differ in places.
        end: whether the student's end token follows, with all the mass on it, as in the paper.
        renormalise: divide each copied distribution by its sum. As in the paper it is not: the missing mass is the teacher's doubt.

    Raises:
        StudentError: there are not as many distributions as tokens, or the student's tokenizer has no end token and `end` is asked for.
    """
    if len(teacher_tokens) != len(teacher_top_k):
        raise StudentError(
            f"The teacher has {len(teacher_tokens)} tokens and {len(teacher_top_k)} distributions. Give one for each token."
        )
    vocabulary = student_tokenizer if isinstance(student_tokenizer, Vocabulary) else Vocabulary(student_tokenizer)
    said = joined(map(spelt, teacher_tokens)) if text is None else text
    found = aligned(vocabulary.encode(said), teacher_tokens, teacher_top_k, vocabulary, renormalise=renormalise)
    if not end:
        return found
    stop = vocabulary.end
    return Aligned((*found.ids, stop), (*found.distributions, {stop: 1.0}), (*found.copied, False))


def aligned(
    ids: Sequence[int],
    teacher_tokens: Sequence[str],
    teacher_top_k: Sequence[Mapping[str, float]],
    vocabulary: Vocabulary,
    *,
    renormalise: bool = False,
) -> Aligned:
    """The same for tokens of the student's that are given, as a chat template made them of a conversation.

    Args:
        ids: the student's tokens; length n. Special ones are taught alone, whatever the teacher's alternatives there.
        teacher_tokens: as of `align_top_k`, and so the others.
        teacher_top_k: length t.
        vocabulary: of the student.
        renormalise: divide each copied distribution by its sum.
    """
    theirs, ours, special = list(map(spelt, teacher_tokens)), vocabulary.texts(ids), vocabulary.special
    taught: list[dict[int, float]] = []
    copied: list[bool] = []
    for own, token, partner in zip(ids, ours, partners(ours, theirs), strict=True):
        found: dict[int, float] = {}
        if partner is not None and own not in special:
            shifted = token.startswith(" ") != theirs[partner].startswith(" ")
            ids_of = vocabulary.respaced_ids if shifted else vocabulary.spelt_ids
            found = _mapped(teacher_top_k[partner], ids_of, renormalise)
        taught.append(found or {own: 1.0})
        copied.append(bool(found))
    return Aligned(tuple(ids), tuple(taught), tuple(copied))


def partners(ours: Sequence[str], theirs: Sequence[str]) -> list[int | None]:
    """For each of our tokens the index of theirs that it meets alone and has the text of; `None` for every other.

    Where both say the same text this takes time and memory in proportion to its length. Where they differ, what lies between the
    first difference and the last takes time in proportion to the product of its tokens (see `warping`), memory still to their sum.

    Args:
        ours: texts of one tokenisation, with the spaces before them.
        theirs: texts of another, of the same or nearly the same text.
    """
    if ours == theirs:
        return list(range(len(ours)))
    left, right = list(map(_parts, ours)), list(map(_parts, theirs))
    found: list[int | None] = [None] * len(ours)
    forward, backward = _anchors([letters for _, letters in left], [letters for _, letters in right])
    for (i, j), (i_end, j_end) in chain(pairwise(forward), pairwise(backward)):
        if i_end - i == j_end - j == 1:
            found[i] = j
        elif ours[i:i_end] == theirs[j:j_end]:
            found[i:i_end] = range(j, j_end)
        else:
            for mine, other in _alone(left, right, range(i, i_end), range(j, j_end)):
                found[mine] = other
    (i, j), (i_end, j_end) = forward[-1], backward[0]
    for mine, other in _warped([bare for bare, _ in left[i:i_end]], [bare for bare, _ in right[j:j_end]]):
        found[i + mine] = j + other
    return [other if other is not None and left[at][0] == right[other][0] else None for at, other in enumerate(found)]


Parts = tuple[str, bytes]
"""Of a token the text that it is known by, and what counts for its place in the text: two tokenisations may disagree on spaces."""
Place = tuple[int, int]
"""Counts of our tokens and of theirs after which both have got to the same place in the text."""


@lru_cache(maxsize=65_536)
def _parts(token: str) -> Parts:
    return token.lstrip(" ") or token, token.replace(" ", "").encode("utf-8", "surrogateescape")


def _alone(left: Sequence[Parts], right: Sequence[Parts], ours: range, theirs: range) -> Iterator[Place]:
    """Of a stretch that both begin and end together: the one token of each that says something, and the one that is spaces."""
    for blank in (False, True):
        mine = [at for at in ours if bool(left[at][1]) is not blank]
        other = [at for at in theirs if bool(right[at][1]) is not blank]
        if len(mine) == len(other) == 1:
            yield mine[0], other[0]


def _anchors(ours: Sequence[bytes], theirs: Sequence[bytes]) -> tuple[list[Place], list[Place]]:
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


def _boundaries(left: Sequence[bytes], right: Sequence[bytes]) -> list[Place]:
    ours, theirs = _counts(left), _counts(right)
    agreed = _agreed(b"".join(left), b"".join(right))
    shared = [(count, theirs[place]) for place, count in ours.items() if place <= agreed and place in theirs]
    return [(0, 0), *shared]


def _counts(tokens: Sequence[bytes]) -> dict[int, int]:
    """How far the text has got, ascending, to how many tokens have said it, those that say nothing included."""
    return dict(zip(accumulate(map(len, tokens), initial=0), range(len(tokens) + 1), strict=True))


def _agreed(one: bytes, other: bytes) -> int:
    """How many bytes two texts have in common at their start."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[low:middle] == other[low:middle] else (low, middle - 1)
    return low


def _warped(ours: Sequence[str], theirs: Sequence[str]) -> Iterator[Place]:
    """Of our tokens those that meet exactly one of theirs on the cheapest way, with that."""
    met = way(ours, theirs)
    times = Counter(mine for mine, _ in met)
    return ((mine, other) for mine, other in met if times[mine] == 1)


def _mapped(alternatives: Mapping[str, float], ids: Found, renormalise: bool) -> dict[int, float]:
    """The probabilities of the alternatives that are tokens of the student's."""
    found = {at: math.exp(share) for token, share in alternatives.items() if (at := ids[token]) is not None}
    if ids.several or 0.0 in found.values():
        found = _added((ids[token], math.exp(share)) for token, share in alternatives.items())
    if not renormalise:
        return found
    total = math.fsum(found.values())
    return {at: mass / total for at, mass in found.items()}


def _added(masses: Iterable[tuple[int | None, float]]) -> dict[int, float]:
    """Those of one token together, none of a token without mass."""
    found: dict[int, float] = {}
    for at, mass in masses:
        if at is not None and mass > 0:
            found[at] = found.get(at, 0.0) + mass
    return found
