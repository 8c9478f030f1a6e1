"""Langfuse exports: ``{"trace": {...}, "observations": [...]}``, traces with their observations inside, or rows of observations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langdistill.records import Call, Feedback, Step, ToolRun, Trace, Usage
from langdistill.stores.foreign.attributes import Attributes, kind_of, prompt_of, replies_of, tools_of, versions_of
from langdistill.stores.foreign.conversations import Conversation, conversation, replies, usage_in
from langdistill.stores.foreign.documents import documents, take_all
from langdistill.stores.foreign.losses import Losses, is_empty, shown
from langdistill.stores.foreign.messages import tool_output
from langdistill.stores.foreign.parts import tools_in
from langdistill.stores.foreign.spans import OUTCOMES, broken_off, own, place, role_of, stopped, told_by, trace_of
from langdistill.stores.foreign.trees import Span
from langdistill.stores.foreign.values import (
    count,
    first,
    literal,
    mapping,
    number,
    parsed,
    seconds,
    sequence,
    text_of,
    texts,
    unquoted,
)
from langdistill.stores.importing import Unmapped

STEPS = frozenset({"SPAN", "EVENT", "AGENT", "CHAIN", "EVALUATOR", "EMBEDDING", "GUARDRAIL"})
TOOLS = frozenset({"TOOL", "RETRIEVER"})
TRACE = frozenset({"id", "name", "timestamp", "environment", "tags", "release", "version", "userId", "sessionId", "input",
                   "output", "metadata", "scores", "corrections", "observations"})  # fmt: skip
OBSERVATION = frozenset({"id", "traceId", "startTime", "endTime", "parentObservationId", "type", "name", "level",
                         "statusMessage", "input", "output", "model", "modelParameters", "completionStartTime", "metadata",
                         "usageDetails", "usage", "inputUsage", "outputUsage", "totalUsage", "toolDefinitions", "toolCalls",
                         "toolCallNames", "promptTokens", "completionTokens", "totalTokens"})  # fmt: skip
BOOKKEEPING = frozenset({"projectId", "createdAt", "updatedAt", "latency", "internalModelId", "internalModel", "bookmarked",
                         "public", "htmlPath", "timeToFirstToken", "usagePricingTierId", "usagePricingTierName", "unit",
                         "environment", "inputPrice", "outputPrice", "totalPrice", "modelId"})  # fmt: skip
"""What the server adds for itself, or says again."""
OTEL = frozenset({"attributes", "resourceAttributes", "scope", "tags", "inputs", "color"})
"""What Langfuse puts into the metadata besides the user's."""
NO_PARAMS = frozenset(
    {"id", "created_at", "model", "tools", "messages", "metadata", "system_instruction", "http_options"}
)
CACHED = ("input_cached_tokens", "input_cache_read", "prompt_details.cache_read", "cache_read_input_tokens",
          "input_cached")  # fmt: skip
REASONING = ("output_reasoning_tokens", "output_reasoning", "completion_details.reasoning")


def read(path: Path) -> Iterator[Trace | Unmapped]:
    """The traces of a file, or of all JSON files in a folder; the observations of a trace may be spread over them."""
    exports = Exports()
    yield from take_all(documents(path), exports.take)
    for id, found in exports.traces.items():
        yield from _trace(id, found)


@dataclass
class Found:
    """A trace as it is in the file, and its observations."""

    where: str
    fields: dict[str, Any] = field(default_factory=dict[str, Any])
    observations: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])


@dataclass
class Exports:
    """The traces of all documents, in the order in which they appear."""

    traces: dict[str, Found] = field(default_factory=dict[str, Found])

    def take(self, value: Any, losses: Losses) -> None:
        """What a document holds: a trace, an observation, or a list of them."""
        fields = mapping(value)
        if isinstance(value, list):
            for at, one in enumerate(value, 1):
                inner = losses.at(f"row {at}")
                if isinstance(one, dict):
                    self.take(one, inner)
                else:
                    inner.tell("no-trace", f"Expected a Langfuse trace or observation, got {shown(one)}")
        elif "trace" in fields:
            self._trace(fields["trace"], fields.get("observations"), losses)
            losses.left(fields, frozenset({"trace", "observations"}))
        elif "observations" in fields or ("timestamp" in fields and "id" in fields):
            self._trace(fields, None, losses)
        elif "traceId" in fields and ("type" in fields or "startTime" in fields):
            self._observation(fields, self._found(text_of(fields["traceId"]) or "", losses), losses)
        else:
            losses.tell("no-trace", f"Expected a Langfuse trace or observation, got {shown(value)}")

    def _found(self, id: str, losses: Losses) -> Found:
        return self.traces.setdefault(id, Found(losses.where))

    def _trace(self, trace: Any, observations: Any, losses: Losses) -> None:
        fields = mapping(trace)
        inside = fields.get("observations")
        ids = [text_of(mapping(one).get("traceId")) for one in (*sequence(observations), *sequence(inside))]
        id = text_of(fields.get("id")) or next((one for one in ids if one), None)
        if id is None:
            losses.tell("no-id", f"Expected a trace with an id, got {shown(trace)}")
            id = losses.where
        if id in self.traces and self.traces[id].fields:
            losses.at(f"trace {id}").tell("doubled", "There is another trace of this id before it, which stays.")
        found = self._found(id, losses)
        found.fields = found.fields or fields
        for name, listed in (("observations", observations), ("trace.observations", inside)):
            if not isinstance(listed, list) and not is_empty(listed):
                losses.tell("no-list", f"{name}: expected a list, got {shown(listed)}")
        known: set[str] = set()
        for at, one in enumerate(sequence(observations), 1):
            known.add(text_of(mapping(one).get("id")) or "")
            self._observation(one, found, losses.at(f"observation {at}"))
        for at, one in enumerate(
            sequence(inside), 1
        ):  # an export gives some of them twice, the second time within the trace
            if text_of(mapping(one).get("id")) not in known:
                self._observation(one, found, losses.at(f"observation {at} of the trace"))

    def _observation(self, observation: Any, found: Found, losses: Losses) -> None:
        id = text_of(mapping(observation).get("id"))
        if id is None:
            losses.tell("no-id", f"Expected an observation with an id, got {shown(observation)}")
        elif id in found.observations:
            losses.at(f"observation {id}").tell("doubled", "There is another of this id before it, which stays.")
        else:
            found.observations[id] = observation


def _trace(id: str, found: Found) -> Iterator[Trace | Unmapped]:
    fields, losses = found.fields, Losses(f"{found.where}, trace {id}")
    metadata = mapping(unquoted(fields.get("metadata")))
    roots = [one for one in found.observations.values() if is_empty(one.get("parentObservationId"))]
    inherited = metadata if metadata or not roots else mapping(unquoted(roots[0].get("metadata")))
    spans = [_span(one, inherited, losses.at(f"observation {name}")) for name, one in found.observations.items()]
    losses.left(fields, TRACE | BOOKKEEPING, "trace.")
    record = {
        "name": fields.get("name"),
        "input": unquoted(fields.get("input")),
        "output": unquoted(fields.get("output")),
        "started": seconds(fields.get("timestamp"), losses, "timestamp"),
    }
    told: Any = told_by(inherited)
    about = {key: fields[key] for key in ("environment", "release", "version") if not is_empty(fields.get(key))}
    told["metadata"] = {key: one for key, one in told["metadata"].items() if key not in OTEL} | about
    told["thread"] = text_of(fields.get("sessionId")) or told["thread"]
    told["user"] = text_of(fields.get("userId")) or told["user"]
    told["tags"] = texts(fields.get("tags"))
    told["feedback"] = [*_scores(fields.get("scores"), losses), *_corrections(fields.get("corrections"), losses)]
    told["versions"] = versions_of(metadata.get("scope"), metadata.get("resourceAttributes"))
    yield trace_of(id, spans, losses, record, source="langfuse", **told)
    yield from losses.all()


def _scores(scores: Any, losses: Losses) -> Iterator[Feedback]:
    for score in sequence(scores):
        told = mapping(score)
        if not told:
            losses.tell("no-score", f"Expected a score, got {shown(score)}")
            continue
        if not is_empty(told.get("observationId")):
            losses.tell("score-target", f"A score is of observation {told['observationId']}; it is told of the trace.")
        text = text_of(told.get("stringValue"))
        comment = " ".join(one for one in (text, text_of(told.get("comment"))) if one) or None
        value = None if told.get("dataType") == "CATEGORICAL" else told.get("value")
        mark = float(value) if isinstance(value, bool) else number(value)
        at = seconds(told.get("timestamp"), losses, "timestamp of a score")
        yield Feedback(name=text_of(told.get("name")), score=mark, comment=comment, at=at or 0.0)


def _corrections(corrections: Any, losses: Losses) -> Iterator[Feedback]:
    """What a human wrote that the output should have been, as a comment."""
    for told in map(mapping, sequence(corrections)):
        at = seconds(told.get("timestamp"), losses, "timestamp of a correction")
        text = text_of(first(told, ("longStringValue", "stringValue", "comment")))
        yield Feedback(name="correction", comment=text, at=at or 0.0)


def _span(fields: dict[str, Any], inherited: Mapping[str, Any], losses: Losses) -> Span:
    losses.left(fields, OBSERVATION | BOOKKEEPING)
    metadata = mapping(unquoted(fields.get("metadata")))
    losses.left(own(metadata, inherited), OTEL, "metadata.")
    attributes = Attributes(mapping(metadata.get("attributes")))
    started, ended = (seconds(fields.get(key), losses, key) for key in ("startTime", "endTime"))
    kind = _kind(fields, attributes, losses)
    if fields.get("type") == "EVENT" and ended is None:
        ended = started or 0.0
    error = _error(fields, losses)
    name, id, parent = text_of(fields.get("name")) or "", str(fields["id"]), text_of(fields.get("parentObservationId"))
    at: Any = place(metadata)
    if kind == "call":
        ends: Any = broken_off(started, ended, error)
        return Span(id, parent, losses, name, Call(id=id, **at, **_call(fields, metadata, attributes, losses), **ends))
    if kind == "tool":
        told: Any = _tool(name, fields, metadata, attributes) | {"path": at["path"]}
        ends = broken_off(started, ended, error)
        ends["error"] = ends["error"] or told.pop("failed")
        return Span(
            id,
            parent,
            losses,
            name,
            ToolRun(id=id, **{key: one for key, one in told.items() if key != "failed"}, **ends),
        )
    agent = text_of(first(metadata, ("lc_agent_name",)) or attributes.get("gen_ai.agent.name", "agent.name"))
    step = Step(
        name=name,
        agent=agent or (name if fields.get("type") == "AGENT" else None),
        **at,
        **stopped(started, ended, error),
    )
    return Span(id, parent, losses, name, step, fields.get("input"), fields.get("output"))


def _kind(fields: dict[str, Any], attributes: Attributes, losses: Losses) -> str:
    kind = fields.get("type")
    if kind == "GENERATION":
        return "call"
    if isinstance(kind, str) and kind in TOOLS:
        return "tool"
    if not (isinstance(kind, str) and kind in STEPS):
        losses.tell(
            "unknown-kind",
            f"type: expected GENERATION, TOOL, SPAN or the like, got {shown(kind)}; it is told as a step.",
        )
    if kind == "SPAN" and (kind_of(attributes) == "tool" or tool_output(fields.get("output"))[1]):
        return "tool"
    return "step"


def _error(fields: dict[str, Any], losses: Losses) -> str | None:
    """What the status says, where it is one of an error, or of something that LangGraph stops with."""
    message = text_of(fields.get("statusMessage"))
    if fields.get("level") == "ERROR":
        return message or "error"
    if message and any(pattern.match(message) for pattern, _ in OUTCOMES):
        return message
    losses.left({"statusMessage": message}, frozenset())
    return None


def _call(
    fields: dict[str, Any], metadata: Mapping[str, Any], attributes: Attributes, losses: Losses
) -> dict[str, Any]:
    """Fields of a call."""
    given, got = (parsed(fields.get(key)) for key in ("input", "output"))
    told = losses.at("input")
    asked = prompt_of(attributes, [], told) if is_empty(given) and attributes.values else conversation(given, told)
    said = (
        replies_of(attributes, [], losses.at("output"))
        if is_empty(got) and attributes.values
        else replies(got, losses.at("output"))
    )
    params = {
        key: _param(one) for key, one in mapping(parsed(fields.get("modelParameters"))).items() if key not in NO_PARAMS
    }
    provider = metadata.get("ls_provider") or attributes.get(
        "gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system"
    )
    return {
        **role_of(metadata),
        "model": text_of(fields.get("model")) or text_of(metadata.get("ls_model_name")),
        "provider": text_of(provider),
        "params": {key: one for key, one in params.items() if not is_empty(one)},
        "tools": _tools(fields, asked, got, attributes),
        "prompt": asked.messages,
        "replies": said
        if _error(fields, Losses("")) is None
        else [one.model_copy(update={"partial": True}) for one in said],
        "usage": _usage(fields, got),
        "first_token": seconds(fields.get("completionStartTime"), losses, "completionStartTime"),
    }


def _param(value: Any) -> Any:
    return {"true": True, "false": False}.get(value, parsed(value)) if isinstance(value, str) else value


def _tools(fields: dict[str, Any], asked: Conversation, got: Any, attributes: Attributes) -> list[dict[str, Any]]:
    """Tools that were offered: as the input, Langfuse, the attributes or the response says them."""
    definitions = parsed(fields.get("toolDefinitions"))
    if isinstance(definitions, dict):  # by name; each is JSON text without its name
        definitions = [{"name": name} | mapping(parsed(one)) for name, one in definitions.items()]
    return asked.tools or tools_in(definitions) or tools_of(attributes) or tools_in(mapping(got).get("tools"))


def _usage(fields: dict[str, Any], got: Any) -> Usage:
    """Tokens; Langfuse's details tell cached and reasoning ones apart from the others, its sums do not."""
    details = mapping(parsed(fields.get("usageDetails"))) or mapping(parsed(fields.get("usage")))
    sides = {"input": ("inputUsage", "promptTokens"), "output": ("outputUsage", "completionTokens")}
    total = {side: count(first(fields, keys)) for side, keys in sides.items()}
    for side in sides:
        parts = sum(count(one) for key, one in details.items() if key == side or key.startswith(f"{side}_"))
        total[side] = total[side] or parts
    usage = Usage(
        input_tokens=total["input"],
        output_tokens=total["output"],
        cached_tokens=count(first(details, CACHED)),
        reasoning_tokens=count(first(details, REASONING)),
    )
    return usage if usage != Usage() else usage_in(got)


def _tool(name: str, fields: dict[str, Any], metadata: Mapping[str, Any], attributes: Attributes) -> dict[str, Any]:
    """Fields of the run of a tool, and its error under `failed`."""
    given = metadata["inputs"] if isinstance(metadata.get("inputs"), dict) else literal(fields.get("input"))
    if isinstance(given, dict) and given.keys() == {"input"}:
        given = literal(given["input"])
    output, answers, failed = tool_output(fields.get("output"))
    asked = text_of(attributes.get("gen_ai.tool.call.id", "tool_call.id")) or answers
    called = text_of(attributes.get("tool.name", "gen_ai.tool.name")) or name
    return {"name": called, "tool_call_id": asked, "arguments": given, "output": output, "failed": failed}
