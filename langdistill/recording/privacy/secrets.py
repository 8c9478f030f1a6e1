"""Find secrets: keys of providers, tokens, private keys, connection strings, and what is assigned to a password.

What has a shape of its own is known by it (`langdistill.recording.privacy.provider_keys`), the rest by its context
(`langdistill.recording.privacy.assignments`); headers, addresses and private keys are known here.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from itertools import zip_longest

from langdistill.recording.privacy import assignments, provider_keys
from langdistill.recording.privacy.assignments import assigned, is_placeholder, is_random, is_secret, sensitive
from langdistill.recording.privacy.redaction import Found, Redactor
from langdistill.recording.privacy.screening import any_of

Seen = tuple[int, int, str]

JWT = re.compile(r"eyJ(?:(?<![A-Za-z0-9_-]eyJ)|(?<=\\[nrt]eyJ))[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*){0,3}", re.ASCII)
HEADER = re.compile(
    r"(?:authorization\\{0,4}[\"']?\s{0,3}[:=,]\s{0,3}\\{0,4}[\"']?(?P<scheme>[a-z-]{2,20}\s{1,3})?|\bbearer\s{1,3})"
    r"(?P<hidden>[\w.~+/=:-]{8,8192})",
    re.IGNORECASE,
)
BASIC = re.compile(r"\bbasic\s{1,3}(?P<hidden>[A-Za-z0-9+/]{6,4096}={0,2})", re.IGNORECASE)
ADDRESS = re.compile(r":(?:\\{0,4}/){2}[^\s:/@\"'<>`\\]*:(?P<hidden>[^\s/\"'<>`\\]+)@(?=[\w\[.%-])")
LOGIN = re.compile(
    r"(?:(?:\s-u|--user|--proxy-user)[ =]{1,2}[\"']?[\w.@+-]{1,64}:"
    r"|\blogin\s{1,3}\S{1,128}\s{1,8}password\s{1,3}|\bsshpass\s{1,3}-p\s?[\"']?)(?P<hidden>[^\s\"']{4,256})",
    re.IGNORECASE,
)
BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
LINES = re.compile(r"(?:(?:\s|\\+[nr])*[A-Za-z0-9+/=]{16,})+")
RANDOM_LINE = re.compile(r"[A-Za-z0-9+/=]{20}")


def secrets() -> Redactor:
    """The redactor that finds secrets; their kinds are API_KEY, TOKEN, PASSWORD, SECRET and PRIVATE_KEY.

    It would rather let a doubtful word stay than spoil a data set: placeholders, prose and code are no secrets. `docs/privacy.md`
    lists what it finds, what it does not, and how often it errs.
    """
    return _Secrets()


class _Secrets:
    def __init__(self) -> None:
        self.hints = tuple(dict.fromkeys(hint for hints, _ in RULES for hint in hints))

    def __call__(self, text: str) -> Iterator[Found]:
        lowered = text.lower()
        for hints, find in RULES:
            if any_of(hints)(lowered):
                yield from (Found(*seen) for seen in find(text))

    def in_field(self, name: str, text: str) -> Iterator[Found]:
        """As of any text, and the whole of it where the field's name says that it is a secret."""
        yield from self(text)
        kind = sensitive(name)
        if kind and is_secret(text.strip(), kind):
            yield Found(0, len(text), kind)
        elif name.lower() in ("authorization", "proxy-authorization"):
            before = len(name) + 1
            yield from (Found(start - before, end - before, kind) for start, end, kind in _headers(f"{name}:{text}"))

    def __repr__(self) -> str:
        return "secrets()"


def _web_tokens(text: str) -> Iterator[Seen]:
    yield from ((*match.span(), "TOKEN") for match in JWT.finditer(text))


def _headers(text: str) -> Iterator[Seen]:
    for match in HEADER.finditer(text):
        token = match["hidden"]
        told = match["scheme"] and any(map(str.isdigit, token))
        if not is_placeholder(token) and (told or is_random(token)):
            yield *match.span("hidden"), "TOKEN"
    for match in BASIC.finditer(text):
        if _is_login(match["hidden"]):
            yield *match.span("hidden"), "PASSWORD"


def _is_login(encoded: str) -> bool:
    """Whether it is the base64 of ``user:password``."""
    try:
        login = b64decode(encoded + "=" * (-len(encoded) % 4), validate=True).decode()
    except ValueError:
        return False
    return ":" in login and login.isprintable()


def _addresses(text: str) -> Iterator[Seen]:
    for match in ADDRESS.finditer(text):
        if not is_placeholder(match["hidden"]):
            yield *match.span("hidden"), "PASSWORD"


def _logins(text: str) -> Iterator[Seen]:
    for match in LOGIN.finditer(text):
        word = match["hidden"]
        if not is_placeholder(word) and not word.isalpha() and any(map(str.isalpha, word)):
            yield *match.span("hidden"), "PASSWORD"


def _private_keys(text: str) -> Iterator[Seen]:
    """Whole blocks, and the lines that are there of a block that was cut off; lines may be written as escapes."""
    begins = list(BEGIN.finditer(text))
    ends = END.finditer(text)
    end = next(ends, None)
    for begin, following in zip_longest(begins, begins[1:]):
        while end and end.start() < begin.end():
            end = next(ends, None)
        if end and (following is None or end.start() < following.start()):
            if RANDOM_LINE.search(text, begin.end(), end.start()):
                yield begin.start(), end.end(), "PRIVATE_KEY"
        elif lines := LINES.match(text, begin.end()):
            yield begin.start(), lines.end(), "PRIVATE_KEY"


RULES: tuple[tuple[tuple[bytes, ...], Callable[[str], Iterator[Seen]]], ...] = (
    (provider_keys.HINTS, provider_keys.provider_keys),
    ((b"eyj",), _web_tokens),
    ((b"private key",), _private_keys),
    ((b"://", rb":\/", rb":\\/"), _addresses),
    ((b"authorization", b"bearer", b"basic "), _headers),
    ((b" -u ", b"-u=", b"--user", b"--proxy-user", b"sshpass", b"login"), _logins),
    (assignments.HINTS, assigned),
)
"""Lower-case words one of which must be there, and what finds. The first to find a thing says what it is."""
