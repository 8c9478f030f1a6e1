"""Actions as ReAct (Yao et al., 2210.03629) writes them: `search[Oslo]`, and `finish[...]` for the answer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

NAMED = r"(\w+)\[(.*)\]"
"""The name of a tool and its only argument."""
ARGUMENT = "input"
"""What the argument is called in a run of the tool."""
FINISH = "finish"
WRITTEN = re.compile(rf"\s*{NAMED}\s*", re.DOTALL)


def read_action(text: str) -> tuple[str, str] | None:
    """Tool and argument of a text that is an action; `None` where it is none."""
    found = WRITTEN.fullmatch(text)
    return (found[1], found[2]) if found else None


def finished(actions: Iterable[tuple[str, Any]]) -> Any:
    """What the last `finish` of the actions was given; `None` where none was."""
    given = [argument for name, argument in actions if name.lower() == FINISH]
    return (given[-1] if given else None) or None
