"""A search through a real server of vLLM: n replies to a request, and prompts that begin alike are read once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler

from langdistill.budgets import budget
from langdistill.errors import StudentError
from langdistill.lab import WEIGHTS
from langdistill.lab.tasks import task
from langdistill.recording.recorder import TraceRecorder
from langdistill.search.mutual_reasoning import create_mutual_reasoning
from langdistill.search.settings import Settings
from langdistill.stores.opening import open_store
from langdistill.students.serving.endpoint import Endpoint
from langdistill.students.serving.prefix_cache import PrefixCache, prefix_cache

FEW = Settings(rollouts=6, depth=4, thoughts=3, sub_questions=2, last_votes=6, votes=3, prefixes=2, max_tokens=48)
QUESTION = task("arithmetic").draw(1, seed=7, pool="dev").problems[0].question


class Requests(BaseCallbackHandler):
    """Counts them."""

    def __init__(self) -> None:
        self.count = 0

    def on_chat_model_start(self, *_: Any, **__: Any) -> None:
        self.count += 1


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.xdist_group("vllm")
def test_a_search_on_vllm_finds_most_of_its_prompts_in_the_cache(server: Endpoint, tmp_path: Path) -> None:
    model = server.chat_model(WEIGHTS.name, temperature=1.0)
    requests, before = Requests(), prefix_cache(server)
    with TraceRecorder(tmp_path / "traces.db") as recorder, budget() as spent:
        graph = create_mutual_reasoning(model, preset=FEW)
        graph.invoke({"messages": [("user", QUESTION)]}, {"callbacks": [recorder, requests]})
    cached = prefix_cache(server).since(before)
    store = open_store(tmp_path / "traces.db")
    [trace] = store.traces()
    store.close()
    [found] = trace.searches
    assert found.thoughts[0].visits == FEW.rollouts
    assert len(found.thoughts) > 10
    assert requests.count == len(trace.calls) < spent.completions / 2, "n replies come from one request"
    assert spent.completions == sum(len(call.replies) for call in trace.calls)
    read = sum(call.usage.input_tokens for call in trace.calls)
    assert cached.queried > read, "each of n replies looks its prompt up"
    assert 0.5 < cached.share < 1
    print(
        f"{spent.completions} completions by {requests.count} requests; {cached.share:.1%} of {cached.queried:,} tokens in the cache"
    )


@contextmanager
def telling(text: str) -> Iterator[str]:
    class Telling(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Telling) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_engines_count_together() -> None:
    told = "\n".join(
        f'vllm:prefix_cache_{name}_total{{engine="{engine}",model_name="m"}} {count}'
        for name, engine, count in [("queries", 0, "100.0"), ("queries", 1, "1e2"), ("hits", 0, "50.0"), ("hits", 1, "0.0")]
    )  # fmt: skip
    with telling(f"# HELP vllm:prefix_cache_hits_total Hits.\n{told}\nvllm:prefix_cache_hits_created 1.0") as url:
        found = prefix_cache(url)
    assert found == PrefixCache(200, 50)
    assert found.share == 0.25
    assert found.since(PrefixCache(150, 40)) == PrefixCache(50, 10)
    assert PrefixCache(0, 0).share == 0


def test_a_server_without_the_counters() -> None:
    with telling("process_cpu_seconds_total 1.0\n") as url, pytest.raises(StudentError, match="counts no prefix cache"):
        prefix_cache(url)
    with pytest.raises(StudentError, match="No server answers"):
        prefix_cache("http://127.0.0.1:9")
