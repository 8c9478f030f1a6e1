"""Every strategy, interrupted and killed in the midst of its fan-out, on the checkpointers that people run in production."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.serde import _msgpack
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from langdistill.testing.conformance import StrategyTests, _later, _now
from tests.strategies import test_conformance

CASES = [
    one
    for one in vars(test_conformance).values()
    if isinstance(one, type) and issubclass(one, StrategyTests) and one is not StrategyTests
]

pytestmark = pytest.mark.xdist_group("postgres")


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where checkpoints go: a connection string, or a file."""
    if request.param == "sqlite":
        return str(tmp_path / "checkpoints.db")
    return str(request.getfixturevalue("postgres"))


def savers(place: str) -> tuple[Any, Any]:
    """The saver's class and its asynchronous one."""
    return (PostgresSaver, AsyncPostgresSaver) if place.startswith("postgresql:") else (SqliteSaver, AsyncSqliteSaver)


def on(place: str, case: type[StrategyTests]) -> StrategyTests:
    """The suite of a strategy, on this checkpointer."""
    now, later = savers(place)

    class There(case):  # type: ignore[misc, valid-type]
        @contextmanager
        def saver(self) -> Generator[Any]:
            with now.from_conn_string(place) as saver:
                saver.setup()
                yield saver

        @asynccontextmanager
        async def asaver(self) -> AsyncGenerator[Any]:
            async with later.from_conn_string(place) as saver:
                await saver.setup()
                yield saver

    return There()


def test_the_checkpointers_are_strict() -> None:
    assert _msgpack.STRICT_MSGPACK_ENABLED
    assert len(CASES) >= 20


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
@pytest.mark.parametrize("run", [_now, _later])
def test_an_interrupted_run_pays_for_nothing_twice(place: str, run: Any, case: type[StrategyTests]) -> None:
    on(place, case).test_an_interrupted_run_pays_for_nothing_twice(run)


KILLED = """
    import asyncio, os, sys, time
    from pathlib import Path
    import langdistill as ld
    from langdistill.testing.models import OneReplyChatModel
    from tests.strategies.test_checkpointers import savers

    place, told, how = sys.argv[1:4]

    class Counted(OneReplyChatModel):
        def _generate(self, messages, *args, **kwargs):
            if self.dies():
                time.sleep(1)  # the replies of the others arrive and are kept
                os._exit(9)
            return super()._generate(messages, *args, **kwargs)

        async def _agenerate(self, messages, *args, **kwargs):
            if self.dies():
                await asyncio.sleep(1)
                os._exit(9)
            return await super()._agenerate(messages, *args, **kwargs)

        def dies(self):
            with self._lock:
                with open(told, "a") as counted:
                    counted.write("x")
                return how.startswith("killed") and len(Path(told).read_text()) == 4

    config = {"configurable": {"thread_id": "1"}}
    given = {"messages": [("user", "2+2?")]} if how.startswith("killed") else None
    now, later = savers(place)

    def create(saver):
        return ld.create_self_consistency(Counted(script=lambda messages, number: "Answer: 4"), samples=8, checkpointer=saver)

    async def run():
        async with later.from_conn_string(place) as saver:
            await saver.setup()
            return await create(saver).ainvoke(given, config)

    if how.endswith("now"):
        with now.from_conn_string(place) as saver:
            saver.setup()
            print(create(saver).invoke(given, config)["answer"])
    else:
        print(asyncio.run(run())["answer"])
"""


@pytest.mark.parametrize("how", ["now", "later"])
def test_a_killed_process_pays_again_for_the_reply_under_way_alone(place: str, how: str, tmp_path: Path) -> None:
    told = tmp_path / "asked"
    if place.startswith("postgresql:"):
        place = new_database(place, f"killed_{how}")
    words = [sys.executable, "-c", textwrap.dedent(KILLED), place, str(told)]
    killed = subprocess.run([*words, f"killed-{how}"], capture_output=True, text=True, timeout=120)
    assert killed.returncode == 9, killed.stderr
    assert told.read_text() == "x" * 8
    resumed = subprocess.run([*words, f"resumed-{how}"], capture_output=True, text=True, timeout=120)
    assert resumed.stdout.strip() == "4", resumed.stderr
    assert told.read_text() == "x" * 9


def new_database(server: str, name: str) -> str:
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
    return server.rsplit("/", 1)[0] + f"/{name}"
