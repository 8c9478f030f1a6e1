"""Which of a row's tool calls failed, and what that is worth (Shang et al., 2508.20722: resample on correct)."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langdistill.filters.reading.rows import run_of
from langdistill.filters.reading.tool_calls import Asked, asked, asked_in
from langdistill.groups import Group
from langdistill.records import Example, Message, ToolRun, Trace, text_of

FAILED = re.compile(
    r"\s*(?:error\b|exception\b|traceback \(most recent call last\)|[\w.]{1,80}(?:Error|Exception)\b\s*[:(])",
    re.IGNORECASE,
)
"""How a result begins that tells of an error, where nobody recorded that it is one."""
NO_TOOLS = 0.5
"""What a row counts that used no tool."""


@dataclass(frozen=True)
class ToolUse:
    """How a row used its tools."""

    runs: int
    errors: int
    malformed: int
    """Calls whose arguments are no JSON object, or that name no tool."""

    @property
    def ratio(self) -> float:
        """Share of the runs that failed; 0.5 without any."""
        return self.errors / self.runs if self.runs else NO_TOOLS

    @property
    def format_penalty(self) -> float:
        """Share of the calls that are malformed."""
        return min(1.0, self.malformed / self.runs) if self.runs else 0.0

    @property
    def cost(self) -> float:
        """Both together, from 0, the best, to 2."""
        return self.ratio + self.format_penalty


def tool_use(row: Example, group: Group) -> ToolUse | None:
    """How the row used its tools; `None` where its run is not at hand and the target has no calls.

    Of a target with tool calls these count; of one without, all tool runs of its run, unless it is the reply of one call.
    """
    run = run_of(row, group)
    calls = list(asked_in(row.target))
    if calls:
        known = _by_call(run.tool_runs if run else ())
        errors = sum(_failed(known.get(call.id or ""), result) for call, result in _results(row.target))
        malformed = sum(call.parsed is None or call.name is None for call in calls)
        return ToolUse(len(calls), errors, malformed)
    if run is None:
        return None
    runs = _runs(row, run)
    return ToolUse(len(runs), sum(_failed(tool, None) for tool in runs), 0)


def _results(target: Sequence[Message]) -> list[tuple[Asked, str | None]]:
    """Each call with its result, which follows it before the assistant speaks again: servers begin anew to count ids.

    A result that names no call of the last message is that of the next one without any.
    """
    found: list[tuple[Asked, str | None]] = []
    waiting: list[int] = []
    for message in target:
        if message["role"] == "assistant":
            calls = asked(message)
            waiting = list(range(len(found), len(found) + len(calls)))
            found += [(call, None) for call in calls]
        elif message["role"] == "tool" and waiting:
            id = message.get("tool_call_id")
            at = next((one for one in waiting if found[one][0].id == id), waiting[0])
            waiting.remove(at)
            found[at] = (found[at][0], text_of(message))
    return found


def _by_call(runs: Sequence[ToolRun]) -> dict[str, ToolRun]:
    """The runs by the ids of their calls; an id that came again tells none."""
    times = Counter(tool.tool_call_id for tool in runs)
    return {tool.tool_call_id: tool for tool in runs if tool.tool_call_id and times[tool.tool_call_id] == 1}


def _runs(row: Example, run: Trace) -> list[ToolRun]:
    if row.call is None:
        return run.tool_runs
    at = next((index for index, call in enumerate(run.calls) if call.id == row.call), None)
    return [tool for tool in run.tool_runs if at is not None and tool.call == at]


def _failed(tool: ToolRun | None, result: str | None) -> bool:
    if tool and tool.error:
        return True
    return _tells_error(result if result is not None else tool and tool.output)


def _tells_error(output: Any) -> bool:
    if isinstance(output, str):
        if FAILED.match(output):
            return True
        try:
            output = json.loads(output) if output.lstrip()[:1] == "{" else None
        except (ValueError, RecursionError):
            return False
    if not isinstance(output, Mapping):
        return False
    if output.get("role") == "tool" and isinstance(output.get("content"), str):
        return _tells_error(output["content"])
    return output.get("status") == "error" or bool(output.get("error"))
