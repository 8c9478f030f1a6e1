"""Drop what a model did not say to its end: cut at the token limit, by a content filter, or because the call broke off."""

from __future__ import annotations

import re
from dataclasses import dataclass

from langdistill.filters.judging import Judgement, RowFilter
from langdistill.filters.reading.rows import learnt, replies_of, run_of
from langdistill.filters.reading.tool_calls import asked_in
from langdistill.groups import Group
from langdistill.records import Example, Reply, text_of

CUT = {
    "length": "length-limit",  # OpenAI, vLLM
    "max_tokens": "length-limit",  # Anthropic, Bedrock, Gemini
    "max_output_tokens": "length-limit",  # OpenAI's responses
    "model_length": "length-limit",  # Mistral
    "model_context_window_exceeded": "length-limit",  # Anthropic
    "2": "length-limit",  # Gemini's number for it
    "content_filter": "content-filter",  # OpenAI
    "safety": "content-filter",  # Gemini
}
"""Finish reason, in small letters, to what the row goes for."""
FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})(.*)$", re.MULTILINE)
JSON_BEGINS = re.compile(r"\s*(?:\{\s*[\"}]|\[\s*[\[{\"\]])")
BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"|["\[\]{}]', re.DOTALL)
"""A string, a quote that none closes, or a bracket."""


@dataclass(frozen=True)
class NoTruncation(RowFilter):
    """See `no_truncation`."""

    strict: bool
    shape: bool

    def judge(self, row: Example, group: Group) -> Judgement:
        """Look up how the replies ended that the target is made of; then at the target's own shape."""
        run = run_of(row, group)
        replies = replies_of(row, run) if run else []
        for reply in replies:
            if told := _cut(reply):
                return Judgement(False, told, evidence={"finish_reason": reply.finish_reason})
        if self.shape and (open_one := _open(row)):
            return Judgement(False, open_one)
        if not replies or any(reply.finish_reason is None for reply in replies):
            return Judgement(None if self.strict else True, "no-finish-reason")
        return Judgement(True, "finished")


def no_truncation(*, strict: bool = False, shape: bool = False) -> NoTruncation:
    """Drop rows of which a reply was cut: "length-limit", "content-filter", or "partial" where the call broke off.

    A row's replies are those that became a message of its target; an answer that was taken out of a reply, as `final_answer` does,
    has none of its own. Most imported traces do not say how a reply ended. Such rows are kept ("no-finish-reason"), for to drop
    them by default would drop whole imports; `strict` says of them that it cannot judge.

    Args:
        strict: a reply without a finish reason, or a row without its reply, cannot be judged.
        shape: also drop a target that looks cut: a code block that is not closed ("open-fence"), or an answer or the arguments
            of a tool call that begin as JSON and whose brackets stay open ("open-json"). A lesser sign: some models never close a
            last fence.
    """
    return NoTruncation(strict, shape)


def _cut(reply: Reply) -> str | None:
    if reply.partial:
        return "partial"
    return CUT.get((reply.finish_reason or "").lower())


def _open(row: Example) -> str | None:
    for message in learnt(row):
        text = text_of(message) or ""
        if _fence_is_open(text):
            return "open-fence"
        if _json_is_open(text):
            return "open-json"
    written = (call.arguments for call in asked_in(row.target))
    return "open-json" if any(isinstance(one, str) and _json_is_open(one) for one in written) else None


def _fence_is_open(text: str) -> bool:
    """As CommonMark reads fences: a block ends with as many of the same sign at least, and nothing after them."""
    fence = ""
    for sign, info in FENCE.findall(text):
        if not fence:
            fence = "" if sign[0] == "`" and "`" in info else sign
        elif sign.startswith(fence) and not info.strip():
            fence = ""
    return bool(fence)


def _json_is_open(text: str) -> bool:
    if not JSON_BEGINS.match(text):
        return text.strip() in ("{", "[")
    depth = 0
    for sign in BRACKET.findall(text):
        if sign == '"':
            return True
        if sign in "[]{}":
            depth += 1 if sign in "[{" else -1
            if depth == 0:
                return False
    return depth > 0
