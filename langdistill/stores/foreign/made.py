"""What importers that read row by row make: traces with stable ids, and what they were made without."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any

from pydantic import ValidationError

from langdistill.records import Trace, digest
from langdistill.stores.foreign.losses import is_empty
from langdistill.stores.importing import Unmapped


class Ids:
    """Ids from contents: equal in every import, and different for two equal rows of one import."""

    def __init__(self, format: str) -> None:
        self._format = format
        self._seen: Counter[str] = Counter()

    def of(self, value: Any) -> str:
        """Id of a row."""
        content = digest(self._format, json.dumps(value, sort_keys=True))[:32]
        self._seen[content] += 1
        again = self._seen[content]
        return content if again == 1 else f"{content}-{again}"


def trace_of(where: str, **fields: Any) -> Trace | Unmapped:
    """The trace, where a store can keep it; its place in the file is in the metadata as `where`."""
    fields["metadata"] = {key: value for key, value in fields.get("metadata", {}).items() if value is not None}
    fields["metadata"]["where"] = where
    try:
        trace = Trace(**fields)
        trace.model_dump_json(exclude={"calls": {"__all__": {"prompt"}}})  # prompts repeat what stands elsewhere
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return Unmapped(where=where, reason="no-trace", detail=f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
    except (ValueError, RecursionError) as error:
        return Unmapped(where=where, reason="no-trace", detail=str(error)[:200])
    return trace


def left_out(where: str, reason: str, what: Collection[str]) -> Iterator[Unmapped]:
    """What a trace was made without, where there is something."""
    if what:
        yield Unmapped(where=where, reason=reason, detail=", ".join(sorted(what)))


def filled(raw: dict[str, Any], *known: str) -> set[str]:
    """The keys that hold something, but for those that are known."""
    return {key for key, value in raw.items() if key not in known and not is_empty(value)}


def not_linked(where: str, unasked: int, unanswered: int) -> Iterator[Unmapped]:
    """How many results of tools nobody asked for, and how many messages come after the last of the model, where any do."""
    if unasked:
        yield Unmapped(where=where, reason="no-tool-call", detail=f"{unasked} results of tools that no message called.")
    if unanswered:
        yield Unmapped(where=where, reason="unanswered", detail=f"{unanswered} messages after the last of the model.")
