"""Mines in children that are killed, and goes on until one survives; run by `test_killed.py`.

    python killed.py FOLDER memory|sqlite invoke|ainvoke SEED

Events are counted over all children: a model is asked, its reply has been kept, something is about to be written into the pools, and
it has been written. At 20 of them, drawn by the seed over a whole run, the child that comes to it kills itself. Printed: what the
run came to, what an unkilled one comes to, and for each child which replies had been kept before it and which it asked for.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from functools import partial, wraps
from pathlib import Path
from threading import Lock
from typing import Any

from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatResult
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from langdistill import replies
from langdistill.jobs import sample_path
from langdistill.mining.ledger import ledger
from langdistill.mining.pools import InstructionPools
from langdistill.replies import ReplyCache
from langdistill.testing.models import OneReplyChatModel
from tests.mining.scripted import (
    School,
    World,
    generator_says,
    model,
    referee_says,
    student_says,
    teacher_says,
    topic,
)

KILLS, SEEDS = 20, 52
CONFIG = {"configurable": {"thread_id": "mine"}}
PARAMS = ("temperature", "top_p", "max_tokens")


class Events:
    """Counts what happens, in a file that outlives a child; kills the child that comes to one of the numbers."""

    def __init__(self, place: Path, deadly: list[int]) -> None:
        self.place, self.deadly, self.lock = place, set(deadly), Lock()

    def happened(self, kind: str) -> None:
        with self.lock, self.place.open("ab") as counted:
            counted.write(kind[:1].encode())
            counted.flush()
            if counted.tell() in self.deadly:
                os.kill(os.getpid(), signal.SIGKILL)


class Asked(OneReplyChatModel):
    """Writes down the key of every reply that it is asked for, before it gives it."""

    def _result(self, messages: list[BaseMessage], params: dict[str, Any]) -> ChatResult:
        index = next(iter(sample_path.get()), 0)
        given = {name: params[name] for name in PARAMS if name in params}
        key = replies._key(self, messages, given, index)
        with Path(os.environ["ASKED"]).open("a") as told:
            told.write(f"{key}\n")
        EVENTS[0].happened("asked")
        return super()._result(messages, params)


EVENTS: list[Events] = []


def watched(owner: type, name: str, before: bool = True) -> None:
    """Have the calls of a method count as events."""
    plain = getattr(owner, name)

    @wraps(plain)
    def call(self: Any, *args: Any) -> Any:
        if before:
            EVENTS[0].happened("write")
        found = plain(self, *args)
        EVENTS[0].happened("kept")
        return found

    setattr(owner, name, call)


def world() -> World:
    return World(
        teacher=model("teacher", teacher_says, Asked),
        student=model("student-0", student_says(0), Asked),
        referee=model("referee", referee_says, Asked),
        generator=model("generator", generator_says, Asked),
    )


def mine(folder: Path, saver: str, how: str) -> Any:
    with InstructionPools(folder) as pools:
        seeds = pools.add(topic(at) for at in range(SEEDS))
        create = partial(world().miner, pools, trainer=School(kind=Asked))
        if saver == "memory":
            given = {"seeds": seeds}
            miner = create()
            return miner.invoke(given) if how == "invoke" else asyncio.run(miner.ainvoke(given))
        file = str(folder / "checkpoints.db")
        if how == "invoke":
            with SqliteSaver.from_conn_string(file) as kept:
                miner = create(checkpointer=kept)
                return miner.invoke(None if miner.get_state(CONFIG).values else {"seeds": seeds}, CONFIG)
        return asyncio.run(later(create, file, seeds))


async def later(create: Callable[..., Any], file: str, seeds: list[str]) -> Any:
    async with AsyncSqliteSaver.from_conn_string(file) as kept:
        miner = create(checkpointer=kept)
        begun = (await miner.aget_state(CONFIG)).values
        return await miner.ainvoke(None if begun else {"seeds": seeds}, CONFIG)


def child(folder: Path, saver: str, how: str, deadly: list[int]) -> bool:
    """Whether a child that mines comes to the end."""
    process = os.fork()
    if not process:
        EVENTS[:] = [Events(folder / "events", deadly)]
        for owner, name in ((ReplyCache, "put"),):
            watched(owner, name, before=False)
        for name in ("put", "put_answers", "put_judgements", "put_tries", "forget_tries", "finish"):
            watched(InstructionPools, name)
        try:
            (folder / "outcome").write_text(json.dumps(mine(folder, saver, how)))
            os._exit(0)
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            os._exit(1)
    status = os.waitpid(process, 0)[1]
    assert not os.WIFEXITED(status) or not os.WEXITSTATUS(status), "a child failed"
    return os.WIFEXITED(status)


def kept(folder: Path) -> list[str]:
    """Keys of the replies that a run has kept so far."""
    file = folder / "replies.db"
    if not file.exists():
        return []
    with closing(sqlite3.connect(file)) as db:
        tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        return [row[0] for row in db.execute("SELECT key FROM reply")] if tables else []


def lines(file: Path) -> list[str]:
    return file.read_text().split() if file.exists() else []


def run(folder: Path, saver: str, how: str, deadly: list[int]) -> dict[str, Any]:
    """A run and what came of it."""
    folder.mkdir()
    asked = folder / "asked"
    os.environ["ASKED"] = str(asked)
    children: list[dict[str, Any]] = []
    survived = False
    while not survived:
        held, before = kept(folder), len(lines(asked))
        survived = child(folder, saver, how, deadly)
        children.append({"held": held, "asked": lines(asked)[before:]})
    with InstructionPools(folder) as pools:
        told = {role: one.calls for role, one in ledger(pools).items()}
    return {
        "outcome": json.loads((folder / "outcome").read_text()),
        "ledger": told,
        "children": children,
        "kept": kept(folder),
        "events": (folder / "events").stat().st_size,
    }


def main(folder: Path, saver: str, how: str, seed: str) -> None:
    whole = run(folder / "whole", saver, how, [])
    dice, writes = (
        random.Random(seed),
        [at for at, kind in enumerate((folder / "whole" / "events").read_bytes(), 1) if kind == ord("w")],
    )
    # most events are calls; a quarter of the kills is at the few writes, or right after one
    moments = [dice.randint(1, whole["events"]) for _ in range(KILLS)]
    moments[: KILLS // 4] = [at + dice.randint(0, 1) for at in dice.sample(writes, KILLS // 4)]
    killed = run(folder / "killed", saver, how, moments)
    print(json.dumps({"whole": whole, "killed": killed, "moments": sorted(set(moments))}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
