from __future__ import annotations

import asyncio
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path
from typing import Any

import pytest

from langdistill import TraceRecorder
from langdistill.records import Trace
from tests.recording.scenarios.outline import outline


class Recording:
    """Runs something, in one of the two ways, and tells what was recorded of it."""

    def __init__(self, store: Path, *, later: bool) -> None:
        self.recorder = TraceRecorder(store)
        self.later = later

    def run(self, runnable: Any, given: Any, *, thread: str | None = None, **config: Any) -> Any:
        """`invoke` or `ainvoke`, with the recorder among the callbacks."""
        config = {"callbacks": [self.recorder], **config}
        if thread:
            config["configurable"] = {"thread_id": thread}
        return asyncio.run(runnable.ainvoke(given, config)) if self.later else runnable.invoke(given, config)

    def stream(self, runnable: Any, given: Any, *, first: bool = False, **options: Any) -> None:
        """`stream` or `astream`, to the end, or broken off after the first part."""
        config = {"callbacks": [self.recorder]}
        if not self.later:
            parts = runnable.stream(given, config, **options)
            _ = next(parts) if first else list(parts)
            return parts.close()

        async def later() -> None:
            parts = runnable.astream(given, config, **options)
            async for _ in parts:
                if first:
                    break
            await parts.aclose()

        return asyncio.run(later())

    def fail(self, expected: type[BaseException], runnable: Any, given: Any, **config: Any) -> None:
        """The same, for a run that raises."""
        with pytest.raises(expected):
            self.run(runnable, given, **config)

    @property
    def traces(self) -> list[Trace]:
        """What is in the store, in the order in which it began."""
        assert self.recorder.flush()
        assert self.recorder.lost == 0, self.recorder.losses
        assert self.recorder._writing._runs == {}, "nothing of a run that has ended is held"
        return sorted(self.recorder.store.traces(), key=lambda trace: trace.started)

    @property
    def trace(self) -> Trace:
        """The only one."""
        [trace] = self.traces
        return trace

    def assert_tells(self, expected: str) -> None:
        """Check the whole of every trace."""
        assert outline(self.traces) == cleandoc(expected)


@pytest.fixture
def now(tmp_path: Path) -> Iterator[Recording]:
    """Recording of `invoke`, for what is not run in two ways."""
    recording = Recording(tmp_path / "traces.db", later=False)
    yield recording
    recording.recorder.close()


@pytest.fixture
def later(tmp_path: Path) -> Iterator[Recording]:
    """Recording of `ainvoke`."""
    recording = Recording(tmp_path / "traces.db", later=True)
    yield recording
    recording.recorder.close()


@pytest.fixture(params=["invoke", "ainvoke"])
def recording(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Recording]:
    """Recording of `invoke` and of `ainvoke`: what is told of both is the same."""
    recording = Recording(tmp_path / "traces.db", later=request.param == "ainvoke")
    yield recording
    recording.recorder.close()
