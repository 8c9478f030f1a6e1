"""OTLP JSON, as OTel's collector writes it to files: spans by OpenInference, OTel GenAI, OpenLLMetry or the Vercel AI SDK."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langdistill.records import Call, Step, ToolRun, Trace
from langdistill.stores.foreign.attributes import (
    INPUTS,
    MODELS,
    OUTPUTS,
    PROVIDERS,
    SAID_BY,
    Attributes,
    kind_of,
    listed,
    nested,
    params_of,
    prompt_of,
    replies_of,
    usage_by,
    values_of,
    versions_of,
)
from langdistill.stores.foreign.documents import documents, take_all
from langdistill.stores.foreign.losses import Losses, is_empty, shown
from langdistill.stores.foreign.messages import tool_output
from langdistill.stores.foreign.spans import broken_off, own, place, role_of, stopped, told_by, trace_of
from langdistill.stores.foreign.trees import Span
from langdistill.stores.foreign.values import (
    literal,
    mapping,
    number,
    parsed,
    seconds,
    sequence,
    text_of,
    texts,
)
from langdistill.stores.importing import Unmapped

READ = frozenset({"traceId", "spanId", "parentSpanId", "name", "startTimeUnixNano", "endTimeUnixNano", "attributes",
                  "status", "events", "kind", "flags", "traceState"})  # fmt: skip
SERVICE = ("service.name", "service.version", "deployment.environment", "deployment.environment.name")
PROPERTIES = ("traceloop.association.properties.", "langsmith.metadata.", "ai.telemetry.metadata.")
"""What the attributes that repeat a run's metadata begin with."""
REPEATED = ("input.mime_type", "output.mime_type", "input.value", "output.value", "gen_ai.task.id", "gen_ai.task.name",
            "gen_ai.task.parent.id", "gen_ai.task.status", "traceloop.entity.name", "traceloop.entity.path", "gen_ai.agent.id",
            "traceloop.workflow.name", "session.id", "user.id", "tag.tags", "gen_ai.conversation.id",
            "graph.node.id", "events", "error.type", "llm.provider", "gen_ai.response.id", "tool.description",
            "gen_ai.tool.description", "gen_ai.tool.type", "graph.node.name", "gen_ai.workflow.nodes",
            "gen_ai.workflow.edges", "langsmith.trace.name", "langsmith.span.kind", "gen_ai.serialized.name")  # fmt: skip
"""Attributes that say again what others say, or what a span's name does."""
EVENT = re.compile(r"gen_ai\.(system|user|assistant|tool)\.message")


def read(path: Path) -> Iterator[Trace | Unmapped]:
    """The traces of a file (one JSON value, or one a line), or of all JSON files in a folder; a trace may be spread over them."""
    batches = Batches()
    yield from take_all(documents(path), batches.take)
    for id, found in batches.traces.items():
        yield from _trace(id, found)


@dataclass
class Found:
    """A span as it is in the file."""

    fields: dict[str, Any]
    attributes: Attributes
    scope: dict[str, Any]
    resource: dict[str, Any]
    where: str


@dataclass
class Batches:
    """The spans of all documents by trace, in the order in which the traces appear."""

    traces: dict[str, list[Found]] = field(default_factory=dict[str, list[Found]])

    def take(self, value: Any, losses: Losses) -> None:
        """What one document holds."""
        fields = mapping(value)
        if not isinstance(fields.get("resourceSpans"), list):
            losses.tell("no-spans", f"Expected OTLP JSON with resourceSpans, got {shown(value)}")
            return
        losses.left(fields, frozenset({"resourceSpans"}))
        rows = 0
        for at, group in enumerate(fields["resourceSpans"], 1):
            inner = losses.at(f"resource {at}")
            resource = values_of(mapping(mapping(group).get("resource")).get("attributes"), inner)
            for nth, scoped in enumerate(self._list(group, "scopeSpans", inner), 1):
                inside = inner.at(f"scope {nth}")
                for row, span in enumerate(self._list(scoped, "spans", inside), 1):
                    rows += 1
                    self._span(span, mapping(mapping(scoped).get("scope")), resource, inside.at(f"row {row}"))
        if not rows:
            losses.tell("no-spans", f"There is no span in it: {shown(fields)}")

    def _list(self, group: Any, key: str, losses: Losses) -> list[Any]:
        told = mapping(group).get(key)
        if not isinstance(told, list):
            losses.tell("no-list", f"Expected a list of {key}, got {shown(group)}")
        return sequence(told)

    def _span(self, span: Any, scope: dict[str, Any], resource: dict[str, Any], losses: Losses) -> None:
        fields = mapping(span)
        id = text_of(fields.get("spanId"))
        if id is None:
            losses.tell("no-id", f"Expected a span with a spanId, got {shown(span)}")
            return
        trace = text_of(fields.get("traceId")) or id
        attributes = Attributes(_with_events(values_of(fields.get("attributes"), losses), fields, losses))
        self.traces.setdefault(trace, []).append(Found(fields, attributes, scope, resource, losses.where))


def _with_events(values: dict[str, Any], fields: dict[str, Any], losses: Losses) -> dict[str, Any]:
    """The attributes of a span, with those that newer conventions put into an event of it."""
    for event in map(mapping, sequence(fields.get("events"))):
        told = values_of(event.get("attributes"), losses)
        values = {
            key: one for key, one in told.items() if key.startswith("gen_ai.") and key != "gen_ai.system"
        } | values
    return values


def _trace(id: str, found: list[Found]) -> Iterator[Trace | Unmapped]:
    losses = Losses(f"{found[0].where.partition(', resource')[0]}, trace {id}")
    if not any(one.attributes.of_models for one in found):
        for one in found:
            where = f"{one.where}, trace {id}, span {one.fields['spanId']}"
            yield Unmapped(
                where=where, reason="no-model-trace", detail="No span of its trace tells of models, tools or agents."
            )
        return
    root = next((one for one in found if is_empty(one.fields.get("parentSpanId"))), found[0])
    metadata = next((told for one in (root, *found) if (told := _metadata(one.attributes))), {})
    told: Any = _told([root, *found], metadata)
    told["versions"] = {
        name: version for one in found for name, version in versions_of(one.scope, one.resource).items()
    }
    told["metadata"] |= {key: root.resource[key] for key in SERVICE if not is_empty(root.resource.get(key))}
    spans = [_span(one, metadata, losses.at(f"span {one.fields['spanId']}")) for one in found]
    resource = {key: one for key, one in root.resource.items() if not key.startswith("telemetry.")}
    losses.left(resource, frozenset({*SERVICE, "service.instance.id"}), "resource.")
    yield trace_of(id, spans, losses, source="otel", **told)
    yield from losses.all()


def _metadata(attributes: Attributes) -> dict[str, Any]:
    """The metadata of the run that a span is of, whichever way it is told."""
    found = dict(mapping(parsed(attributes.get("metadata"))))
    for prefix in PROPERTIES:
        found = attributes.starting(prefix) | found
    return found


def _told(found: list[Found], metadata: dict[str, Any]) -> dict[str, Any]:
    """Thread, user and tags, of the first span that tells them."""
    told = told_by(metadata)
    threads = [one.attributes.get("session.id", "gen_ai.conversation.id") for one in found]
    users = [one.attributes.get("user.id", "enduser.id") for one in found]
    tags = [one.attributes.get("tag.tags", "langsmith.span.tags") for one in found]
    return told | {
        "thread": told["thread"] or next((text for one in threads if (text := text_of(one))), None),
        "user": told["user"] or next((text for one in users if (text := text_of(one))), None),
        "tags": next((names for one in tags if (names := texts(parsed(one)))), []),
    }


def _span(found: Found, inherited: Mapping[str, Any], losses: Losses) -> Span:
    fields, attributes = found.fields, found.attributes
    losses.left(fields, READ)
    metadata = _metadata(attributes)
    losses.left(own(metadata, inherited), frozenset(), "metadata.")
    kind = kind_of(attributes)
    started, ended = (seconds(fields.get(f"{key}TimeUnixNano"), losses, key) for key in ("start", "end"))
    error = _error(fields)
    events = list(_events(found, losses))
    name = text_of(fields.get("name")) or ""
    id, parent = str(fields["spanId"]), text_of(fields.get("parentSpanId"))
    given, got = None, None
    record: Call | ToolRun | Step
    at: Any = place(metadata)
    if kind == "call":
        ends: Any = broken_off(started, ended, error) | {"first_token": _first_token(found, started, losses)}
        record = Call(id=id, **at, **_call(attributes, metadata, events, losses), **ends)
    elif kind == "tool":
        record = ToolRun(id=id, path=at["path"], **_tool(name, attributes, broken_off(started, ended, error)))
    else:
        agent = text_of(attributes.get("gen_ai.agent.name", "agent.name") or metadata.get("lc_agent_name"))
        record = Step(name=name, agent=agent, **at, **stopped(started, ended, error))
        given, got = attributes.get(*INPUTS), attributes.get(*OUTPUTS)
        attributes.starting("llm.input_messages.")  # OpenInference says them twice
        attributes.starting("llm.output_messages.")
    attributes.get(*REPEATED, *SAID_BY, *PROVIDERS)
    attributes.left(losses)
    return Span(id, parent, losses, name, record, given, got)


def _error(fields: dict[str, Any]) -> str | None:
    """The exception of a span that failed, as Python writes one, or else what its status says."""
    status = mapping(fields.get("status"))
    if status.get("code") not in (2, "2", "STATUS_CODE_ERROR"):
        return None
    for event in map(mapping, sequence(fields.get("events"))):
        told = values_of(event.get("attributes"), Losses("")) if event.get("name") == "exception" else {}
        if name := text_of(told.get("exception.type")):
            return f"{name.rpartition('.')[2]}({text_of(told.get('exception.message')) or ''!r})"
    return text_of(status.get("message")) or "error"


def _events(found: Found, losses: Losses) -> Iterator[dict[str, Any]]:
    """Messages that are events of a span, or that Pydantic AI lists in its attribute `events`."""
    for event in map(mapping, sequence(found.fields.get("events"))):
        name = text_of(event.get("name")) or ""
        told = {key: parsed(one) for key, one in values_of(event.get("attributes"), Losses("")).items()}
        if role := EVENT.fullmatch(name):
            id = {"tool_call_id": told["id"]} if role[1] == "tool" and "id" in told else {}
            yield {"role": role[1]} | told | id
        elif name == "gen_ai.choice":
            yield told if "message" in told else {"index": told.get("index", 0), "message": told}
        elif name != "exception" and "first" not in name.lower() and not any(key.startswith("gen_ai.") for key in told):
            losses.left({f"event {name}": 1}, frozenset())
    yield from (one for one in sequence(parsed(found.attributes.get("events"))) if isinstance(one, dict))


def _first_token(found: Found, started: float | None, losses: Losses) -> float | None:
    for event in map(mapping, sequence(found.fields.get("events"))):
        if "first token" in (text_of(event.get("name")) or "").lower().replace("_", " "):
            return seconds(event.get("timeUnixNano"), losses, "first token")
    waited = number(found.attributes.get("gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token"))
    vercel = number(found.attributes.get("ai.response.msToFirstChunk"))
    waited = vercel / 1000 if waited is None and vercel is not None else waited
    return None if waited is None or started is None else started + waited


def _call(
    attributes: Attributes, metadata: Mapping[str, Any], events: list[dict[str, Any]], losses: Losses
) -> dict[str, Any]:
    """Fields of a call."""
    asked = prompt_of(attributes, events, losses.at("input"))
    params = params_of(attributes)
    model = attributes.get("gen_ai.response.model") or attributes.get(*MODELS)
    known = {"model", "model_name", "tools", "functions", "_type", "type", "messages"}
    functions = {key for key in params if key.startswith("functions.")}
    return {
        **role_of(metadata),
        "model": text_of(model),
        "provider": text_of(metadata.get("ls_provider") or attributes.get(*PROVIDERS)),
        "params": {key: one for key, one in params.items() if key not in known | functions and one is not None},
        "tools": asked.tools,
        "prompt": asked.messages,
        "replies": replies_of(attributes, events, losses.at("output")),
        "usage": usage_by(attributes),
    }


def _tool(name: str, attributes: Attributes, told: dict[str, Any]) -> dict[str, Any]:
    """Fields of the run of a tool; a retriever's documents are what it gave."""
    given = literal(attributes.get("gen_ai.tool.call.arguments", "ai.toolCall.args", *INPUTS))
    got = attributes.get("gen_ai.tool.call.result", "ai.toolCall.result", *OUTPUTS)
    wrapped = mapping(given)
    asked = attributes.get("gen_ai.tool.call.id", "tool_call.id", "ai.toolCall.id") or mapping(
        wrapped.get("kwargs")
    ).get("tool_call_id")
    if "inputs" in wrapped and "input_str" in wrapped:  # OpenLLMetry wraps what LangChain tells its callbacks
        given = wrapped["inputs"] if wrapped["inputs"] is not None else literal(wrapped["input_str"])
        got = mapping(parsed(got)).get("output", got)
    documents_ = listed(nested(attributes.starting("retrieval.documents.")))
    output, answers, failed = tool_output(got if not is_empty(got) else documents_)
    called = attributes.get("tool.name", "gen_ai.tool.name", "ai.toolCall.name", "traceloop.entity.name")
    told["error"] = told["error"] or failed
    id = text_of(asked) or answers
    return {
        "name": text_of(called) or name,
        "tool_call_id": id,
        "arguments": given,
        "output": None if is_empty(output) else output,
    } | told
