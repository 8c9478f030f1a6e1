"""MinHash (Broder, 1997) by one permutation (Li, Owen, Zhang, 2012), its empty bins filled as Shrivastava (2017) does.

Of each set one hash per bin is kept, the least; two sets have equal hashes in as many bins as they share of their union (their
Jaccard similarity), up to chance. One hash a shingle makes all bins, so a row of 200 tokens takes some 0.1 ms in plain Python,
and a plain install needs neither NumPy nor SciPy.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b

_ALL = (1 << 64) - 1
_ODD = 0x9E3779B97F4A7C15


def shingles(tokens: Sequence[str], size: int) -> list[int]:
    """A 64-bit hash of each run of `size` tokens, of all the tokens where there are fewer."""
    hashes = [_hashed(token) for token in tokens]
    found = hashes[: max(len(hashes) - size + 1, 1)]
    for at in range(1, min(size, len(hashes))):
        found = [_mixed(one, other) for one, other in zip(found, hashes[at:], strict=False)]
    return found


def signature(shingled: Sequence[int], bins: int) -> list[int]:
    """The least hash of each bin.

    Args:
        shingled: 64-bit hashes, at least one.
        bins: how many hashes to keep.
    """
    least: dict[int, int] = {}
    for one in shingled:
        at, rest = one % bins, one // bins
        if rest < least.get(at, _ALL):
            least[at] = rest
    return [least[_filled(least, at, bins)] for at in range(bins)]


def bands(signed: Sequence[int], rows: int) -> list[int]:
    """A 63-bit hash of each run of `rows` hashes of a signature; two sets are candidates where they share one in its place."""
    found: list[int] = []
    for start in range(0, len(signed), rows):
        key = start
        for one in signed[start : start + rows]:
            key = _mixed(key, one)
        found.append(key >> 1)
    return found


def _filled(least: dict[int, int], at: int, bins: int) -> int:
    """The bin that lends its hash to an empty one: the first that is not empty of a walk which depends on the bin alone."""
    found, attempt = at, 0
    while found not in least:
        attempt += 1
        found = _mixed(at, attempt) % bins
    return found


def _mixed(one: int, other: int) -> int:
    """Two 64-bit hashes in one; their order matters (the finaliser of SplitMix64, Steele et al., 2014)."""
    mixed = (one * _ODD + other) & _ALL
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _ALL
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _ALL
    return mixed ^ (mixed >> 31)


@lru_cache(maxsize=1 << 16)
def _hashed(token: str) -> int:
    """The same in every process, as `hash` is not."""
    return int.from_bytes(blake2b(token.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
