"""The recorder in a real `langgraph dev`, whose event loop forbids calls that block."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langgraph_sdk import get_client

from tests.recording.accounts import stored

pytestmark = pytest.mark.slow

AGENT = """
import os
{before}
from tests.recording.accounts import agent
from langchain_core.messages import AIMessage
import langdistill

STORE = os.environ["STORE"]
{make}
"""
WAYS = {
    "environment": ('os.environ["LANGDISTILL_TRACE"] = os.environ["STORE"]', "made = agent()"),
    "call": ("", "langdistill.record(STORE)\nmade = agent()"),
    "factory": (
        "",
        "recorders = []\nasync def made(config):\n    if not recorders:\n"
        "        recorders.append(langdistill.record(STORE))\n    return agent()",
    ),
    "config": ("", "made = agent().with_config(callbacks=[langdistill.TraceRecorder(STORE)])"),
}
RUNS = 12


@pytest.fixture(params=list(WAYS))
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Address of the server, and its folder with the store and the log."""
    before, make = WAYS[request.param]
    (tmp_path / "made.py").write_text(AGENT.format(before=before, make=make))
    (tmp_path / "langgraph.json").write_text(json.dumps({"dependencies": ["."], "graphs": {"agent": "./made.py:made"}}))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    words = ["dev", "--no-browser", "--no-reload", "--host", "127.0.0.1", "--port", port]
    env = os.environ | {"LANGSMITH_TRACING": "false", "STORE": str(tmp_path / "t.db")}
    env["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[2]), env.get("PYTHONPATH", "")])
    with (tmp_path / "log").open("wb") as log:
        started = subprocess.Popen(
            [sys.executable, "-m", "langgraph_cli", *words], cwd=tmp_path, stdout=log, stderr=log, env=env
        )
        try:
            until = time.monotonic() + 120
            while True:
                assert started.poll() is None, (tmp_path / "log").read_text()
                assert time.monotonic() < until, (tmp_path / "log").read_text()
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/ok", timeout=5).close()
                    break
                except OSError:
                    time.sleep(0.3)
            yield f"http://127.0.0.1:{port}", tmp_path
        finally:
            started.terminate()
            started.wait(timeout=30)


async def test_runs_of_the_server_are_recorded_under_their_ids_and_nothing_blocks(served: tuple[str, Path]) -> None:
    url, folder = served
    async with get_client(url=url) as client:

        async def one(at: int) -> str:
            thread = (await client.threads.create())["thread_id"]
            run = await client.runs.create(thread, "agent", input={"messages": [{"role": "user", "content": f"{at}"}]})
            await client.runs.join(thread, run["run_id"])
            return run["run_id"]

        ids = await asyncio.gather(*(one(at) for at in range(RUNS)))
    found: dict[str, Any] = {}
    until = time.monotonic() + 30
    while len(found) < RUNS and time.monotonic() < until:
        await asyncio.sleep(0.2)
        found = {one.id: one for one in stored(folder / "t.db")}
    log = (folder / "log").read_text()
    assert [line for line in log.splitlines() if "Blocking" in line or "Error" in line or "recorder" in line] == []
    assert set(found) == set(ids)
    for trace in found.values():
        assert (trace.outcome, trace.lost, len(trace.calls), len(trace.tool_runs)) == ("ended", 0, 2, 2)
        assert trace.output[-1]["content"] == f"done with {trace.input[0]['content']}"
        assert trace.thread
