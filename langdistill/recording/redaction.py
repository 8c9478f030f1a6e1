from __future__ import annotations

from typing import Any


class Found(tuple): ...


Redactor = Any


class Pseudonyms: ...


def redact(value, encoded, redactors, pseudonyms):
    return value
