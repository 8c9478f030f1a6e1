"""Whether an example fits a format: an example that would lose something in it is told, never bent.

Every row is written as JSON, read back as its trainer would read it, and compared with what was to be learnt.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import orjson

from langdistill.datasets.formats.surviving import check_survival
from langdistill.datasets.formats.unfit import Unfit
from langdistill.finding import found_named, names_in
from langdistill.named import Named
from langdistill.records import Example, Message

__all__ = ["Fitted", "Format", "Unfit", "find_format", "fitted", "format_names"]

PROTOCOL_FILES = {"conversational", "fitting", "surviving", "unfit"}


@dataclass(frozen=True)
class Format(Named, ABC):
    """A way to write examples as rows of a trainer. Its fields are its settings."""

    has_ids: ClassVar[bool] = True
    """Whether tool calls and their results keep their ids. Where not, a result belongs to its call by its place."""

    @abstractmethod
    def rows(self, example: Example) -> list[dict[str, Any]]:
        """The rows of an example, as a trainer reads them. No value at the top of a row is `None`.

        Raises:
            Unfit: the format has no place for something in it.
        """

    @abstractmethod
    def read(self, row: dict[str, Any]) -> list[Message]:
        """What a trainer sees of a row: all messages again, those of the prompt first."""

    def says(self, example: Example) -> list[list[Message]]:
        """The messages that each of the rows must give back."""
        return [[*example.messages, *example.target]]


@dataclass(frozen=True)
class Fitted:
    """A row that was found to hold all of its example."""

    line: bytes
    """The row as a line of JSON. Its keys keep their order: chat templates write arguments and schemas as they come."""
    row: dict[str, Any]


def fitted(format: Format, example: Example) -> list[Fitted]:
    """The rows of an example, each proven by reading it again.

    Raises:
        Unfit: something of it would be lost, or there is no reply in it to learn ("no-reply").
    """
    if all(one["role"] != "assistant" for one in example.target):
        raise Unfit("no-reply")
    rows = [_written(row) for row in format.rows(example)]
    for one, messages in zip(rows, format.says(example), strict=True):
        check_survival(messages, format.read(one.row), has_ids=format.has_ids)
    return rows


def format_names() -> list[str]:
    """The formats that there are."""
    return names_in(Path(__file__).parent, besides=PROTOCOL_FILES)


def find_format(name: str | Format, **settings: Any) -> Format:
    """The format of that name: what the function of its file's name makes.

    Args:
        name: of a file here; a format is given back as it is.
        **settings: of the format.

    Raises:
        UnknownName: there is none.
    """
    if isinstance(name, Format):
        return name
    return found_named("format", name, "langdistill.datasets.formats", format_names())(**settings)


def _written(row: dict[str, Any]) -> Fitted:
    try:
        line = orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError as error:  # a lone surrogate, a number past 64 bits, a key that is no text
        raise Unfit("not-json") from error
    if orjson.loads(line) != row:  # NaN is written as null
        raise Unfit("not-json")
    return Fitted(line, row)
