"""Where a reply says that its answer stands, and the answer as written there."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator

Extract = Callable[[str], "str | None"]
"""Reads the final answer out of a reply, in one spelling for answers of one meaning; `None` when there is none."""

MARK = re.compile(
    r"\banswer(?: here| to (?:this|that|the|your)(?: [a-z]+){1,2})?(?:\s*+(?:is\b|:)| (?:would|will|should|must) be\b)"
    r"|^####(?!#)(?=[ \t]*+[-+$−]?[\d.])(?![ \t]*+\d++[.):][ \t]++\S)",
    re.IGNORECASE | re.MULTILINE,
)
"""The words before an answer, or the line that ends a solution of GSM8K, which is no numbered heading ("#### 1. First").
Possessive, so no reply makes it backtrack."""

BRACE = re.compile(r"\\boxed\s*+\{|\\fbox\s*+\{|\\.|[{}]", re.DOTALL)
AROUND = " \t\r\n\"'`*_“”‘’.,;:!"
DELIMITERS = "$\\[]()"
PAIRS = {"(": ")", "[": "]"}
LONGEST_BARE_ANSWER = 60
MOST_MARKS = 10
LONGEST_IN_BRACKETS = 1000
"""Brackets are matched in answers up to this length only: a hostile one is all brackets."""


def final_answer(text: str) -> str | None:
    """The answer a reply ends in, as written, or `None`.

    Read in this order: the last LaTeX box; the last line with "Answer: ..." or "the answer is ..." (the next line that holds
    anything where nothing follows the mark), or of GSM8K's "#### 18"; the whole reply when it is a single short line, as a
    direct (System 1) answer is.
    """
    place = marked(text)
    if place is not None:
        return place if boxed(text) is not None else bare(place) or None
    whole = text.strip()
    return bare(whole) or None if "\n" not in whole and len(whole) <= LONGEST_BARE_ANSWER else None


def marked(text: str) -> str | None:
    """What stands at the place a reply marks: in its last box, else on the line after its last mark; `None` without a mark."""
    return box if (box := boxed(text)) is not None else _after_mark(text)


def mark_at(text: str) -> int | None:
    """Where the last box begins that holds anything, or else the last mark; `None` where there is neither."""
    boxes = [start for start, end in _boxes(text) if text[start:end].strip()]
    marks = deque(MARK.finditer(text), maxlen=1)
    return max(boxes) if boxes else marks[0].start() if marks else None


def boxed(text: str) -> str | None:
    r"""The content of the last ``\boxed{...}`` that holds anything, whatever braces it holds; the inner of nested boxes."""
    for start, end in sorted(_boxes(text), reverse=True):
        if content := text[start:end].strip():
            return content
    return None


def _boxes(text: str) -> Iterator[tuple[int, int]]:
    """Where the content of every closed box begins and ends. One pass, however they are nested."""
    if "box" not in text:  # most replies have none, and this is much faster than the pattern
        return
    opened: list[tuple[int, bool]] = []
    for brace in BRACE.finditer(text):
        if brace[0].endswith("{") and brace[0] != r"\{":
            opened.append((brace.end(), len(brace[0]) > 1))
        elif brace[0] == "}" and opened:
            start, is_box = opened.pop()
            if is_box:
                yield start, brace.start()


def places(text: str) -> list[str]:
    """The last box, or what stands after each of the last marks, latest first: for kinds that pass over a mark of prose."""
    if (box := boxed(text)) is not None:
        return [box]
    return [_place(text, mark.end()) for mark in reversed(deque(MARK.finditer(text), maxlen=MOST_MARKS))]


def _after_mark(text: str) -> str | None:
    last = _last_mark(text)
    return _place(text, last.end()) if last else None


def _last_mark(text: str) -> re.Match[str] | None:
    """The last mark. It is looked for from the end: most are there, and to find a word is ten times faster than the pattern."""
    if not text.isascii():  # upper and lower case may differ in length there, and more letters than one be an "s"
        last = deque(MARK.finditer(text), maxlen=1)
        return last[0] if last else None
    lower, at = text.lower(), len(text)
    while (at := max(lower.rfind("answer", 0, at + 5), text.rfind("####", 0, at + 3))) >= 0:
        if found := MARK.match(text, at):
            return found
    return None


def _place(text: str, at: int) -> str:
    """The line behind a mark, or the next one that holds anything; searched a line at a time, so a long reply stays cheap."""
    while at < len(text):
        end = found if (found := text.find("\n", at)) >= 0 else len(text)
        if (line := text[at:end].strip()).strip(AROUND + DELIMITERS):
            return line
        at = end + 1
    return ""


def bare(text: str) -> str:
    """A text without the quotes, emphasis, punctuation and brackets around it that carry no meaning.

    A point before a digit stays (".5"), and so do brackets around or beside several things ("(3, 4]").
    """
    while True:
        inner = _without_brackets(_without_signs(text))
        if inner == text:
            return text
        text = inner


def _without_signs(text: str) -> str:
    kept = text.strip(AROUND)
    at = text.find(kept)
    is_decimal = kept[:1].isdigit() and text[at - 1 : at] == "." and (at < 2 or text[at - 2] != ".")
    return f".{kept}" if at and is_decimal else kept


def _without_brackets(text: str) -> str:
    if "," in text or len(text) > LONGEST_IN_BRACKETS:
        return text
    for opening, closing in PAIRS.items():
        if text.startswith(opening) and text.count(opening) > text.count(closing):
            return text[1:]
        if text.endswith(closing) and text.count(closing) > text.count(opening):
            return text[:-1]
        if text.startswith(opening) and text.endswith(closing) and _is_around(text, opening, closing):
            return text[1:-1]
    return text


def _is_around(text: str, opening: str, closing: str) -> bool:
    """Whether the first bracket closes with the last, as in "(a)" and not as in "(a)(b)"."""
    depth = 0
    for at, sign in enumerate(text):
        depth += (sign == opening) - (sign == closing)
        if depth == 0:
            return at == len(text) - 1
    return False
