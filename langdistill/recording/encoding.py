"""Anything that a run may carry, as JSON: what has no JSON form becomes its text, and nothing makes it fail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from langchain_core.messages import BaseMessage
from pydantic import BaseModel

from langdistill.recording.messages import plain

OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY
DEEPEST = 100
"""Levels of nesting that are followed; below, and in a circle, a value becomes its text."""


def encode(value: Any) -> bytes:
    """JSON of a value. NaN and infinities become null, lone surrogates the text that escapes them."""
    try:
        return orjson.dumps(value, default=_simpler, option=OPTIONS)
    except (TypeError, ValueError, RecursionError, UnicodeError):
        return orjson.dumps(_simplest(value, DEEPEST), option=OPTIONS)


def _simpler(value: Any) -> Any:
    """One step towards JSON for what the encoder does not know."""
    if isinstance(value, BaseMessage):
        return plain(value)
    if isinstance(value, BaseModel):
        return value.model_dump()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return list(value)
    return text_of(value)


def _simplest(value: Any, levels: int) -> Any:
    """Plain data by hand: for circles, deep nesting, huge integers and texts that are no Unicode."""
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else str(value)
    if isinstance(value, str):
        return _unicode(value)
    if levels == 0:
        return _unicode(f"<{type(value).__name__}>")
    if isinstance(value, Mapping):
        return {_unicode(text_of(key)): _simplest(one, levels - 1) for key, one in list(value.items())}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_simplest(one, levels - 1) for one in list(value)]
    if isinstance(value, orjson.Fragment):
        return value
    try:
        simpler = _simpler(value)
    except Exception:  # somebody else's model_dump
        simpler = text_of(value)
    return _simplest(simpler, levels - 1)


def text_of(value: Any) -> str:
    """`str(value)`, or the name of its type where that fails."""
    try:
        return value if isinstance(value, str) else str(value)
    except Exception:
        return f"<{type(value).__name__}>"


def _unicode(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
