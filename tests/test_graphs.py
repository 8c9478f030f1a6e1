from __future__ import annotations

import json
import os
import runpy
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

GRAPHS = Path(__file__).parents[1] / "graphs"
SERVED: dict[str, str] = json.loads((GRAPHS / "langgraph.json").read_text())["graphs"]
QUESTION = 'Take the last letters of the words in "Alan Grace" and concatenate them.'

pytestmark = pytest.mark.xdist_group("lab_model")


def test_every_served_graph_answers() -> None:
    assert len(SERVED) == 3
    for name, place in SERVED.items():
        file, attribute = place.split(":")
        graph = runpy.run_path(str(GRAPHS / file))[attribute]
        assert graph.name == name
        assert graph.invoke({"messages": [("user", QUESTION)]})["answer"] == "ne"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real `langgraph dev`, on loopback; it forbids blocking calls on its event loop."""
    folder = tmp_path_factory.mktemp("served") / "graphs"
    shutil.copytree(GRAPHS, folder, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    words = ["dev", "--no-browser", "--no-reload", "--host", "127.0.0.1", "--port", port]
    log = (folder / "log").open("wb")
    started = subprocess.Popen(
        [sys.executable, "-m", "langgraph_cli", *words],
        cwd=folder,
        stdout=log,
        stderr=log,
        env=os.environ | {"LANGSMITH_TRACING": "false"},
    )
    try:
        until = time.monotonic() + 120
        while True:
            assert started.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < until, (folder / "log").read_text()
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/ok", timeout=5).close()
                break
            except OSError:
                time.sleep(0.3)
        yield f"http://127.0.0.1:{port}"
    finally:
        started.terminate()
        started.wait(timeout=30)
        log.close()


def post(url: str, body: dict[str, Any]) -> Any:
    asked = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(asked, timeout=100) as reply:
        return json.loads(reply.read())


@pytest.mark.slow
@pytest.mark.parametrize("name", list(SERVED))
def test_the_development_server_runs_it(server: str, name: str) -> None:
    body = {"assistant_id": name, "input": {"messages": [{"role": "user", "content": QUESTION}]}}
    told = post(f"{server}/runs/wait", body)
    assert told["answer"] == "ne", told
    assert [message["type"] for message in told["messages"]] == ["human", "ai"]
