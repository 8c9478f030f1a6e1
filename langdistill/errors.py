"""What can go wrong, one class per boundary crossed.

    LangdistillError
    ├── ModelError        a chat model gave no usable reply
    ├── AnswerError       a text could not be read as an answer, or a question could not be read at all
    ├── PromptError       a template and its values do not match
    ├── StoreError        a trace store is missing, read-only, full, corrupt or of another schema
    │   └── StoreBusy     it is locked or does not answer right now: the same may work later
    ├── DatasetError      a data set cannot be built, read or written
    ├── StudentError      a student cannot be trained or loaded
    ├── EvaluationError   a model cannot be measured on these problems, or two measurements cannot be compared
    ├── MiningError       instructions cannot be mined: no seeds, settings that cannot work, a folder of something else
    ├── UnknownName       a task, strategy, filter or format of that name does not exist
    └── MissingExtra      an optional dependency is not installed

Every message says what was got, what was expected and what to do next. The command line prints it as one paragraph
and leaves with code 2.
"""

from __future__ import annotations

from collections.abc import Iterable


class LangdistillError(Exception):
    """Base of every error raised on purpose by langdistill."""


class ModelError(LangdistillError, RuntimeError):
    """A chat model gave no usable reply."""


class AnswerError(LangdistillError, ValueError):
    """A text could not be read as an answer, or a graph's input held no question."""


class PromptError(LangdistillError, ValueError):
    """A template and the values for it do not match."""


class StoreError(LangdistillError, OSError):
    """A trace store is missing, read-only, full, corrupt or of another schema."""


class StoreBusy(StoreError):
    """A trace store is locked by others, or its server does not answer: nothing is broken, and the same may work later."""


class DatasetError(LangdistillError, ValueError):
    """A data set cannot be built, read or written."""


class StudentError(LangdistillError, RuntimeError):
    """A student cannot be trained or loaded."""


class EvaluationError(LangdistillError, ValueError):
    """A model cannot be measured on these problems, or two measurements cannot be compared."""


class MiningError(LangdistillError, ValueError):
    """Instructions cannot be mined from these seeds, with these settings or in this folder."""


class UnknownName(LangdistillError, LookupError):
    """A task, strategy, filter or format of that name does not exist."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        super().__init__(kind, name, tuple(sorted(known)))

    def __str__(self) -> str:
        kind, name, known = self.args
        return f"There is no {kind} named {name!r}. Known: {', '.join(known)}."


class MissingExtra(LangdistillError, ImportError):
    """An optional dependency is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(package, extra)

    def __str__(self) -> str:
        package, extra = self.args
        return f"This needs the package {package!r}, which is not installed. Install it with: pip install 'langdistill[{extra}]'"
