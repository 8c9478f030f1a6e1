"""Single values as others write them: numbers as text, times in five units, JSON within JSON."""

from __future__ import annotations

import ast
import json
import math
import warnings
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from langdistill.records import Usage
from langdistill.stores.foreign.losses import Losses, shown
from langdistill.stores.foreign.plain import LARGEST, loads

LONGEST = 10_000
"""Characters of a Python literal that is still read as one."""
UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))
"""From which size on a time is in nano-, micro- or milliseconds, and how many of them a second has."""
INPUT = ("input_tokens", "prompt_tokens", "promptTokens", "inputTokens", "prompt_token_count", "promptTokenCount")
OUTPUT = (
    "output_tokens",
    "completion_tokens",
    "completionTokens",
    "outputTokens",
    "candidates_token_count",
    "candidatesTokenCount",
)
CACHED = ("cache_read_input_tokens", "cached_content_token_count", "cachedContentTokenCount", "cachedInputTokens",
          "input_tokens_cache_read")  # fmt: skip
REASONING = ("thoughts_token_count", "thoughtsTokenCount", "reasoningTokens", "reasoning_tokens")
INPUT_DETAILS = ("input_token_details", "prompt_tokens_details", "input_tokens_details")
OUTPUT_DETAILS = ("output_token_details", "completion_tokens_details", "output_tokens_details")


def mapping(value: Any) -> dict[str, Any]:
    """The object, or an empty one where it is none."""
    return value if isinstance(value, dict) else {}


def sequence(value: Any) -> list[Any]:
    """The list, or an empty one where it is none."""
    return value if isinstance(value, list) else []


def text_of(value: Any) -> str | None:
    """A text or a number as text; `None` for anything else, and for an empty one."""
    if isinstance(value, str):
        return value or None
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def texts(value: Any) -> list[str]:
    """The texts of a list."""
    return [text for one in sequence(value) if (text := text_of(one))]


def first(fields: Mapping[str, Any], keys: Iterable[str]) -> Any:
    """The value of the first of the keys that holds one; `None` where none does."""
    return next((fields[key] for key in keys if fields.get(key) is not None), None)


def parsed(value: Any) -> Any:
    """The value of a text that is a JSON object or list; anything else as it is."""
    if not (isinstance(value, str) and value.lstrip()[:1] in ("{", "[")):
        return value
    try:
        return loads(value)
    except ValueError:
        return value


def literal(value: Any) -> Any:
    """As `parsed`, and of a text that is Python's way to write a dict or a list, too."""
    value = parsed(value)
    if not (isinstance(value, str) and value.lstrip()[:1] in ("{", "[") and len(value) < LONGEST):
        return value
    try:
        with warnings.catch_warnings(action="ignore"):
            found = ast.literal_eval(value.strip())
        return loads(json.dumps(found))
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return value


def as_text(value: Any) -> str:
    """A text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def number(value: Any) -> float | None:
    """A finite number, also one written as text; `None` for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def count(value: Any) -> int:
    """A number of tokens; 0 for what is none."""
    found = number(value)
    return int(found) if found is not None and 0 <= found < LARGEST else 0


def seconds(value: Any, losses: Losses, key: str) -> float | None:
    """A time since the epoch in seconds: of ISO 8601 (UTC where it says no zone), or a number of s, ms, us or ns."""
    if value is None or value == "":
        return None
    found = _iso(value) if isinstance(value, str) else None
    if found is None and (told := number(value)) is not None:
        found = next((told / parts for least, parts in UNITS if abs(told) >= least), told)
    if found is None:
        losses.tell("no-time", f"{key}: expected ISO 8601 or a number since 1970, got {shown(value)}")
    return found


def a_time(value: Any) -> float:
    """As `seconds`, and 0 where it is no time."""
    return seconds(value, Losses(""), "") or 0.0


def _iso(text: str) -> float | None:
    if text.lstrip("-").isdecimal():  # a number, though ISO 8601 would read eight digits as a date
        return None
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def usage_of(*told: Any) -> Usage:
    """Tokens from the first of several places that says any."""
    for fields in map(mapping, told):
        usage = Usage(
            input_tokens=count(first(fields, INPUT)),
            output_tokens=count(first(fields, OUTPUT)),
            cached_tokens=count(_detail(fields, CACHED, INPUT_DETAILS, ("cache_read", "cached_tokens"))),
            reasoning_tokens=count(_detail(fields, REASONING, OUTPUT_DETAILS, ("reasoning", "reasoning_tokens"))),
        )
        if usage != Usage():
            return usage
    return Usage()


def _detail(fields: dict[str, Any], keys: Iterable[str], groups: Iterable[str], within: Iterable[str]) -> Any:
    found = first(fields, keys)
    return found if found is not None else first(mapping(first(fields, groups)), within)


def unquoted(value: Any) -> Any:
    """As `parsed`, also where JSON text was written as JSON text once more."""
    for _ in range(3):
        if not (isinstance(value, str) and value[:1] in ('"', "{", "[")):
            break
        try:
            value = loads(value)
        except ValueError:
            break
    return value
