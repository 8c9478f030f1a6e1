"""Tokens of a model call, as servers and LangChain tell them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.outputs import LLMResult


def tokens_of(response: LLMResult | None) -> dict[str, int]:
    """Tokens of all replies of a call together; a server's own sum goes before what it repeats on every message.

    Returns:
        `input_tokens`, `output_tokens`, `cached_tokens` and `reasoning_tokens`, without those that are 0.
    """
    if response is None or not response.generations:
        return {}
    prompt = replies = cached = reasoning = 0
    for generation in response.generations[0]:
        usage: Mapping[str, Any] | None = getattr(getattr(generation, "message", None), "usage_metadata", None)
        if not usage:
            continue
        prompt = max(prompt, usage.get("input_tokens") or 0)  # each of n replies repeats the one prompt
        replies += usage.get("output_tokens") or 0
        cached = max(cached, (usage.get("input_token_details") or {}).get("cache_read") or 0)
        reasoning += (usage.get("output_token_details") or {}).get("reasoning") or 0
    if total := (response.llm_output or {}).get("token_usage"):
        prompt = total.get("prompt_tokens") or prompt
        replies = total.get("completion_tokens") or replies
        reasoning = (total.get("completion_tokens_details") or {}).get("reasoning_tokens") or reasoning
    found = {"input_tokens": prompt, "output_tokens": replies, "cached_tokens": cached, "reasoning_tokens": reasoning}
    return {name: int(count) for name, count in found.items() if count}
