r"""Secrets that only their context gives away: ``password=...``, ``"api_key": "..."``, ``--token ...``, ``?sig=...``.

A name says that a secret may follow; what follows decides. Prose ("the secret: never give up"), code (``token = next(tokens)``),
placeholders (``your-api-key``, ``<TOKEN>``, ``${TOKEN}``) and counts (``tokens: 128``) stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from urllib.parse import unquote

from langdistill.recording.privacy.screening import matching

Seen = tuple[int, int, str]

WORDS = ("passw", "passphrase", "passcode", "pwd", "_pass", "token", "secret", "credential", "key")
SIGNATURES = ("sig=", "signature=", "?key=", "&key=", "?auth=", "&auth=")
HINTS = tuple(word.encode() for word in (*WORDS, *SIGNATURES))
"""Lower-case words one of which is in every text that `assigned` finds something in."""

NAME = r"(?:(?P<password>passw(?:or)?d|passphrase|passcode|pwd|_pass(?![a-z]))|(?P<token>token)|(?P<secret>secret|credential)|key)"
TAIL = r"s?(?:[_-]?(?:access[_-]?)?key)?(?:[_-](?:value|base|base64|b64|prod|production|dev|test|staging|live|old|new|\d{1,3}))?"
QUOTE = r"\\{0,4}[\"'`]"
BARE = re.compile(r"[^\s\"'`<>\\,;&|(){}\[\]]*")
PASSWORD = re.compile(r"(?:[^\s\"'`<>\\,;&]|&(?![\w-]+=)|;(?=[^\s=;]+(?:[\s\"'`]|\Z)))*")
"""Holds signs that end other values: "&", unless the next part of a query begins with it, and ";" within a word."""
NAMED = re.compile(
    rf"{NAME}{TAIL}(?:{QUOTE})?\]?"
    r"(?:(?P<by>[ \t]{0,4}(?::=|=>|[:=])(?:\\?[ \t]){0,4})|(?P<said> (?:is|was)(?: now)?:? )|(?P<option>[ \t]{1,4}))"
    rf"(?:{QUOTE}(?P<quoted>[^\"'`\r\n]{{1,512}}?){QUOTE}|(?P<bare>{BARE.pattern[:-1]}{{4,200}}))",
    re.IGNORECASE,
)
"""``name = value`` in code, JSON, YAML, environment files, headers and query strings; ``name is value``; ``--name value``."""
KEY_OF = re.compile(
    r"(?:api|access|private|account|subscription|encryption|signing|master|auth|secret)[_\- ]?\Z", re.IGNORECASE
)
"""What comes before "key" where it opens something."""
OPTION = re.compile(r"(?:(?:^|[^\w-])--?[a-z-]{0,30}|aws_)\Z", re.IGNORECASE)
SIGNED = re.compile(r"(?:[?&](?:sig|key|auth)|signature)=([^&\s\"'<>#,\\]{16,})", re.IGNORECASE)
BEFORE = 40
"""So many characters before a name say what it is the name of."""
SCREEN = matching(
    r"(?:passw(?:or)?d|passphrase|passcode|pwd|_pass|token|secret|credential|key)[a-z0-9_-]{0,30}[\"'`\\\]]{0,6}"
    r"(?:[ \t]{0,4}(?::=|=>|[:=])| (?:is|was) )"
    r"|-[a-z-]{0,30}(?:passw|pass|pwd|token|secret|credential|key)[a-z0-9_-]{0,30}[ \t]|aws_secret"
    r"|sig=|signature=|[?&](?:key|auth)="
)
"""Whether a lower-case text can hold what `assigned` finds: a name alone, as in "the token", does not do."""
SENSITIVE = re.compile(rf"(?P<before>.{{0,160}}?){NAME}{TAIL}", re.IGNORECASE)

TYPES = "str|string|text|int|integer|number|bool|boolean|object|array|any|none|null|nil|true|false|undefined|this|self|value"
STATES = "required|optional|hidden|empty|default|invalid|valid|missing|wrong|incorrect|unknown|todo|tbd|n/?a"
NAMES = "passwords?|passwd|pass|pwd|secrets?|tokens?|key|api[_-]?key|credentials?|abc|foo|bar"
PLACEHOLDER = re.compile(
    r"<|\{|\[[a-z]|\$[{(]|\$[A-Z_][A-Z0-9_]*\Z|%[a-z(]|%[A-Z_]+%"
    r"|.*(?:\.\.\.|…|\*\*\*|(?i:xxxxx|example|placeholder|redacted|change_?-?me|dummy|(?<![a-z0-9])your|(?<![a-z])my[_-]))"
    r"|.*(?:\benv[.\[]|environ\b|getenv|process\.env|\{\{|\$\{)"
    rf"|(?i:{TYPES}|{STATES}|{NAMES}|[-_*.x0]+)[\"'.!?:]*\Z"
)
"""What stands where a secret is to be filled in."""
LONGEST_PLACEHOLDER = 100
FEWEST_CHARACTERS = 3
SHORTEST = 4
SHORTEST_KEY = 8
JUDGED = 256
SENTENCE_ENDS = ".!?:;)]}"
MIXED = 6
"""Letters and digits mixed in a run of so many are no word, version or date."""
LONG = 24
"""A run of so many letters that changes case all the time is no word either."""


def assigned(text: str) -> Iterator[Seen]:
    """Where a text names a secret and then gives it."""
    lowered = text.replace("İ", "I").lower()  # the one letter that becomes two
    if not SCREEN(lowered):
        return
    end = 0
    for at in sorted(at for word in WORDS for at in _places(lowered, word)):
        if at >= end and (match := NAMED.match(text, at)) and (seen := _value(match, text)):
            yield seen
            end = seen[1]
    for match in SIGNED.finditer(text):
        if is_random(unquote(match[1])) and not is_placeholder(match[1]):
            yield *match.span(1), "TOKEN"


def _places(text: str, word: str) -> Iterator[int]:
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + 1)


def _value(match: re.Match[str], text: str) -> Seen | None:
    """The value behind a name, where both are what they seem."""
    before = text[max(0, match.start() - BEFORE) : match.start()]
    kind = kind_of(match, before)
    if kind is None or (match["option"] and not OPTION.search(before)):
        return None
    if match["quoted"]:
        return (*match.span("quoted"), kind) if is_secret(match["quoted"], kind) else None
    return _bare_value(match, text, kind, before)


def _bare_value(match: re.Match[str], text: str, kind: str, before: str) -> Seen | None:
    """A value without quotes; its first characters are judged, for each of many names may be followed by all of a long text."""
    start, characters = match.start("bare"), PASSWORD if kind == "PASSWORD" else BARE
    judged = start + JUDGED
    if text[(end := _ends(BARE, text, start, judged)) : end + 1] in ("(", "["):  # code
        return None
    value = text[start : _ends(characters, text, start, judged)].rstrip(SENTENCE_ENDS)
    if len(value) < SHORTEST or is_placeholder(value):
        return None
    fits = _is_password(value) or _stands_alone(value, match, before) if kind == "PASSWORD" else _is_key(value)
    if not fits:
        return None
    whole = text[start : _ends(characters, text, start, len(text))]
    return start, start + len(whole.rstrip(SENTENCE_ENDS)), kind


def _ends(expression: re.Pattern[str], text: str, at: int, limit: int) -> int:
    found = expression.match(text, at, limit)
    return found.end() if found else at


def sensitive(name: str) -> str | None:
    """The kind of what a field of that name holds, where the name says that it is secret."""
    match = SENSITIVE.fullmatch(name)
    return kind_of(match, match["before"]) if match else None


def kind_of(match: re.Match[str], before: str) -> str | None:
    """What the name in a match says its value is; `None` for a key that opens nothing."""
    if named := next((kind for kind in ("PASSWORD", "TOKEN", "SECRET") if match[kind.lower()]), None):
        return named
    return "API_KEY" if KEY_OF.search(before) else None


def is_placeholder(value: str) -> bool:
    """Whether a value only shows where one is to be filled in."""
    return len(set(value)) < FEWEST_CHARACTERS or (len(value) <= LONGEST_PLACEHOLDER and bool(PLACEHOLDER.match(value)))


def is_secret(value: str, kind: str) -> bool:
    """Whether the value of a secret's field, or in quotes behind its name, is one: a password may be words, a key may not."""
    if len(value) < SHORTEST or is_placeholder(value):
        return False
    return kind == "PASSWORD" or is_random(value)


def is_random(value: str) -> bool:
    """Whether no person would write it so: letters and digits mixed within a run, or a long run that keeps changing case."""
    if len(value) < SHORTEST_KEY or " " in value:
        return False
    return any(
        (len(part) >= MIXED and not part.isdigit() and not part.isalpha() and not _is_counted(part))
        or (len(part) >= LONG and part.isalpha() and _changes_case(part))
        for part in re.split(r"[^A-Za-z0-9]+", value)
    )


def _is_counted(part: str) -> bool:
    """A word with a number behind it, or a number with a unit: `token12`, `2024Q1`."""
    return bool(re.fullmatch(r"[A-Za-z]{3,}\d{1,3}|\d{1,4}[A-Za-z]{1,2}\d{0,2}", part))


def _changes_case(part: str) -> bool:
    """Oftener than CamelCase does."""
    return sum(a.isupper() != b.isupper() for a, b in pairwise(part)) * 5 > 2 * len(part)


def _is_key(value: str) -> bool:
    return is_random(value) and not re.fullmatch(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+", value)  # code: self.token1a


def _is_password(value: str) -> bool:
    """Not a word of a sentence, a name in code or a count."""
    return not re.fullmatch(r"[A-Za-z_][A-Za-z_.]*|[\d.,:/-]{1,5}|[A-Za-z_][\w.]*\.[A-Za-z_][\w.]*", value)


def _stands_alone(value: str, match: re.Match[str], before: str) -> bool:
    """A word, but told as ``DB_PASSWORD=word``, ``--password=word`` or ``&password=word``, where no code and no sentence is."""
    tight = match["by"] == "=" and re.fullmatch(r"[A-Za-z_]+", value)
    return bool(tight) and (match[0].split("=")[0].isupper() or bool(re.search(r"(?:--|[?&;])[\w-]*\Z", before)))
