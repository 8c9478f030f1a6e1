"""What of a reply is thinking, where the server left it in the text: between tags, or before the line of the answer."""

from __future__ import annotations

import re

from langdistill.answers.marked import mark_at

TAG = re.compile(r"<(/?)(?:think|thinking|thought|reasoning)>|\[(/?)THINK\]", re.IGNORECASE)
"""As models of DeepSeek, Qwen, Mistral and others write it."""


def thought_and_said(text: str) -> tuple[str | None, str]:
    """The thinking between tags, several joined by empty lines, and the text without it.

    Chat templates open the tag themselves, so what stands before a closing tag that nothing opened is thinking. So is all
    that follows a tag at the start of a line that is never closed: a reply cut short. A tag within a line that is never
    closed is text that speaks of tags.
    """
    spans = _spans(text)
    if not spans:
        return None, text
    thought = (TAG.sub("", text[start:end]).strip() for start, end in spans)
    ends = [0, *(end for _, end in spans)]
    said = (text[end:start] for end, start in zip(ends, [*(start for start, _ in spans), len(text)], strict=True))
    return "\n\n".join(filter(None, thought)) or None, "".join(said).strip()


def before_answer(text: str) -> str | None:
    """What stands before the line that holds the marked answer; `None` where nothing does, or no answer is marked."""
    at = mark_at(text)
    return None if at is None else text[: _line(text, at)].strip() or None


def _spans(text: str) -> list[tuple[int, int]]:
    """Where thinking begins and ends, its tags included. The first closing tag ends it: thinking may speak of tags, too."""
    spans: list[tuple[int, int]] = []
    opened: int | None = None
    for tag in TAG.finditer(text):
        if not (tag[1] or tag[2]):
            opened = tag.start() if opened is None else opened
            continue
        if opened is None:
            spans.clear()
        spans.append((opened or 0, tag.end()))
        opened = None
    if opened is not None and not text[_line(text, opened) : opened].strip():
        spans.append((opened, len(text)))
    return spans


def _line(text: str, at: int) -> int:
    """Where the line begins that a place is in."""
    return text.rfind("\n", 0, at) + 1
