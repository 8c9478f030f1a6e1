"""Rows in the shape of Alpaca, as LLaMA-Factory reads them: an instruction, its input and what the model said to it.

| row | trace |
|---|---|
| `{"instruction", "input", "output", "system", "history": [[said, replied]]}` | one; the replies of the history are calls, too |
| `{"instruction", "input", "chosen", "rejected"}` | two of one problem, with the feedback `preferred` 1 and 0 |
| `{"instruction", "input", "output", "kto_tag"}`, or a boolean `label` | one, with the feedback `desirable` |
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from langdistill.records import Trace
from langdistill.stores.foreign.chat_traces import RATED, gold_keys, rated_traces
from langdistill.stores.foreign.documents import Document, documents, read_rows, rows
from langdistill.stores.foreign.expected import Unreadable, a_list, a_text, an_object, kind
from langdistill.stores.foreign.made import Ids, filled, left_out
from langdistill.stores.importing import Unmapped

SOURCE = "alpaca"
ASKED = ("instruction", "input")
READ = (*ASKED, "output", "system", "history", "label")


def read(path: Path) -> Iterator[Trace | Unmapped]:
    """The rows of a JSON list, of a file of JSON lines, or of such files in a folder."""
    return read_rows(documents(path), rows, partial(_row, ids=Ids(SOURCE)))


def _row(row: Document, ids: Ids) -> Iterator[Trace | Unmapped]:
    raw = an_object(row.value, "The row")
    asked = "\n".join(text for key in ASKED if (text := a_text(raw.get(key))))
    if not asked:
        raise Unreadable("no-instruction", f"The instruction is {kind(raw.get('instruction'))}.")
    gold = gold_keys(raw)
    identity = ids.of({key: value for key, value in raw.items() if key not in gold})  # nor may the id tell what is gold
    spoken = [*_system(raw.get("system")), *_history(raw.get("history")), _said("user", asked)]
    replied = _reply(raw["output"], "output") if "output" in raw else []
    yield from rated_traces(row.where, identity, SOURCE, [*spoken, *replied], raw, _reply)
    yield from left_out(row.where, "no-place", filled(raw, *READ, *RATED, *gold))
    yield from left_out(row.where, "gold", filled(raw, *set(raw) - gold))


def _system(raw: Any) -> list[dict[str, Any]]:
    return [_said("system", text)] if (text := a_text(raw)) else []


def _history(raw: Any) -> Iterator[dict[str, Any]]:
    for turn in a_list(raw or [], "history"):
        if not isinstance(turn, list) or len(turn) != 2:
            raise Unreadable(
                "wrong-type", f"A turn of the history is {kind(turn)}, and a list of two texts was expected."
            )
        yield _said("user", turn[0])
        yield _said("assistant", turn[1])


def _reply(raw: Any, key: str) -> list[dict[str, Any]]:
    if not a_text(raw):
        raise Unreadable("no-reply", f"`{key}` is {kind(raw)}, and a text was expected.")
    return [_said("assistant", raw)]


def _said(role: str, words: Any) -> dict[str, Any]:
    return {"role": role, "content": words}
