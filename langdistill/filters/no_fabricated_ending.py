"""Drop the answers of runs that were stopped at a limit and given an answer that no model said."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from langdistill.filters.judging import Judgement, RowFilter
from langdistill.filters.reading.rows import answer_of, call_of, run_of
from langdistill.filters.reading.tool_calls import asked, asked_in, leaves
from langdistill.groups import Group
from langdistill.records import Example, Message, Trace, text_of

STOCK = re.compile(
    r"sorry, need more steps to process this request"  # LangGraph, create_react_agent
    r"|agent stopped due to (?:iteration limit|time limit|max iterations|max time)"  # LangChain, AgentExecutor
    r"|model call limits exceeded: "  # LangChain, ModelCallLimitMiddleware
    r"|(?:tool|'[^']{1,100}' tool) call limit reached: "  # LangChain, ToolCallLimitMiddleware
    r"|(?:the )?agent (?:has )?(?:reached|hit|exceeded) (?:the |its )?max(?:imum)? (?:number of )?(?:steps|iterations|turns)"
    r"|reached max(?:imum)? (?:number of )?(?:steps|iterations|turns)",
    re.IGNORECASE,
)
"""How frameworks begin the answer that they put in the model's mouth."""
LIMIT = re.compile(
    r"recursion.?(?:limit|error)|max.?(?:imum)?.?(?:number of )?(?:steps|iterations|turns|time)"
    r"|(?:step|turn|iteration|call|time|token|message|working|cost|context).?limit|^(?:message|token|time|working|turn|cost|context|operator)$"
    r"|^exit_(?:cost|context|time|error|total_execution_time)",
    re.IGNORECASE,
)
"""What a run says of how it ended, where a limit ended it."""
ENDINGS = (
    "limit",
    "exit_status",
    "finish_type",
    "stop_reason",
    "termination",
    "termination_reason",
    "terminated",
    "status",
)
"""Keys of a run's metadata that say how it ended."""
MOST = ("max_steps", "max_turns", "max_iterations", "max_model_calls")
"""Keys of a run's metadata that say how often a model may be asked."""
PIECE = 20
"""Characters from which a reply that is part of a longer answer counts as its source."""


@dataclass(frozen=True)
class NoFabricatedEnding(RowFilter):
    """See `no_fabricated_ending`."""

    def judge(self, row: Example, group: Group) -> Judgement:
        """Look for each sign; the answer's own words first, for they take no trace."""
        run = run_of(row, group)
        texts = [answer_of(row)] + ([_last_text(run.output)] if run and row.call is None else [])
        if said := next((found for text in texts if (found := STOCK.match(text.strip()))), None):
            return Judgement(False, "stock-answer", evidence={"text": said[0]})
        if open_calls := _unanswered(row.target):
            return Judgement(False, "no-result", evidence={"tools": open_calls})
        if run is None:
            return Judgement(None, "no-trace")
        if call_of(row, run):
            return Judgement(True, "model-said")
        if limit := _limit(run):
            return Judgement(False, "step-limit", evidence={"limit": limit})
        return _spoken(run)


def no_fabricated_ending() -> NoFabricatedEnding:
    """Drop rows that would teach an ending that was made up when a run hit its limit.

    | reason | sign |
    |---|---|
    | "stock-answer" | the answer is the text that LangGraph, LangChain or one of its middlewares puts there at a limit |
    | "no-result" | the assistant speaks on after calling tools of which no result came |
    | "step-limit" | the run ended with LangGraph's recursion error, its metadata names a limit as its end, or more model calls were made than its metadata allows |
    | "nobody-said-it" | the run's last message is the reply of none of its recorded model calls |

    The last sign is the strongest and needs no framework's habits. A final message may be a part of a reply, of the arguments of a
    tool call or of a tool's result, or hold a reply whole; where a graph computes its answer from candidates (a vote, say), or its runs
    have no model call at all, it is not looked for. Imported traces whose calls were made from their messages cannot show it.

    A row that is one model call's own reply is kept however its run ended ("model-said"). Without the row's trace only the
    first two signs can be seen ("no-trace": cannot judge).
    """
    return NoFabricatedEnding()


def _last_text(messages: Sequence[Message]) -> str:
    said = (text_of(message) for message in reversed(messages) if message["role"] == "assistant")
    return next((text for text in said if text), "")


def _unanswered(target: Sequence[Message]) -> list[str]:
    """Tools that were called, and no result at all came before the assistant spoke next."""
    waiting: list[str] = []
    for message in target:
        if message["role"] == "tool":
            waiting = []
        elif message["role"] == "assistant":
            if waiting:
                return waiting
            waiting = [call.name or "" for call in asked(message)]
    return []


def _limit(run: Trace) -> str | None:
    if run.error and LIMIT.search(run.error.partition("\n")[0]):
        return run.error.partition("(")[0][:80]
    for key in ENDINGS:
        told = run.metadata.get(key)
        if isinstance(told, str) and LIMIT.search(told):
            return f"{key}: {told[:80]}"
    made = sum(call.parent is None and not call.error for call in run.calls)
    for key in MOST:
        most = run.metadata.get(key)
        if isinstance(most, int) and not isinstance(most, bool) and 0 < most < made:
            return f"{key}: {most}, calls: {made}"
    return None


def _spoken(run: Trace) -> Judgement:
    """Whether somebody said the last message of the run."""
    if not run.calls:
        return Judgement(None, "no-calls")
    if run.strategy or any(call.candidate for call in run.calls):
        return Judgement(True, "computed")
    last = next((message for message in reversed(run.output) if message["role"] == "assistant"), None)
    text = _bare(text_of(last) or "") if last else ""
    if not text or any(_holds(source, one) for source in _sources(run) for one in _wrapped(text)):
        return Judgement(True, "said")
    return Judgement(False, "nobody-said-it", evidence={"text": text[:200]})


def _holds(source: str, text: str) -> bool:
    return text in source or (len(source) >= PIECE and source in text)


def _wrapped(text: str) -> list[str]:
    """The text, and where it is JSON, the longer texts in it: frameworks wrap what the model said."""
    try:
        held: Any = json.loads(text) if text[0] in "{[" else None
    except (ValueError, RecursionError):
        held = None
    return [text, *(bare for leaf in leaves(held) if len(bare := _bare(leaf)) >= PIECE)]


def _sources(run: Trace) -> Iterator[str]:
    """All that models said and tools gave, white space aside."""
    replies = [reply.message for call in run.calls for reply in call.replies]
    yield from (_bare(text) for reply in replies if (text := text_of(reply)))
    for call in asked_in(replies):
        yield from (_bare(leaf) for leaf in (*leaves(call.parsed), *leaves(call.arguments)))
    for tool in run.tool_runs:
        yield from (_bare(leaf) for leaf in leaves(tool.output))


def _bare(text: str) -> str:
    return " ".join(text.split())
