"""The runs of one root while they are open: no more than is needed to tell where an event belongs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from langdistill.recording.capture.telling import Told
from langdistill.recording.privacy.redaction import Pseudonyms
from langdistill.records import Message

MOST_PARTIAL = 1 << 20
"""Characters of a streamed reply that are held for the case that the call fails."""

Lose = Callable[[int, str], None]
"""How many events were lost, and why."""
Clean = Callable[["Root", bytes], bytes]
"""The JSON of a value of a root, to the JSON that may be written."""


class Root:
    """One root run."""

    __slots__ = (
        "_pseudonyms",
        "bubbled",
        "given",
        "id",
        "lost",
        "members",
        "next",
        "number",
        "offset",
        "silent",
        "stopped",
        "task",
        "told",
    )

    def __init__(self, number: int, id: UUID, clean: Clean, clean_message: Clean, *, silent: bool) -> None:
        self.number = number
        self.id = id
        self.silent = silent
        """Nothing of it is written: it was not sampled."""
        self.told = Told(lambda encoded: clean(self, encoded), lambda encoded: clean_message(self, encoded))
        self._pseudonyms: Pseudonyms | None = None
        self.members: set[UUID] = set()
        """Ids of its open runs."""
        self.next = 0
        self.lost = 0
        self.given = False
        """Its input held messages."""
        self.stopped = False
        """LangGraph told that it stops before its end."""
        self.task: tuple[asyncio.Task[Any], Callable[[Any], None]] | None = None
        """Whose end is the root's, and what it calls then."""
        self.bubbled: BaseException | None = None
        """The interrupt or hand-off that was told last; the enclosing runs raise the same one."""
        # a clock that is set back must not let a run end before it began
        self.offset = time.time() - time.perf_counter()

    @property
    def now(self) -> float:
        """Seconds since the epoch, never going backwards within a root."""
        return self.offset + time.perf_counter()

    @property
    def pseudonyms(self) -> Pseudonyms:
        """The stand-ins of its trace; most need none."""
        if self._pseudonyms is None:
            self._pseudonyms = Pseudonyms()
        return self._pseudonyms

    def end_with_task(self, end: Callable[[], None]) -> None:
        """Be told when the task ends that is running: LangChain tells no end of a bare model or tool that is cancelled."""
        try:
            task = asyncio.current_task()
        except RuntimeError:
            return
        if task:
            self.task = task, lambda _: end()
            task.add_done_callback(self.task[1])

    def forget_task(self) -> None:
        """The root has ended by itself."""
        if self.task:
            task, end = self.task
            task.remove_done_callback(end)

    def number_of_next(self) -> int:
        """A number for a step, call or tool run."""
        self.next += 1
        return self.next


class Run:
    """A run that has started: a root, a step, a model call or a tool; what else runs inside shares its enclosing one's."""

    __slots__ = (
        "by_token",
        "characters",
        "first_token",
        "id",
        "kind",
        "namespace",
        "number",
        "partial",
        "reasoning",
        "root",
        "step",
        "tool",
    )

    def __init__(self, root: Root, id: UUID, kind: str, number: int, step: int, tool: int, namespace: str = "") -> None:
        self.root = root
        self.id = id
        self.kind = kind
        self.number = number
        self.step = step
        """Number of the step that it is in, or is; 0 outside of all."""
        self.tool = tool
        """Number of the tool run that it is in, or is; 0 outside of all."""
        self.namespace = namespace
        self.partial: list[str] = []
        self.reasoning: list[str] = []
        self.characters = 0
        self.first_token: float | None = None
        self.by_token = False
        """Its tokens are told one by one."""

    def heard(self, token: Any, reasoning: str | None = None, *, of_event: bool = False) -> None:
        """A token was streamed; some models give a list of blocks instead of a text.

        A stream of events tells some models' tokens as events alone, others' in both ways: then the events are passed over.
        """
        if self.first_token is None:
            self.first_token = self.root.now
        if of_event and self.by_token:
            return
        self.by_token = not of_event
        text = token if isinstance(token, str) else "".join(text_in(block) for block in token or ())
        for part, parts in ((text, self.partial), (reasoning, self.reasoning)):
            if part and self.characters < MOST_PARTIAL:
                parts.append(part)
                self.characters += len(part)

    @property
    def streamed(self) -> Message | None:
        """What had come of the reply."""
        if not (self.partial or self.reasoning):
            return None
        said = Message(role="assistant", content="".join(self.partial))
        return {**said, "reasoning_content": "".join(self.reasoning)} if self.reasoning else said


def text_in(block: Any) -> str:
    """The text of a block of content, if it has one."""
    return str(block.get("text") or "") if isinstance(block, dict) else str(block)
