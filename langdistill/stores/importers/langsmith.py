"""LangSmith runs: exports (a list of runs, or one a line) and what its clients send: ``{"post": [...], "patch": [...]}``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langdistill.records import Call, Feedback, Step, ToolRun, Trace
from langdistill.stores.foreign.conversations import conversation, replies, usage_in
from langdistill.stores.foreign.documents import documents, take_all
from langdistill.stores.foreign.losses import Losses, is_empty, shown
from langdistill.stores.foreign.messages import tool_output
from langdistill.stores.foreign.parts import tools_in
from langdistill.stores.foreign.spans import broken_off, own, place, role_of, stopped, told_by, trace_of
from langdistill.stores.foreign.trees import Span
from langdistill.stores.foreign.values import (
    as_text,
    first,
    literal,
    mapping,
    number,
    seconds,
    sequence,
    text_of,
    texts,
    usage_of,
)
from langdistill.stores.importing import Unmapped

STEPS = frozenset({"chain", "prompt", "parser", "embedding"})
TOOLS = frozenset({"tool", "retriever"})
"""A retriever is a tool that no model asked for: its query and its documents have a place there."""
READ = frozenset({"id", "trace_id", "parent_run_id", "dotted_order", "name", "run_type", "inputs", "outputs", "error",
                  "start_time", "end_time", "extra", "events", "tags", "first_token_time", "feedback", "feedback_stats",
                  "prompt_tokens", "completion_tokens", "child_runs"})  # fmt: skip
BOOKKEEPING = frozenset({"session_name", "session_id", "serialized", "total_tokens", "child_run_ids", "direct_child_run_ids",
                         "parent_run_ids", "manifest_id", "manifest_s3_id", "app_path", "status", "in_dataset", "trace_tier",
                         "trace_first_received_at", "trace_min_start_time", "trace_max_start_time", "reference_dataset_id",
                         "last_queued_at", "thread_id", "share_token", "execution_order", "ttl_seconds", "latency",
                         "s3_urls", "inputs_s3_urls", "outputs_s3_urls", "inputs_preview", "outputs_preview"})  # fmt: skip
"""What the server adds for itself, or says again."""
EXTRA = frozenset({"metadata", "runtime", "invocation_params", "options", "batch_size", "tool_call_id", "color"})
OUTPUTS = frozenset({"choices", "generations", "llm_output", "run", "type", "usage_metadata", "usage", "messages", "output",
                     "message", "content", "role", "model", "id", "object", "created", "candidates", "text",
                     "stop_reason", "tool_calls"})  # fmt: skip
VERSIONS = {"langchain_version": "langchain", "langchain_core_version": "langchain-core", "sdk_version": "langsmith"}
NO_PARAMS = frozenset({"model", "model_name", "tools", "functions", "messages", "input", "prompt", "prompts", "_type",
                       "system", "instructions", "contents"})  # fmt: skip
STEP_TAGS = ("graph:step:", "seq:step:", "langsmith:", "map:key:", "branch:")

Found = tuple[dict[str, Any], Losses]


def read(path: Path) -> Iterator[Trace | Unmapped]:
    """The traces of a file, or of all JSON files in a folder; runs of one trace may be spread over all of them."""
    runs = Runs()
    yield from take_all(documents(path), runs.take)
    yield from runs.traces()


@dataclass
class Runs:
    """The runs of all documents, posts and their patches together."""

    by_id: dict[str, Found] = field(default_factory=dict[str, Found])
    patches: list[Found] = field(default_factory=list[Found])
    feedback: list[Found] = field(default_factory=list[Found])

    def take(self, value: Any, losses: Losses) -> None:
        """What a document holds: a run, a list of runs, posts and patches, or feedback."""
        fields = mapping(value)
        if isinstance(value, list):
            for at, one in enumerate(value, 1):
                inner = losses.at(f"row {at}")
                if isinstance(one, dict):
                    self.take(one, inner)
                else:
                    inner.tell("no-runs", f"Expected a LangSmith run, got {shown(one)}")
        elif "run_type" in fields or ("id" in fields and ("inputs" in fields or "dotted_order" in fields)):
            self._post(fields, losses)
        elif "key" in fields and ("run_id" in fields or "trace_id" in fields):
            self.feedback.append((fields, losses))
        elif not ({"post", "patch", "feedback", "runs"} & fields.keys()):
            losses.tell("no-runs", f"Expected a LangSmith run, or posts and patches of some, got {shown(value)}")
        else:
            self._payload(fields, losses)

    def _payload(self, fields: dict[str, Any], losses: Losses) -> None:
        for kind in ("post", "runs", "patch", "feedback"):
            told = fields.get(kind)
            if not isinstance(told, list) and not is_empty(told):
                losses.tell("no-list", f"{kind}: expected a list, got {shown(told)}")
            for at, one in enumerate(sequence(told), 1):
                inner = losses.at(f"{kind} {at}")
                if not isinstance(one, dict):
                    inner.tell("no-run", f"Expected an object, got {shown(one)}")
                elif kind in ("patch", "feedback"):
                    (self.patches if kind == "patch" else self.feedback).append((one, inner))
                else:
                    self._post(one, inner)
        losses.left(fields, frozenset({"post", "patch", "feedback", "runs"}))
        if not any(map(fields.get, fields)):
            losses.tell("no-runs", f"Nothing is posted or patched in it: {shown(fields)}")

    def _post(self, run: dict[str, Any], losses: Losses) -> None:
        id = _id(run)
        if id is None:
            losses.tell("no-id", f"A run has neither an id nor a dotted_order: {shown(run)}")
        elif id in self.by_id:
            losses.at(f"run {id}").tell("doubled", "There is another run of this id before it, which stays.")
        else:
            self.by_id[id] = run, Losses(losses.where)
        for at, child in enumerate(sequence(run.get("child_runs")), 1):
            self.take(child, losses.at(f"child {at}"))

    def _patched(self) -> Iterator[Unmapped]:
        for patch, losses in self.patches:
            id = _id(patch)
            if id is None:
                yield Unmapped(where=losses.where, reason="no-id", detail=f"A patch has no id: {shown(patch)}")
            elif id in self.by_id:
                run, before = self.by_id[id]
                self.by_id[id] = _merged(run, patch), before
            else:
                self.by_id[id] = patch, losses

    def traces(self) -> Iterator[Trace | Unmapped]:
        """The runs by trace, in the order in which the traces appear."""
        yield from self._patched()
        groups: dict[str, dict[str, Found]] = {}
        trace_ids: dict[str, str] = {}
        for id, found in self.by_id.items():
            trace_ids[id] = self._trace_id(id)
            groups.setdefault(trace_ids[id], {})[id] = found
        said: dict[str, list[Found]] = {}
        for told, losses in self.feedback:
            about = text_of(told.get("run_id")) or ""
            trace = text_of(told.get("trace_id")) or trace_ids.get(about, about)
            if trace in groups:
                said.setdefault(trace, []).append((told, losses))
            else:
                yield Unmapped(
                    where=losses.where,
                    reason="no-run",
                    detail=f"The run of this feedback is not in the file: {shown(told)}",
                )
        for id, group in groups.items():
            yield from _trace(id, group, said.get(id, []))

    def _trace_id(self, id: str) -> str:
        """As a run says it, or the run at the top says it, or else the id of the run at the top."""
        seen: set[str] = set()
        while id not in seen:
            seen.add(id)
            run = self.by_id[id][0]
            told = text_of(run.get("trace_id")) or _segment(run, 0)
            if told:
                return told
            parent = _parent(run)
            if parent not in self.by_id:
                return parent or id
            id = parent
        return id


def _id(run: Mapping[str, Any]) -> str | None:
    return text_of(run.get("id")) or _segment(run, -1)


def _parent(run: Mapping[str, Any]) -> str | None:
    return text_of(run.get("parent_run_id")) or (_segment(run, -2) if "parent_run_id" not in run else None)


def _segment(run: Mapping[str, Any], at: int) -> str | None:
    """The id in a part of a dotted order: ``20241013T070537170001Z<id>.<time>Z<id>``."""
    order = run.get("dotted_order")
    parts = order.split(".") if isinstance(order, str) else []
    return parts[at].partition("Z")[2] or None if -len(parts) <= at < len(parts) else None


def _merged(run: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """A run with what its patch adds; of `extra`, both stay."""
    merged = run | {key: value for key, value in patch.items() if not is_empty(value)}
    before, after = mapping(run.get("extra")), mapping(patch.get("extra"))
    if before and after:
        metadata = mapping(before.get("metadata")) | mapping(after.get("metadata"))
        merged["extra"] = before | after | {"metadata": metadata}
    return merged


def _trace(id: str, group: dict[str, Found], said: list[Found]) -> Iterator[Trace | Unmapped]:
    runs = {one: run for one, (run, _) in group.items()}
    root = next((run for run in runs.values() if _parent(run) is None), next(iter(runs.values())))
    losses = Losses(f"{next(iter(group.values()))[1].where}, trace {id}")
    spans = [_span(one, run, root, losses.at(f"run {one}")) for one, run in runs.items()]
    extra = mapping(root.get("extra"))
    runtime = mapping(extra.get("runtime"))
    told: Any = told_by(mapping(extra.get("metadata"))) | {"tags": texts(root.get("tags"))}
    told["versions"] = {name: text for key, name in VERSIONS.items() if (text := text_of(runtime.get(key)))}
    told["metadata"] = own(told["metadata"], mapping(extra.get("invocation_params")))
    told["feedback"] = [one for run in runs.values() for one in _feedback(run, losses)] + [
        _opinion(*one) for one in said
    ]
    yield trace_of(id, spans, losses, source="langsmith", **told)
    yield from losses.all()


def _span(id: str, run: dict[str, Any], root: dict[str, Any], losses: Losses) -> Span:
    extra = mapping(run.get("extra"))
    metadata = mapping(extra.get("metadata"))
    losses.left(run, READ | BOOKKEEPING)
    losses.left(extra, EXTRA, "extra.")
    inherited = mapping(mapping(root.get("extra")).get("metadata"))
    if run is not root:
        losses.left(own(metadata, inherited), NO_PARAMS | mapping(extra.get("invocation_params")).keys(), "metadata.")
        tags = [
            tag
            for tag in texts(run.get("tags"))
            if not tag.startswith(STEP_TAGS) and tag not in texts(root.get("tags"))
        ]
        losses.left({"tags": tags}, frozenset())
    started, ended = (seconds(run.get(key), losses, key) for key in ("start_time", "end_time"))
    if ended is None and not is_empty(run.get("outputs")):
        ended = started or 0.0
    error = None if is_empty(run.get("error")) else as_text(run["error"])
    name, kind = text_of(run.get("name")) or "", run.get("run_type")
    if kind == "llm":
        record = _call(id, name, run, losses) | broken_off(started, ended, error)
        return Span(id, _parent(run), losses, name, Call(**place(metadata), **record))
    if isinstance(kind, str) and kind in TOOLS:
        where = {"path": place(metadata)["path"]}
        return Span(id, _parent(run), losses, name, _tool(id, name, run, where | broken_off(started, ended, error)))
    if not (isinstance(kind, str) and kind in STEPS):
        losses.tell(
            "unknown-kind", f"run_type: expected llm, tool, chain or the like, got {shown(kind)}; it is told as a step."
        )
    agent = text_of(metadata.get("lc_agent_name"))
    step = Step(name=name, agent=agent, **place(metadata), **stopped(started, ended, error))
    return Span(id, _parent(run), losses, name, step, run.get("inputs"), run.get("outputs"))


def _call(id: str, name: str, run: dict[str, Any], losses: Losses) -> dict[str, Any]:
    """Fields of a call."""
    extra, inputs, outputs = (run.get(key) for key in ("extra", "inputs", "outputs"))
    metadata = mapping(mapping(extra).get("metadata"))
    params = mapping(inputs) | mapping(mapping(extra).get("invocation_params"))
    losses.left(mapping(outputs), OUTPUTS, "outputs.")
    asked = conversation(inputs, losses.at("inputs"))
    partial = not is_empty(run.get("error"))
    usage = usage_in(outputs)
    model = (
        first(metadata, ("ls_model_name",)) or first(params, ("model", "model_name")) or mapping(outputs).get("model")
    )
    return {
        "id": id,
        **role_of(metadata),
        "model": text_of(model) or name,
        "provider": text_of(metadata.get("ls_provider")),
        "params": {key: value for key, value in params.items() if key not in NO_PARAMS and value is not None},
        "tools": tools_in(first(params, ("tools", "functions"))) or asked.tools,
        "prompt": asked.messages,
        "replies": [one.model_copy(update={"partial": partial}) for one in replies(outputs, losses.at("outputs"))],
        "usage": usage if usage.input_tokens or usage.output_tokens else usage_of(metadata.get("usage_metadata"), run),
        "first_token": _first_token(run, losses),
    }


def _first_token(run: dict[str, Any], losses: Losses) -> float | None:
    streamed = [
        mapping(one).get("time") for one in sequence(run.get("events")) if mapping(one).get("name") == "new_token"
    ]
    return seconds(run.get("first_token_time") or next(iter(streamed), None), losses, "first token")


def _tool(id: str, name: str, run: dict[str, Any], told: dict[str, Any]) -> ToolRun:
    output, answers, failed = tool_output(run.get("outputs"))
    asked = text_of(mapping(run.get("extra")).get("tool_call_id")) or answers
    inputs = run.get("inputs")
    arguments = literal(inputs["input"]) if isinstance(inputs, dict) and inputs.keys() == {"input"} else inputs
    told["error"] = told["error"] or failed
    return ToolRun(
        id=id, name=name, tool_call_id=asked, arguments=arguments, output=None if output == {} else output, **told
    )


def _feedback(run: dict[str, Any], losses: Losses) -> Iterator[Feedback]:
    """Feedback that stands in the run itself, or the means of it that an export gives."""
    listed = [one for one in sequence(run.get("feedback")) if isinstance(one, dict)]
    for one in listed:
        yield _opinion(one, losses)
    for key, stats in mapping(run.get("feedback_stats")).items() if not listed else ():
        yield Feedback(name=key, score=number(mapping(stats).get("avg")))


def _opinion(told: dict[str, Any], losses: Losses) -> Feedback:
    score, value = told.get("score"), told.get("value")
    comment = text_of(told.get("comment")) or (None if is_empty(value) or value == score else as_text(value))
    at = seconds(first(told, ("created_at", "modified_at")), losses, "created_at")
    mark = float(score) if isinstance(score, bool) else number(score)
    return Feedback(name=text_of(told.get("key")), score=mark, comment=comment, at=at or 0.0)
