"""Logs of Inspect, `.json` and the zipped `.eval`: each sample is a trace, each model event a call with all its choices.

What is right stays out: the target of a sample, its metadata and choices, what a scorer says beside the score, and the calls of
models that score, whose prompts quote the target. The scores themselves are feedback.
"""

from __future__ import annotations

import json
import sys
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from langdistill.records import Feedback, Message, ToolRun, Trace, digest
from langdistill.stores.foreign.chats import calls_of, tool_runs_of
from langdistill.stores.foreign.documents import Document, document_of, documents_of, files
from langdistill.stores.foreign.expected import Unreadable, a_list, a_number, a_text, an_object, within
from langdistill.stores.foreign.made import filled, left_out, trace_of
from langdistill.stores.foreign.plain import loads
from langdistill.stores.foreign.transcripts import Transcript, read_inspect_chat, tool_error
from langdistill.stores.foreign.values import a_time
from langdistill.stores.importing import Unmapped

SOURCE = "inspect_ai"
DEEPLY = partial(loads, deepest=150)
"""Levels of nesting of a log: events lie deep in a sample, and what is taken from them not too deep for a store."""
ZIPPED = b"PK"
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, KeyError, ValueError)
"""What the zip module raises of damaged, encrypted or foreign archives."""
POINTERS = ("attachment://", "tc://")
VALUES = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
"""Inspect's letters: correct, partial, incorrect, no answer."""
PLACED = ("id", "epoch", "input", "messages", "output", "scores", "events", "transcript", "attachments", "message_pool",
          "events_data", "uuid", "error", "limit", "started_at", "completed_at", "total_time")  # fmt: skip
GOLD = ("target", "metadata", "choices")


def read(path: Path) -> Iterator[Trace | Unmapped]:
    """The samples of a log, or of every `.json` and `.eval` file of a folder."""
    for file in files(path, (".json", ".eval")):
        if isinstance(file, Unmapped):
            yield file
            continue
        for header, sample in _samples(*file):
            if isinstance(sample, Unmapped):
                yield sample
                continue
            try:
                yield from _trace(header, sample)
            except Unreadable as error:
                yield error.at(sample.where)


def _samples(path: Path, name: str) -> Iterator[tuple[dict[str, Any], Document | Unmapped]]:
    """The samples of a file, each with the header of its log."""
    try:
        with path.open("rb") as file:
            if file.read(len(ZIPPED)) == ZIPPED:
                with zipfile.ZipFile(file) as archive:
                    yield from _zipped(archive, name)
                return
    except _broken() as error:
        yield {}, Unmapped(where=name, reason="no-zip", detail=str(error)[:200])
        return
    except OSError as error:
        yield {}, Unmapped(where=name, reason="unreadable", detail=str(error))
        return
    for log in documents_of(path, name, DEEPLY):
        if isinstance(log, Unmapped):
            yield {}, log
            continue
        yield from _logged(log)


def _logged(log: Document) -> Iterator[tuple[dict[str, Any], Document | Unmapped]]:
    try:
        header = an_object(log.value, "A log")
        if not isinstance(header.get("eval"), dict):
            keys = ", ".join(sorted(header))[:200]
            raise Unreadable("no-log", f"A file with the keys {keys or 'of an empty object'}; expected is `eval`.")
        samples = a_list(header.pop("samples", None) or [], "samples")
        if not samples:
            raise Unreadable("no-samples", f"A log without samples, its status {str(header.get('status'))[:40]!r}.")
    except Unreadable as error:
        yield {}, error.at(log.where)
        return
    for at, sample in enumerate(samples, 1):
        yield header, Document(f"{log.where}, sample {at}", sample)


def _broken() -> tuple[type[Exception], ...]:
    """What a damaged archive raises; with Inspect loaded, `zipfile` reads one kind more of compression."""
    zstandard = sys.modules.get("zstandard")
    return BROKEN if zstandard is None else (*BROKEN, zstandard.ZstdError)


def _zipped(archive: zipfile.ZipFile, name: str) -> Iterator[tuple[dict[str, Any], Document | Unmapped]]:
    """The samples of a zipped log; one that was cut short has its header in the journal only."""
    names = archive.namelist()
    header: dict[str, Any] = {}
    for place in ("_journal/start.json", "header.json"):
        if place in names:
            for found in _member(archive, place, f"{name}, {place}"):
                if isinstance(found, Unmapped):
                    yield {}, found
                else:
                    header = found.value if isinstance(found.value, dict) else header
    samples = [one for one in archive.infolist() if one.filename.startswith("samples/")]
    if not samples:
        yield header, Unmapped(where=name, reason="no-samples", detail=f"An archive of {len(names)} files.")
    for at, one in enumerate(samples, 1):
        for found in _member(archive, one, f"{name}, sample {at}"):
            yield header, found


def _member(archive: zipfile.ZipFile, member: str | zipfile.ZipInfo, where: str) -> Iterator[Document | Unmapped]:
    try:
        yield from document_of(archive.read(member), where, DEEPLY)
    except NotImplementedError as error:
        detail = f"{error}. Write the log again with deflate, or convert it to JSON: inspect log convert --to json."
        yield Unmapped(where=where, reason="compression", detail=detail)
    except (*_broken(), OSError) as error:
        yield Unmapped(where=where, reason="no-zip", detail=str(error)[:200])


def _trace(header: dict[str, Any], document: Document) -> Iterator[Trace | Unmapped]:
    raw = an_object(document.value, "A sample")
    lost = _resolve(raw)
    identity = _identity(header, raw)
    transcript = Transcript(identity, raw)
    spoken = a_list(raw.get("messages") or [], "messages")
    messages = read_inspect_chat(spoken) if spoken else []
    calls, runs = transcript.calls, transcript.tool_runs
    if not calls:
        made = calls_of(messages, identity, _given(spoken), model=a_text(within(header, "eval", "model")))
        calls = list(made.values())
        runs = runs or _tools_said(identity, messages, spoken, list(made))
    given, output = _input_and_output(raw, messages, spoken)
    if not (calls or runs or output):
        raise Unreadable("no-reply", f"The sample holds {len(spoken)} messages, and none of the model.")
    yield trace_of(
        document.where,
        id=identity,
        source=SOURCE,
        input=given,
        output=output,
        steps=transcript.steps,
        calls=calls,
        tool_runs=runs,
        feedback=list(_feedback(raw.get("scores"))),
        **_about(header, raw, transcript),
        **_ending(header, raw),
    )
    yield from _left_out(document.where, raw, transcript, lost)


def _resolve(raw: dict[str, Any]) -> int:
    """Put attachments where they are pointed to, and count those that are missing."""
    held = within(raw, "attachments") or within(raw, "transcript", "content")
    held = held if isinstance(held, dict) else {}
    missing = 0
    waiting: list[Any] = [raw]
    while waiting:
        inside = waiting.pop()
        for key, value in list(inside.items() if isinstance(inside, dict) else enumerate(inside)):
            if isinstance(value, str) and value.startswith(POINTERS):
                name = value.partition("://")[2]
                missing += name not in held
                inside[key] = held.get(name, value)
            elif isinstance(value, (dict, list)) and value is not held:
                waiting.append(value)
    return missing


def _identity(header: dict[str, Any], raw: dict[str, Any]) -> str:
    """The sample's own id, or one of its run's, number and epoch."""
    if own := a_text(raw.get("uuid")):
        return own
    about = within(header, "eval")
    run = [within(about, key) for key in ("eval_id", "run_id", "task_id", "task", "created", "model")]
    return digest(SOURCE, json.dumps([run, raw.get("id"), raw.get("epoch")], sort_keys=True))[:32]


def _given(spoken: list[Any]) -> int:
    """Where the model begins to speak: messages of its role may be part of the input."""
    said = (at for at, one in enumerate(spoken) if one.get("role") == "assistant" and one.get("source") != "input")
    return next(said, len(spoken))


def _input_and_output(
    raw: dict[str, Any], messages: list[Message], spoken: list[Any]
) -> tuple[list[Message], list[Message]]:
    start = _given(spoken)
    if messages and messages[0]["role"] != "tool":
        return messages[:start], messages[start:]
    asked = raw.get("input")
    given = read_inspect_chat([{"role": "user", "content": asked}] if isinstance(asked, str) else asked)
    said = within(raw, "output", "choices")
    reply = said[0].get("message") if isinstance(said, list) and said and isinstance(said[0], dict) else None
    return given, messages or (read_inspect_chat([reply]) if reply else [])


def _tools_said(identity: str, messages: list[Message], spoken: list[Any], made: list[int]) -> list[ToolRun]:
    """Tools of a log without events: from the messages, those without a call included."""
    runs, _ = tool_runs_of(messages, identity, made)
    known = {run.id for run in runs}
    for at, message in enumerate(messages):
        name = f"{identity}-tool-{at}"
        if message["role"] == "tool" and name not in known:
            called = message.get("name", "")
            runs.append(
                ToolRun(id=name, name=called, tool_call_id=message.get("tool_call_id"), output=message["content"])
            )
    errors = {f"{identity}-tool-{at}": tool_error(one.get("error")) for at, one in enumerate(spoken)}
    return [run.model_copy(update={"error": errors.get(run.id)}) for run in runs]


def _feedback(scores: Any) -> Iterator[Feedback]:
    for name, score in scores.items() if isinstance(scores, dict) else ():
        value = within(score, "value")
        parts = value.items() if isinstance(value, dict) else [("", value)]
        for part, held in parts:
            number = VALUES.get(held) if isinstance(held, str) else a_number(held)
            said = held if number is None and isinstance(held, str) else None
            yield Feedback(name=f"{name}/{part}" if part else name, score=number, comment=said)


def _about(header: dict[str, Any], raw: dict[str, Any], transcript: Transcript) -> dict[str, Any]:
    about = an_object(header.get("eval") or {}, "eval")
    task = a_text(about.get("task")) or ""
    packages = about.get("packages")
    tags = about.get("tags")
    return {
        "name": task or SOURCE,
        "tags": [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else [],
        "versions": {k: v for k, v in packages.items() if isinstance(v, str)} if isinstance(packages, dict) else {},
        "started": a_time(raw.get("started_at")) or transcript.started,
        "ended": a_time(raw.get("completed_at")) or transcript.ended,
        "metadata": {
            "problem": f"{task}/{raw.get('id')}",
            "epoch": raw.get("epoch"),
            "model": about.get("model"),
            "eval": about.get("eval_id") or about.get("run_id"),
            "limit": within(raw, "limit", "type"),
        },
    }


def _ending(header: dict[str, Any], raw: dict[str, Any]) -> dict[str, Any]:
    if raw.get("error"):
        return {"outcome": "failed", "error": a_text(within(raw["error"], "message")) or "unknown error"}
    if header.get("status") == "cancelled" and not raw.get("scores"):
        return {"outcome": "cancelled", "error": "cancelled"}
    return {"outcome": "ended"}


def _left_out(where: str, raw: dict[str, Any], transcript: Transcript, missing: int) -> Iterator[Unmapped]:
    scores = raw.get("scores")
    told = (
        {key for score in scores.values() if isinstance(score, dict) for key in filled(score, "value")}
        if isinstance(scores, dict)
        else set()
    )
    gold = filled(raw, *set(raw) - set(GOLD)) | {f"{key} of a score" for key in told}
    gold |= {f"{transcript.scoring} calls of scorers"} if transcript.scoring else set()
    yield from left_out(where, "gold", gold)
    events = {f"{count} events {name!r}" for name, count in Counter(transcript.strange).items()}
    yield from left_out(where, "no-place", filled(raw, *PLACED, *GOLD) | events)
    for detail in transcript.unreadable:
        yield Unmapped(where=where, reason="unreadable-event", detail=detail)
    if missing:
        yield Unmapped(
            where=where, reason="no-attachment", detail=f"{missing} pointers to attachments that are not there."
        )
