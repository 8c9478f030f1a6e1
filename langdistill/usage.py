"""Tokens of a model call, as servers and LangChain tell them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.outputs import LLMResult


def tokens_of(response: LLMResult | None) -> dict[str, int]:
    """Tokens of all replies of a call together; a server's own sum goes before what it repeats on every message.

    Returns:
        `input_tokens`, `output_tokens`, `cached_tokens` and `reasoning_tokens`, without those that are 0.
    """
    if response is None or not response.generations:
        return {}
    told: Sequence[Mapping[str, Any]] = [
        usage
        for one in response.generations[0]
        if (usage := getattr(getattr(one, "message", None), "usage_metadata", None))
    ]
    total = (response.llm_output or {}).get("token_usage") or {}
    inputs = [one.get("input_token_details") or {} for one in told]
    outputs = [one.get("output_token_details") or {} for one in told]
    found = {
        # each of n replies repeats the one prompt
        "input_tokens": total.get("prompt_tokens") or max((one.get("input_tokens") or 0 for one in told), default=0),
        "output_tokens": total.get("completion_tokens") or sum(one.get("output_tokens") or 0 for one in told),
        "cached_tokens": max((one.get("cache_read") or 0 for one in inputs), default=0),
        "reasoning_tokens": _reasoning(total) or sum(one.get("reasoning") or 0 for one in outputs),
    }
    return {name: int(count) for name, count in found.items() if count}


def _reasoning(total: Mapping[str, Any]) -> int:
    return (total.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0
