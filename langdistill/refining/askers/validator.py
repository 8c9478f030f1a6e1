"""An asker that runs a check of yours: a schema, a test, an arithmetic check. What it complains of is what the refinement is told."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage

from langdistill.questions import question_of
from langdistill.refining.doubting import Doubt

Check = Callable[[str, str], Sequence[str]]
"""From the question and the reply to what is wrong with the reply; nothing where it passes."""


@dataclass(frozen=True)
class Validator:
    """See `validator`."""

    check: Check
    name: str = "validator"

    def __call__(self, state: Mapping[str, Any], reply: AIMessage) -> Generator[Any, Any, Doubt]:
        """The complaints; certain either way. A check that raises complains of that."""
        try:
            complaints = list(self.check(question_of(state), reply.text))
        except Exception as error:
            complaints = [f"The check failed: {error}"]
        return Doubt(complaints, float(bool(complaints)))
        yield  # a body of a node is a generator, and this one asks nothing


def validator(check: Check) -> Validator:
    """An asker that refines what a check complains of, and nothing else.

    Args:
        check: of yours. An exception in it is a complaint, too: of tool errors and code that does not run.
    """
    return Validator(check)
