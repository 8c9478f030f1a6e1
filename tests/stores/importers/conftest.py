from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from langdistill.records import Trace
from langdistill.stores.importing import Unmapped, find_importer


class Came:
    """What an importer made of a file."""

    def __init__(self, format: str, path: Path) -> None:
        items = list(find_importer(format)(path))
        self.traces = [item for item in items if isinstance(item, Trace)]
        self.unmapped = [item for item in items if isinstance(item, Unmapped)]
        assert all(trace.source == format for trace in self.traces if format != "langdistill")

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Traces with ids of their own, calls, runs of tools, and feedback."""
        parts = ((trace.calls, trace.tool_runs, trace.feedback) for trace in self.traces)
        sums = [sum(map(len, part)) for part in zip(*parts, strict=True)] or [0, 0, 0]
        assert len({trace.id for trace in self.traces}) == len(self.traces)
        return len(self.traces), sums[0], sums[1], sums[2]

    @property
    def reasons(self) -> dict[str, int]:
        return dict(Counter(one.reason for one in self.unmapped))

    @property
    def trace(self) -> dict[str, Any]:
        """The only one, with its defaults left out and short ids."""
        [trace] = self.traces
        return json.loads(trace.model_dump_json(exclude_defaults=True).replace(trace.id, "ID"))


@pytest.fixture
def came(tmp_path: Path) -> Callable[..., Came]:
    """What becomes of values that are written as one file: lines for several, a JSON document for one."""

    def write(format: str, *values: Any, name: str = "f.json") -> Came:
        path = tmp_path / name
        path.write_text("\n".join(json.dumps(value) for value in values))
        return Came(format, path)

    return write
