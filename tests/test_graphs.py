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
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from langdistill.datasets.harvest import harvest
from langdistill.datasets.judging import by_gold
from langdistill.datasets.targets.trust import trust
from langdistill.lab import WEIGHTS
from langdistill.mining.ledger import ledger
from langdistill.mining.pools import InstructionPools
from langdistill.records import Call, Reply, Trace
from langdistill.students.train.recipe import MINIATURE
from langdistill.students.train.training import train

GRAPHS = Path(__file__).parents[1] / "graphs"
SERVED: dict[str, str] = json.loads((GRAPHS / "langgraph.json").read_text())["graphs"]
STRATEGIES = [name for name in SERVED if SERVED[name].startswith("./thinking.py")]
QUESTION = 'Take the last letters of the words in "Alan Grace" and concatenate them.'

pytestmark = pytest.mark.xdist_group("lab_model")


PAIR = "Which response is better?\nRequest: List two animals.\nResponse A: cat, dog\nResponse B: cat, saw"
SURE = {"chain_of_thought", "one_step_rephrase_and_respond", "rephrase_and_respond", "self_consistency", "best_of_n"}
"""Strategies with which the embedded model is right about the question."""


def asked(name: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": PAIR if name == "branch_solve_merge" else QUESTION}]}


def graph_of(name: str) -> Any:
    file, attribute = SERVED[name].split(":")
    return runpy.run_path(str(GRAPHS / file))[attribute]


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_served_strategy_answers(name: str) -> None:
    graph = graph_of(name)
    assert graph.name == name
    output = graph.invoke(asked(name), context={"samples": 3})
    assert output["messages"][-1].type == "ai"
    if name in SURE:
        assert output["answer"] == "ne"


def test_every_strategy_is_served() -> None:
    strategies = {path.stem for path in (GRAPHS.parent / "langdistill/strategies").glob("[a-z]*.py")}
    told_the_answer = {"answer_hint", "rationalization"}  # they make teaching material: a server has no gold answers
    assert strategies - told_the_answer <= set(SERVED)


def test_a_run_chooses_its_knobs() -> None:
    output = graph_of("self_consistency").invoke(asked(""), context={"samples": 5, "completions": 2})
    assert output["answer"] == "ne"
    assert output["stopped"] == "completions 2 of 2"


@pytest.fixture
async def client(server: str) -> AsyncIterator[LangGraphClient]:
    async with get_client(url=server) as opened:
        yield opened


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


@pytest.mark.slow
async def test_the_development_server_runs_every_strategy(client: LangGraphClient) -> None:
    for name in STRATEGIES:
        told = await client.runs.wait(None, name, input=asked(name), context={"samples": 3})
        assert [message["type"] for message in told["messages"]] == ["human", "ai"], told
        if name in SURE:
            assert told["answer"] == "ne", told


INSTRUCTIONS = [
    f"Take the last letters of the words in {words}." for words in ("Alan Grace", "Iris Boole", "Kurt Emmy")
]


@pytest.mark.slow
async def test_the_development_server_mines(client: LangGraphClient, tmp_path: Path) -> None:
    knobs = {"folder": str(tmp_path / "mine"), "max_tokens": 32}
    told = await client.runs.wait(None, "mine", input={"instructions": INSTRUCTIONS}, context=knobs)
    [report] = told["rounds"]
    assert (report["cache"], report["judged"], report["unread"]) == (3, 0, 3)  # the embedded model is no referee
    assert told["stopped"] == "no instruction of 0 that were judged is hard (0 unanswered, 3 not understood)"
    with InstructionPools(tmp_path / "mine") as pools:
        assert {role: one.calls for role, one in ledger(pools).items()} == {
            "teacher": 3, "student": 3, "referee": 3 * 3, "generator": 0,
        }  # fmt: skip


@pytest.mark.slow
async def test_the_development_server_searches(client: LangGraphClient) -> None:
    async def told(**knobs: Any) -> dict[str, Any]:
        return await client.runs.wait(None, "mutual_reasoning", input=asked(""), context=knobs)

    searched = await told(rollouts=1, domain="maths", seed=3)
    assert [message["type"] for message in searched["messages"]] == ["human", "ai"]
    assert searched["messages"][-1]["content"]
    assert "tree" not in searched
    assert (await told(completions=15))["stopped"] == "completions 15 of 15"
    with pytest.raises(Exception, match="UnknownName"):
        await told(preset="best")


@pytest.mark.slow
async def test_the_development_server_asks_refines_and_trusts(client: LangGraphClient, tmp_path: Path) -> None:
    async def told(**knobs: Any) -> dict[str, Any]:
        return await client.runs.wait(None, "ask_refine_trust", input=asked(""), context=knobs)

    assert (await told(asker="never"))["answer"] == "ne"
    assert (await told())["answer"] == "ne", "the embedded model comes to no decision, and the first answer stands"
    refined = await told(asker="always", truster="most_recent")
    assert [message["type"] for message in refined["messages"]] == ["human", "ai"]
    truster = train(pairs(tmp_path / "pairs"), WEIGHTS, tmp_path / "truster", objective="pairwise_ranker", recipe=FEW)
    ranked = await told(asker="always", truster=str(truster.folder))
    assert ranked["answer"] in ("ne", refined["answer"])


def pairs(place: Path) -> Path:
    """A data set of one pair."""
    calls = [
        Call(id=f"c{at}", candidate=True, replies=[Reply(message={"role": "assistant", "content": text})])
        for at, text in enumerate(("Answer: ne", "Answer: en"))
    ]
    runs = [Trace(id="r", input=[{"role": "user", "content": QUESTION}], calls=calls, metadata={"problem": "p"})]
    harvest(runs).target(trust(by_gold({"p": "ne"}))).write(place, format="trl_preference", validation=0)
    return place


FEW = MINIATURE.model_copy(update={"steps": 1, "batch_size": 1})


@pytest.mark.slow
async def test_the_development_server_streams_caps_and_resumes(client: LangGraphClient) -> None:
    modes: list[Any] = ["updates", "custom", "messages-tuple"]
    knobs = {"samples": 4, "completions": 3, "approve": True}
    thread = (await client.threads.create())["thread_id"]
    parts = client.runs.stream(
        thread, "self_consistency", input=asked(""), context=knobs, stream_mode=modes, stream_subgraphs=True
    )
    events = [(part.event.split("|")[0], part.data) async for part in parts]
    [steps] = [data for event, data in events if event == "custom"]
    assert (steps["step"], len(steps["replies"])) == ("sample", 3)
    paused = await client.threads.get_state(thread)
    assert paused["next"] == ["review"]
    assert paused["interrupts"][0]["value"]["answer"] == "ne"
    told = await client.runs.wait(thread, "self_consistency", command={"resume": "NE"}, context=knobs)
    assert (told["answer"], told["stopped"]) == ("NE", "completions 3 of 3")


@pytest.mark.slow
async def test_the_development_server_tells_its_knobs(client: LangGraphClient) -> None:
    [assistant] = await client.assistants.search(graph_id="chain_of_thought")
    schemas = await client.assistants.get_schemas(assistant["assistant_id"])
    assert {"model", "samples", "completions", "tokens", "seconds", "approve"} <= set(
        schemas["context_schema"]["properties"]
    )
