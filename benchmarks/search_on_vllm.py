"""rStar through a real server of vLLM with the embedded model: requests, completions, and what the prefix cache knew of the prompts.

    LANGDISTILL_VLLM=.venv-vllm/bin/python python benchmarks/search_on_vllm.py

Nothing here is about accuracy: the embedded model never saw such prompts. The cache keeps whole blocks of 32 tokens and is empty at
first. Of n replies to a request each looks its prompt up, so some of the hits are the request's own; what the server tells of each
request (`cached_tokens`) counts its prompt once.
"""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from langdistill.budgets import budget
from langdistill.intervals import told_over_seeds
from langdistill.lab import WEIGHTS
from langdistill.lab.demo import versions
from langdistill.lab.tasks import task
from langdistill.recording.recorder import TraceRecorder
from langdistill.records import Trace
from langdistill.search.mutual_reasoning import create_mutual_reasoning
from langdistill.search.settings import PRESETS
from langdistill.stores.opening import open_store
from langdistill.students.serving.endpoint import Endpoint
from langdistill.students.serving.prefix_cache import prefix_cache
from langdistill.students.serving.server import VLLMServer
from langdistill.students.serving.settings import Settings

RESULTS = Path(__file__).with_name("results") / "search_on_vllm.json"
PROBLEMS = 3
MOST = 64
"""Tokens of a reply: the embedded model's context has 512."""
SMALL = (
    "--kv-cache-memory-bytes",
    "256M",
    "--max-num-seqs",
    "32",
    "--block-size",
    "32",
    "--enable-prompt-tokens-details",
)


def searched(server: VLLMServer, preset: str, question: str) -> dict[str, float]:
    """One search, recorded."""
    model = Endpoint.of(server).chat_model("lab", temperature=1.0, timeout=600)
    graph = create_mutual_reasoning(model, preset=replace(PRESETS[preset], max_tokens=MOST))
    before = prefix_cache(server)
    with budget() as spent:
        trace = recorded(graph, question)
    found, read = prefix_cache(server).since(before), sum(one.usage.input_tokens for one in trace.calls)
    return {
        "completions": spent.completions,
        "requests": len(trace.calls),
        "nodes": len(trace.searches[0].thoughts),
        "prompt_tokens": read,
        "cached_of_requests": sum(one.usage.cached_tokens for one in trace.calls) / read,
        "looked_up": found.queried,
        "hits": found.share,
    }


def recorded(graph: Any, question: str) -> Trace:
    """A run, with what the server told of each request."""
    with TemporaryDirectory() as folder:
        place = Path(folder) / "traces.db"
        with TraceRecorder(place) as recorder:
            graph.invoke({"messages": [("user", question)]}, {"callbacks": [recorder], "max_concurrency": 16})
        with closing(open_store(place)) as store:
            [trace] = store.traces()
    return trace


def main() -> None:
    questions = [one.question for one in task("arithmetic").draw(PROBLEMS, seed=7, pool="dev").problems]
    told: dict[str, Any] = {}
    for preset in PRESETS:
        with VLLMServer(WEIGHTS, ["lab"], Settings(adapters=0, extra=SMALL)) as server:
            rows = [searched(server, preset, one) for one in questions]
        told[preset] = {name: told_over_seeds([row[name] for row in rows], share=rows[0][name] < 1) for name in rows[0]}
        print(preset, {name: round(one["mean"], 3) for name, one in told[preset].items()}, flush=True)
    said = {"command": "python benchmarks/search_on_vllm.py", "versions": versions(), "problems": PROBLEMS}
    RESULTS.write_text(json.dumps(said | {"max_tokens": MOST, "presets": told}, indent=1) + "\n")


if __name__ == "__main__":
    main()
