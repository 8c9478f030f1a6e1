"""Keep a row whose target is neither too short nor too long, in words, characters or tokens."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from langdistill.errors import DatasetError, MissingExtra
from langdistill.filters.judging import Judgement, RowFilter
from langdistill.filters.reading.rows import learnt
from langdistill.filters.reading.tool_calls import asked
from langdistill.groups import Group
from langdistill.named import told
from langdistill.records import Example, Message, text_of

Measure = Callable[[str], int]


@dataclass(frozen=True)
class Length(RowFilter):
    """See `length`."""

    min_words: int | None
    max_words: int | None
    min_characters: int | None
    max_characters: int | None
    min_tokens: int | None
    max_tokens: int | None
    tokenizer: Any
    whole: bool

    @property
    def params(self) -> dict[str, Any]:
        """Its settings; a tokenizer that was given itself goes by where it came from."""
        return super().params | {"tokenizer": told(getattr(self.tokenizer, "name_or_path", self.tokenizer))}

    def judge(self, row: Example, group: Group) -> Judgement:
        """Count, and compare with each window."""
        messages = [*row.messages, *row.target] if self.whole else learnt(row)
        pieces = [piece for message in messages for piece in _written(message)]
        text = "\n".join([*(map(json.dumps, row.tools) if self.whole else ()), *pieces])
        counts = {name: measure(text) for name, measure in self._measures().items()}
        for name, count in counts.items():
            least, most = getattr(self, f"min_{name}"), getattr(self, f"max_{name}")
            if least is not None and count < least:
                return Judgement(False, "too-short", count, counts)
            if most is not None and count > most:
                return Judgement(False, "too-long", count, counts)
        return Judgement(True, "fits", None, counts)

    def _measures(self) -> dict[str, Measure]:
        measures: dict[str, Measure] = {"words": _words, "characters": len}
        if self.tokenizer is not None:
            measures["tokens"] = self._tokens
        return measures

    def _tokens(self, text: str) -> int:
        tokenizer = _loaded(self.tokenizer) if isinstance(self.tokenizer, str) else self.tokenizer
        return len(tokenizer.encode(text, add_special_tokens=False))


def length(
    *,
    min_words: int | None = None,
    max_words: int | None = None,
    min_characters: int | None = None,
    max_characters: int | None = None,
    min_tokens: int | None = None,
    max_tokens: int | None = None,
    tokenizer: Any = None,
    whole: bool = False,
) -> Length:
    """Keep a row whose target lies in every window that is given, its ends included.

    What is counted is what the student learns to say: texts, thinking, and the names and arguments of tool calls; tool results
    between them are not. Words are what blanks stand between; for a script without blanks count characters or tokens. A chat
    template adds a few tokens per message, which are not counted.

    Args:
        min_words: fewest words.
        max_words: most words.
        min_characters: fewest characters (Unicode code points).
        max_characters: most characters.
        min_tokens: fewest tokens.
        max_tokens: most tokens.
        tokenizer: of `transformers`: its name, the path of its folder, or itself. Loaded with the first row.
        whole: count the prompt, the tool results and the schemas, too: what must fit into the student's context.

    Raises:
        DatasetError: no limit was given, one is negative or above its other end, or tokens were limited without a tokenizer.
        MissingExtra: a tokenizer was named and transformers is not installed; raised with the first row.
    """
    limits = {
        "words": (min_words, max_words),
        "characters": (min_characters, max_characters),
        "tokens": (min_tokens, max_tokens),
    }
    if all(one is None for pair in limits.values() for one in pair):
        raise DatasetError("length() was given no limit; give at least one, such as length(max_words=500).")
    for name, (least, most) in limits.items():
        if (least or 0) < 0 or (most is not None and most < (least or 0)):
            raise DatasetError(f"length(min_{name}={least}, max_{name}={most}) is no window; give 0 <= min <= max.")
    if tokenizer is None and limits["tokens"] != (None, None):
        raise DatasetError("length() can only count tokens with a tokenizer; give tokenizer='Qwen/Qwen3-0.6B', say.")
    return Length(min_words, max_words, min_characters, max_characters, min_tokens, max_tokens, tokenizer, whole)


def _written(message: Message) -> list[str]:
    """What of a message is text in the end."""
    calls = [text for call in asked(message) for text in (call.name, call.written)]
    return [text for text in (message.get("reasoning_content"), text_of(message), *calls) if text]


def _words(text: str) -> int:
    return len(text.split())


@lru_cache(maxsize=4)
def _loaded(name: str) -> Any:
    try:
        from transformers import AutoTokenizer
    except ImportError as missing:
        raise MissingExtra("transformers", "train") from missing
    return AutoTokenizer.from_pretrained(name)
