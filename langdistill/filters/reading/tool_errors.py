"""Which of a row's tool calls failed, and what that is worth (Shang et al., 2508.20722: resample on correct)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from langdistill.filters.reading.rows import run_of
from langdistill.filters.reading.tool_calls import asked_in
from langdistill.groups import Group
from langdistill.records import Example, ToolRun, Trace, text_of

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
        results = {message.get("tool_call_id"): text_of(message) for message in row.target if message["role"] == "tool"}
        known = {tool.tool_call_id: tool for tool in (run.tool_runs if run else ()) if tool.tool_call_id}
        errors = sum(_failed(known.get(call.id or ""), results.get(call.id)) for call in calls)
        malformed = sum(call.parsed is None or call.name is None for call in calls)
        return ToolUse(len(calls), errors, malformed)
    if run is None:
        return None
    runs = _runs(row, run)
    return ToolUse(len(runs), sum(_failed(tool, None) for tool in runs), 0)


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
