"""Answers that are a document: JSON, code, free text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from math import isinf
from typing import Any, NoReturn

from langdistill.answers.marked import marked

FENCE = re.compile(r" {0,3}(?P<fence>`{3,}|~{3,})(?P<info>[^`\n]*+)$")
OPENING = re.compile(r"[{\[]")
MOST_TRIES = 100
"""Brackets that begin no JSON are left after this many, so that a reply that is all brackets costs no more."""


def json_answer(text: str) -> str | None:
    """The last JSON object or array of a reply, canonical: keys sorted, no space, whole numbers without a point.

    Where the reply marks a place (see `final_answer`), the last one that begins there; else the last fenced block that is JSON;
    else the last one in the reply. Anything else, such as NaN, single quotes or a closing comma, is no JSON and no answer.
    """
    place = marked(text)
    tries = [*([place] if place else []), *reversed([*_fenced(text)]), text]
    return next((json_ for one in tries if (json_ := _last_json(one))), None)


def code_block(text: str) -> str | None:
    """The last fenced block of a reply without its fence, the space at the ends of its lines, and empty lines around it.

    A box or an "answer:" marks no code. A fence that is never closed is a reply cut short, and no answer.
    """
    return next(reversed([*_fenced(text)]), None)


def free_text(text: str) -> str | None:
    """The whole reply without the space around it; a mark does not matter."""
    return text.strip() or None


def _fenced(text: str) -> Iterator[str]:
    """What stands in each closed fence, in order."""
    fence, block = "", list[str]()
    for line in text.splitlines():
        found = FENCE.fullmatch(line.rstrip())
        if not fence and found:
            fence, block = found["fence"], []
        elif fence and found and found["fence"].startswith(fence) and not found["info"]:
            if code := "\n".join(block).strip("\n"):
                yield code
            fence = ""
        elif fence:
            block.append(line.rstrip())


def _last_json(text: str) -> str | None:
    last, at, tries = None, 0, 0
    while tries < MOST_TRIES and (opening := OPENING.search(text, at)):
        try:
            value, at = DECODER.raw_decode(text, opening.start())
        except (ValueError, RecursionError):
            at, tries = opening.end(), tries + 1
        else:
            last = value
    return None if last is None else json.dumps(last, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _number(told: str) -> Any:
    value = float(told)
    if isinf(value):
        _refuse(told)
    return int(value) if value.is_integer() else value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


DECODER = json.JSONDecoder(parse_float=_number, parse_constant=_refuse)
