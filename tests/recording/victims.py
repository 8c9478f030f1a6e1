"""Records agents in processes that are killed: `python victims.py traces.db 200 7`. One line of JSON for each process.

A process tells every event after the recorder's callback for it has returned, through a pipe that outlives it.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import time
from typing import Any
from uuid import UUID, uuid4

from langchain.agents import create_agent
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage
from langchain_core.tools import tool

from langdistill import TraceRecorder
from langdistill.recording.capture.facts import is_node
from langdistill.testing.models import ScriptedChatModel

THREADS = 2


@tool
def add(a: int, b: int) -> str:
    """Add."""
    return f"{a} + {b} is {a + b}"


class Teller(BaseCallbackHandler):
    """Comes after the recorder, so that what it tells was accepted."""

    run_inline = True

    def __init__(self, pipe: int, dies_at: int | None) -> None:
        self.pipe, self.dies_at, self.root, self.told = pipe, dies_at, threading.local(), 0
        self.steps: dict[UUID, str] = {}

    def tell(self, kind: str, run_id: UUID, text: str = "") -> None:
        os.write(self.pipe, (json.dumps([self.roots[run_id], kind, str(run_id), text]) + "\n").encode())
        self.told += 1
        if self.told == self.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)

    roots: dict[UUID, str] = {}

    def begin(self, run_id: UUID, parent: UUID | None) -> None:
        self.roots[run_id] = self.roots[parent] if parent else str(run_id)

    def on_chain_start(self, _: Any, inputs: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **more: Any) -> None:  # fmt: skip
        self.begin(run_id, parent_run_id)
        if parent_run_id is None:
            self.tell("root", run_id)
        elif is_node(more.get("tags"), more.get("name")):
            self.steps[run_id] = more["name"]
            self.tell("step", run_id, more["name"])

    def on_chain_end(self, outputs: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **_: Any) -> None:
        if parent_run_id is None:
            self.tell("root end", run_id)
        elif run_id in self.steps:
            self.tell("step end", run_id, self.steps[run_id])

    def on_chat_model_start(self, _: Any, messages: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **more: Any) -> None:  # fmt: skip
        self.begin(run_id, parent_run_id)
        self.tell("call", run_id, messages[0][-1].text)

    def on_llm_end(self, response: Any, *, run_id: UUID, **_: Any) -> None:
        self.tell("call end", run_id, response.generations[0][0].text)

    def on_tool_start(self, _: Any, text: str, *, run_id: UUID, parent_run_id: UUID | None = None, **more: Any) -> None:
        self.begin(run_id, parent_run_id)
        self.tell("tool", run_id)

    def on_tool_end(self, output: Any, *, run_id: UUID, **_: Any) -> None:
        self.tell("tool end", run_id, output.content)


def script(messages: list[Any], at: int) -> AIMessage:
    if messages[-1].type == "human":
        calls = [{"name": "add", "args": {"a": at, "b": one}, "id": f"c{one}"} for one in range(2)]
        return AIMessage(f"I add for {messages[-1].text}.", tool_calls=calls)
    return AIMessage(f"done with {messages[0].text}")


def victim(path: str, pipe: int, dies_at: int | None) -> None:
    recorder = TraceRecorder(path)
    agent = create_agent(ScriptedChatModel(script=script), [add])
    teller = Teller(pipe, dies_at)

    def work() -> None:
        while True:
            run_id = uuid4()
            asked = {"messages": [("user", f"question {run_id}")]}
            agent.invoke(asked, {"callbacks": [recorder, teller], "run_id": run_id})

    for _ in range(THREADS):
        threading.Thread(target=work, daemon=True).start()
    time.sleep(60)


def killed(path: str, chance: random.Random) -> list[Any]:
    """What a process told before it was killed: by the clock, or by itself after some number of events."""
    dies_at = chance.randrange(1, 150) if chance.random() < 0.5 else None
    delay = 20.0 if dies_at else chance.uniform(0.01, 0.25)
    reads, writes = os.pipe()
    child = os.fork()
    if not child:
        os.close(reads)
        victim(path, writes, dies_at)
    os.close(writes)
    if not dies_at:
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
    told = b""
    while more := os.read(reads, 1 << 16):
        told += more
    os.close(reads)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    return [json.loads(line) for line in told.splitlines()]


if __name__ == "__main__":
    chance = random.Random(int(sys.argv[3]))
    for _ in range(int(sys.argv[2])):
        print(json.dumps(killed(sys.argv[1], chance)), flush=True)
