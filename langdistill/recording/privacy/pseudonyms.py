"""Stand-ins for what was hidden: within one trace the same value always has the same one, so that a reader can still follow."""

from __future__ import annotations

import re
from collections import Counter
from hashlib import blake2b, sha256
from secrets import token_bytes
from threading import Lock

PSEUDONYM = re.compile(r"<[A-Z]+(?:_[A-Z]+)*_\d+>")
"""What a stand-in looks like; a text that holds one already keeps it."""
SAME_IN_ANY_CASE = {"EMAIL"}
SAME_IN_ANY_GROUPING = {"PHONE", "CREDIT_CARD", "IBAN", "US_SSN", "US_ITIN"}
"""Blanks, dashes, dots and brackets are only how such a number is written."""


class Pseudonyms:
    """The stand-ins of one trace: `<EMAIL_1>`, `<EMAIL_2>`, `<API_KEY_1>`, numbered per kind as they turn up.

    E-mail addresses are the same whatever their case, and numbers of cards, accounts and telephones however their digits are
    grouped. Everything else is the same only when it is spelled the same, blanks around it aside. No value is kept: what is
    remembered is a hash under a random key that leaves the process with this object, so a stand-in of one trace tells nothing
    of another and cannot be turned back by trying values. May be shared by threads.
    """

    def __init__(self) -> None:
        self._key = token_bytes(32)
        self._known: dict[tuple[str, bytes], str] = {}
        self._counts: Counter[str] = Counter()
        self._lock = Lock()

    def of(self, kind: str, value: str) -> str:
        """The stand-in for a value of that kind, as in `<EMAIL_1>`."""
        kind = re.sub(r"[^A-Z0-9]+", "_", kind.upper()).strip("_") or "HIDDEN"
        spelled = _spelling(kind, value).encode("utf-8", "surrogatepass")
        known = kind, blake2b(spelled, key=self._key, digest_size=16).digest()
        with self._lock:
            if known not in self._known:
                self._counts[kind] += 1
                self._known[known] = f"<{kind}_{self._counts[kind]}>"
            return self._known[known]


def name_instead(identifier: str) -> str:
    """What an identifier is called that a redactor would hide, such as an e-mail address that is a user's id.

    The same in every trace, or the traces of a user could not be found again to be purged; who knows the identifier can therefore tell.
    """
    return "hidden-" + sha256(identifier.encode("utf-8", "backslashreplace")).hexdigest()[:16]


def _spelling(kind: str, value: str) -> str:
    if kind in SAME_IN_ANY_CASE:
        return value.strip().casefold()
    if kind in SAME_IN_ANY_GROUPING:
        return re.sub(r"[^0-9A-Z]", "", value.upper())
    return value.strip()
