"""What may be written of a value: nothing that a redactor finds, and nothing that is too large."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from langdistill.recording.capture.encoding import encode, text_of
from langdistill.recording.capture.runs import Lose, Root
from langdistill.recording.privacy.pseudonyms import Pseudonyms, name_instead
from langdistill.recording.privacy.redaction import Redactor, hide, worth_asking

MOST_LABELS = 1000
"""Names of runs and strategies that are remembered as harmless."""
STRUCTURE = frozenset(("role", "tool_call_id", "as"))
"""Fields of a message that are no text of anybody."""
PLAIN = frozenset((str, bytes, int, float, bool, list, tuple, dict, type(None)))
"""Types that can be asked whether they are empty; an array, for one, would raise."""


class Cleaning:
    """The redactors of a recorder, for the values of a root. Nearly always there is nothing to do, so that is told first."""

    def __init__(self, redactors: Sequence[Redactor], lose: Lose, largest: int) -> None:
        """Clean with these redactors; a value of more than `largest` bytes is left out, and counted as lost."""
        self._redactors, self._lose, self._largest = redactors, lose, largest
        self._harmless: set[str] = set()

    def message(self, root: Root, encoded: bytes) -> bytes:
        """The JSON of a message that may be written; its role, and the ids and names of tool calls, are no text of anybody."""
        if len(encoded) <= self._largest and self._redactors and (asked := worth_asking(self._redactors, encoded)):
            return encode(_with_texts(orjson.loads(encoded), lambda text: hide(text, asked, root.pseudonyms)))
        return encoded if len(encoded) <= self._largest else self._left_out(root, encoded)

    def json(self, root: Root, encoded: bytes) -> bytes:
        """The JSON that may be written: nothing that a redactor finds, and nothing that is too large."""
        if len(encoded) > self._largest:
            return self._left_out(root, encoded)
        if self._redactors and (asked := worth_asking(self._redactors, encoded)):
            value = orjson.loads(encoded)
            cleaned = hide(value, asked, root.pseudonyms)
            return encoded if cleaned is value else encode(cleaned)
        return encoded

    def _left_out(self, root: Root, encoded: bytes) -> bytes:
        """What stands for a value that is too large: a message keeps its role and the id of the tool call that it answers."""
        root.lost += 1
        self._lose(1, f"a value of more than {self._largest:,} bytes, which are kept of one")
        said = f"<left out: {len(encoded):,} bytes>"
        value = orjson.loads(encoded)
        if not isinstance(value, dict) or "role" not in value:
            return encode(said)
        return encode(
            {"role": value["role"], "content": said} | {key: value[key] for key in value.keys() & {"tool_call_id"}}
        )

    def told(self, root: Root, reply: Any, told: dict[str, Any]) -> dict[str, Any]:
        """What the server told of a reply. Tokens would spell out what is hidden in it; their chances alone stay then."""
        tokens = told.get("logprobs")
        if not tokens or not self._redactors:
            return told
        spelt = "".join(str(one.get("token", "")) for one in tokens if isinstance(one, dict))
        if not (self._hides(root, encode(reply)) or self._hides(root, encode(spelt))):
            return told
        chances = [{"logprob": one.get("logprob")} if isinstance(one, dict) else {} for one in tokens]
        return {**told, "logprobs": chances}

    def _hides(self, root: Root, encoded: bytes) -> bool:
        if not (asked := worth_asking(self._redactors, encoded)):
            return False
        value = orjson.loads(encoded)
        return hide(value, asked, root.pseudonyms) is not value

    def asked(self, root: Root, interrupts: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """What humans were asked."""
        return [{"id": one["id"], "value": self.value(root, one["value"])} for one in interrupts]

    def value(self, root: Root, value: Any) -> Any:
        """A value as it may stand in an event."""
        return value if type(value) in PLAIN and not value else orjson.Fragment(self.json(root, encode(value)))

    def comment(self, comment: str | None) -> Any:
        """A comment comes after its trace, so its stand-ins are its own."""
        if comment is None:
            return None
        encoded = encode(comment)
        asked = worth_asking(self._redactors, encoded)
        return hide(orjson.loads(encoded), asked, Pseudonyms()) if asked else comment

    def label(self, root: Root, value: Any) -> Any:
        """What somebody called a thing, which is a text in a trace, whatever it was."""
        if value is None:
            return None
        text = text_of(value)
        if text in self._harmless:  # there are few, and every call has one
            return text
        encoded = encode(text)
        cleaned = self.json(root, encoded)
        if cleaned is encoded and len(self._harmless) < MOST_LABELS:
            self._harmless.add(text)
        return orjson.Fragment(cleaned)

    def identifier(self, root: Root, value: Any) -> str | None:
        """By what traces are found: one that a redactor would hide has another name, the same in all traces."""
        if value is None:
            return None
        encoded = encode(text_of(value))
        return orjson.loads(encoded) if self.json(root, encoded) is encoded else name_instead(text_of(value))

    def error(self, root: Root, error: BaseException, more: str = "") -> Any:
        """What went wrong, in a text, with what the server said of it."""
        if isinstance(error, (CancelledError, GeneratorExit)):
            return "cancelled"
        try:
            text = repr(error)
        except Exception:
            text = f"<{type(error).__name__}>"
        return self.value(root, f"{text}: {more}" if more and more not in text else text)


def _with_texts(message: Any, clean: Callable[[Any], Any]) -> Any:
    """A message whose texts were cleaned, and nothing else of it."""
    if not isinstance(message, dict):
        return clean(message)
    cleaned = {
        key: value if key in STRUCTURE else clean(value) for key, value in message.items() if key != "tool_calls"
    }
    if calls := message.get("tool_calls"):
        cleaned["tool_calls"] = [
            {**call, "function": {**call["function"], "arguments": clean(call["function"]["arguments"])}}
            for call in calls
        ]
    return cleaned
