"""Keep rows whose tools seldom failed (Shang et al., 2508.20722: the quality by which resample on correct prefers a run)."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from langdistill.errors import DatasetError
from langdistill.filters.judging import Judgement, RowFilter
from langdistill.filters.reading.tool_errors import tool_use
from langdistill.groups import Group
from langdistill.records import Example


@dataclass(frozen=True)
class ToolErrorRatio(RowFilter):
    """See `tool_error_ratio`."""

    max_ratio: float

    def judge(self, row: Example, group: Group) -> Judgement:
        """Count the calls that failed."""
        use = tool_use(row, group)
        if use is None:
            return Judgement(None, "no-trace")
        keep = use.cost <= self.max_ratio
        reason = ("few-errors" if use.runs else "no-tools") if keep else ("tool-errors" if use.runs else "no-tools")
        return Judgement(keep, reason, use.cost, asdict(use))


def tool_error_ratio(max_ratio: float = 0.5) -> ToolErrorRatio:
    """Keep rows whose share of failed tool calls, plus the share of malformed ones, is at most `max_ratio`.

    A call failed where its recorded run has an error, or its result begins as an error message does, or is an object with a
    filled `error`. A run that recovered from an error stays unless errors prevail: to recover is worth learning. No tool use at all
    counts as 0.5, as in the paper; so below 0.5 rows without tools go ("no-tools"). The paper's format penalty is of its own answer
    tags; here it is the share of calls whose arguments are no JSON object.

    Args:
        max_ratio: from 0, no error at all, to 2.

    Raises:
        DatasetError: `max_ratio` is outside 0 to 2.
    """
    if not 0 <= max_ratio <= 2:
        raise DatasetError(f"tool_error_ratio(max_ratio={max_ratio}) is no share; give a number from 0 to 2.")
    return ToolErrorRatio(max_ratio)
