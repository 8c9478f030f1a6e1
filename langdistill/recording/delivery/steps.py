"""Where in a graph something happened, and what that says of it."""

from __future__ import annotations

import re

from langdistill.records import Step

TASK_ID = re.compile(r":[^|]*")


def path_of(namespace: str) -> str:
    """Where in the graph: "think/sample", without task ids, nor the number of a graph that a node runs again."""
    names = (TASK_ID.sub("", part) for part in namespace.split("|"))
    return "/".join(name for name in names if name and not name.isdigit())


def closed(steps: list[Step], at: int | None, ended: float, error: str | None) -> float:
    """When something ended: what was cut off, with the step around it, though it may be told only with the root."""
    return min(ended, steps[at].ended) if at is not None and error in ("cancelled", "lost") else ended


def stands(steps: list[Step], at: int | None) -> bool:
    """Whether what happened in a step reached the graph: neither it nor one around it failed."""
    while at is not None:
        if steps[at].outcome not in ("ended", "handed-off"):
            return False
        at = steps[at].parent
    return True
