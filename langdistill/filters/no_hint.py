"""Prove that no row tells of the hint that its teacher was given (Magister et al., 2212.08410; STaR, 2203.14465).

A student that reads the gold answer in its prompt learns to copy it, and one that is taught "as the given answer says" learns to
appeal to what it will not have. The words of the hint are known exactly: the call that was given it bears them (`Call.hint`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from langdistill.errors import DatasetError
from langdistill.filters.judging import Judgement, RowFilter
from langdistill.filters.reading.tool_calls import asked, leaves
from langdistill.groups import Group
from langdistill.records import Example, Message, Trace, text_of
from langdistill.similarity.rouge_l import Tokens, any_script

GIVEN = r"(?:given|provided|stated|supplied|known|expected|hinted|target|reference|gold)"
PHRASES = (
    r"\bhint(?:s|ed)?\b",
    rf"\b{GIVEN} (?:final )?(?:answer|solution|result)\b",
    rf"\b(?:answer|solution|result),? (?:that )?(?:is|was|has been|as|we (?:are|were)|i (?:am|was)) (?:already )?{GIVEN}\b",
    r"\b(?:we|i) (?:already |were |are |was |am )*(?:know|told)(?: beforehand| already)?,? (?:that )?the (?:\w+ )?answer\b",
    r"\b(?:known|told|given) beforehand\b",
    r"\b(?:match|reach|obtain|get to|arrive at|agree with|consistent with) the (?:correct|right|known|given) answer\b",
    r"\b(?:since|because|as) the (?:correct|right|final) answer (?:is|must be)\b",
)
"""How a rationale speaks of a hint; regular expressions, read without regard to case."""
NUMBER_OR_WORD = re.compile(r"\d+(?:[.,:/]\d+)*|\w+")
HONEST = "the answer is {answer}"
"""What any solution may say, however long the answer is."""


@dataclass(frozen=True)
class NoHint(RowFilter):
    """See `no_hint`."""

    phrases: tuple[str, ...]

    def judge(self, row: Example, group: Group) -> Judgement:
        """Compare the row with the hints of its runs, and, where its teacher had one, with the question that was asked."""
        traces = _of(row, group)
        if not traces:
            return Judgement(None, "no-traces")
        hints = {call.hint for trace in traces for call in trace.calls if call.hint}
        if not hints:
            return Judgement(True, "no-hint-given")
        innocent = [HONEST.format(answer=row.answer), *_texts(one for trace in traces for one in trace.input)]
        if _within(hints, innocent, _texts(row.messages)) or (row.hint_used and not _asks_originally(row, traces)):
            return Judgement(False, "hint-in-prompt")
        told = [
            row.reasoning or "",
            *_texts([*row.target, *(row.rejected or [])]),
            *(step for step, _ in row.steps or []),
        ]
        if _within(hints, innocent, told):
            return Judgement(False, "hint-in-reasoning")
        if row.hint_used and (spoken := self._spoken(told, " ".join(_texts(row.messages)))):
            return Judgement(False, "hint-in-reasoning", evidence={"phrase": spoken})
        return Judgement(True, "hint-absent")

    def _spoken(self, told: Iterable[str], question: str) -> str | None:
        """What a rationale says of a hint that the question itself does not say."""
        asked, texts = _even(question), [_even(text) for text in told]
        found = (one[0] for pattern in self.phrases for text in texts for one in re.finditer(pattern, text))
        return next((one for one in found if one not in asked), None)


def no_hint(*, phrases: Sequence[str] = PHRASES) -> NoHint:
    """Keep rows of which neither prompt nor target tells of a hint.

    A row is dropped where its prompt holds five words of a hint in a row, or, if its teacher had one, is another than the question that was
    asked ("hint-in-prompt"); and where its target holds such, or speaks of a hint though the question does not
    ("hint-in-reasoning"). Case, white space and, of the five words, punctuation do not matter; a number is one word, and in scripts
    without spaces ten characters count. Words that the question or "the answer is ..." hold tell nothing, unless they are the whole
    hint. Rows of which no trace is at hand cannot be judged.
    `Example.privileged`, which a student is not shown, is not looked at. Put it before the filters over the whole corpus.

    Args:
        phrases: regular expressions, in lower case, by which a rationale speaks of a hint.

    Raises:
        DatasetError: a phrase is no regular expression.
    """
    for one in phrases:
        try:
            re.compile(one)
        except re.error as error:
            raise DatasetError(f"no_hint(phrases=...) got {one!r}, which is no regular expression: {error}.") from error
    return NoHint(tuple(phrases))


def _of(row: Example, group: Group) -> list[Trace]:
    """The runs that the row was made of."""
    known = {*row.traces, row.trace}
    every = (group.originals, *group.variants.values())
    return [trace for some in every for trace in some if trace.id in known]


def _asks_originally(row: Example, traces: Sequence[Trace]) -> bool:
    """Whether the prompt is what a user asked, and no more."""
    return any(_spoken_of(row.messages) == _spoken_of(trace.input) for trace in traces)


def _spoken_of(messages: Iterable[Message]) -> list[tuple[str, Any]]:
    return [(one["role"], one["content"]) for one in messages]


def _within(hints: Iterable[str], innocent: Sequence[str], texts: Sequence[str]) -> bool:
    """Whether a text holds so much of a hint that it tells it."""
    for tokens, in_a_row in READINGS:
        said, harmless = ([_spaced(tokens(text)) for text in some] for some in (texts, innocent))
        if any(run in text for hint in hints for run in _telling(tokens(hint), in_a_row, harmless) for text in said):
            return True
    return False


def _telling(hint: Sequence[str], in_a_row: int, harmless: Iterable[str]) -> set[str]:
    """The hint whole, and its runs of so many words but those of a harmless text: the question or the answer may say them."""
    if not hint:
        return set()
    whole = _spaced(hint)
    runs = {_spaced(hint[at : at + in_a_row]) for at in range(len(hint) - in_a_row + 1)}
    excused = [text for text in harmless if whole not in text]
    return {whole, *(run for run in runs if not any(run in text for text in excused))}


def _spaced(words: Iterable[str]) -> str:
    return f" {' '.join(words)} "


def _texts(messages: Iterable[Message]) -> list[str]:
    """All that messages say: their words, their thinking, the arguments of their tool calls."""
    said: list[str] = []
    for one in messages:
        said += [text_of(one) or "", one.get("reasoning_content") or ""]
        said += [text for call in asked(one) for text in (call.written, *leaves(call.parsed))]
    return said


def _words(text: str) -> list[str]:
    return NUMBER_OR_WORD.findall(text.casefold())


READINGS: tuple[tuple[Tokens, int], ...] = ((_words, 5), (any_script, 10))
"""How texts are cut, and how many words of a hint in a row tell it; a solution may say four of them by itself: "the answer is 4".
Where words are not written apart, characters are counted. A shorter hint is looked for whole."""


def _even(text: str) -> str:
    """In lower case, with single spaces."""
    return " ".join(text.casefold().split())
