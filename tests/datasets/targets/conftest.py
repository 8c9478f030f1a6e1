from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from langdistill import TraceRecorder
from langdistill.answers import Extract, final_answer
from langdistill.groups import Group, Rows, Target, grouped
from langdistill.records import Trace
from langdistill.testing.memory import MemoryStore


class Recorded:
    """Runs that were recorded, as problems."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.recorder = TraceRecorder(self.store)

    def run(self, graph: Any, given: Any = "2+2?", *, later: bool = False, thread: str = "", **metadata: Any) -> Any:
        """One run; a text is a user's question."""
        asked = {"messages": [("user", given)]} if isinstance(given, str) else given
        config = {"callbacks": [self.recorder], "metadata": metadata}
        if thread:
            config["configurable"] = {"thread_id": thread}
        return asyncio.run(graph.ainvoke(asked, config)) if later else graph.invoke(asked, config)

    @property
    def traces(self) -> list[Trace]:
        assert self.recorder.flush()
        return sorted(self.store.traces(), key=lambda trace: trace.started)

    def groups(self, extract: Extract = final_answer) -> list[Group]:
        assert self.recorder.flush()
        assert self.recorder.lost == 0, self.recorder.losses
        return list(grouped(self.store.by_problem(), extract))

    def rows(self, take: Target, extract: Extract = final_answer) -> Rows:
        """What a target takes from the only problem."""
        [group] = self.groups(extract)
        return take(group)

    def told(self, take: Target, extract: Extract = final_answer) -> list[dict[str, Any]]:
        """The same rows without what differs from run to run."""
        return [told(row) for row in self.rows(take, extract).examples]


CHANCE = {"trace", "traces", "call", "at", "problem"}


def told(row: Any) -> dict[str, Any]:
    """All of a row but ids and times."""
    return row.model_dump(exclude_defaults=True, exclude=CHANCE)


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    here = Recorded()
    yield here
    here.recorder.close()
