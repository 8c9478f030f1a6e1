"""Anything that a run may carry, as JSON: what has no JSON form becomes its text, and nothing makes it fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import singledispatch
from typing import Any

import orjson
from pydantic import BaseModel

OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY
DEEPEST = 100
"""Levels of nesting that are followed; below, and in a circle, a value becomes the name of its type."""


def encode(value: Any) -> bytes:
    """JSON of a value. NaN and infinities become null, lone surrogates the text that escapes them."""
    try:
        return orjson.dumps(value, default=simpler, option=OPTIONS)
    except (TypeError, ValueError, RecursionError):  # what `simpler` raises arrives as a TypeError
        return orjson.dumps(_plain(value, ()), option=OPTIONS)


@singledispatch
def simpler(value: Any) -> Any:
    """One step towards JSON for what the encoder does not know; other modules register their types."""
    return text_of(value)


@simpler.register
def _(value: BaseModel) -> Any:
    return value.model_dump()


@simpler.register
def _(value: Mapping) -> Any:
    return dict(value)


@simpler.register(tuple)
@simpler.register(set)
@simpler.register(frozenset)
def _(value: Any) -> Any:
    return list(value)


def text_of(value: Any) -> str:
    """`str(value)`, or the name of its type where that fails."""
    try:
        return value if isinstance(value, str) else str(value)
    except Exception:
        return _name(value)


def _plain(value: Any, around: tuple[int, ...]) -> Any:
    """Plain data by hand: for circles, deep nesting, huge integers, texts that are no Unicode and objects that raise.

    Args:
        value: anything.
        around: ids of the values that it is in.
    """
    if len(around) > DEEPEST or id(value) in around:
        return _name(value)
    try:
        return _plain_form(value, (*around, id(value)))
    except Exception:  # somebody else's model_dump, items or __class__
        return _unicode(text_of(value))


def _plain_form(value: Any, around: tuple[int, ...]) -> Any:
    kind = type(value)  # `isinstance` would ask the value, and a proxy may raise
    if issubclass(kind, str):
        return _unicode(value)
    if issubclass(kind, int) and kind is not bool:
        return int(value) if -(2**63) <= value < 2**64 else str(int(value))
    if issubclass(kind, float):
        return float(value)
    if issubclass(kind, Mapping):
        return {_unicode(text_of(key)): _plain(one, around) for key, one in list(value.items())}
    if issubclass(kind, (list, tuple, set, frozenset)):
        return [_plain(one, around) for one in list(value)]
    if is_dataclass(kind):
        return {one.name: _plain(getattr(value, one.name, None), around) for one in fields(kind)}
    try:
        return orjson.Fragment(orjson.dumps(value, option=OPTIONS))
    except TypeError:
        return _plain(simpler(value), around)


def _name(value: Any) -> str:
    return f"<{type(value).__name__}>"


def _unicode(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
