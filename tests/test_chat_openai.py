"""LangChain's own client of OpenAI-compatible servers, against a server on loopback that speaks the protocol."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from langchain_openai import ChatOpenAI

from langdistill import Price, budget, create_chain_of_thought, create_self_consistency

ASKED: Any = {"messages": [("user", "2+2?")]}


class Server(BaseHTTPRequestHandler):
    """Thinks and answers 0 or 1 by the index of the choice; streams the words of n choices interleaved."""

    requests: list[tuple[int, bool]] = []

    def log_message(self, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        n, streams = asked.get("n") or 1, bool(asked.get("stream"))
        self.requests.append((n, streams))
        texts = [f"Sample {index} thinks.\nAnswer: {index % 2}" for index in range(n)]
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" if streams else "application/json")
        self.end_headers()
        if streams:
            for words in zip(*(text.split(" ") for text in texts), strict=True):
                for index, word in enumerate(words):
                    self.tell("chunk", [{"index": index, "delta": {"content": f"{word} "}}])
            self.wfile.write(b"data: [DONE]\n\n")
        else:
            choices = [{"index": at, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
                       for at, text in enumerate(texts)]  # fmt: skip
            usage = {"prompt_tokens": 5, "completion_tokens": 7 * n, "total_tokens": 5 + 7 * n}
            whole = {"id": "1", "object": "chat.completion", "created": 1, "model": "m-2026", "usage": usage}
            self.wfile.write(json.dumps(whole | {"choices": choices}).encode())

    def tell(self, kind: str, choices: Any) -> None:
        told = {"id": "1", "object": f"chat.completion.{kind}", "created": 1, "model": "m-2026", "choices": choices}
        self.wfile.write(f"data: {json.dumps(told)}\n\n".encode())


@pytest.fixture
def chat() -> Iterator[ChatOpenAI]:
    Server.requests = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    model = ChatOpenAI(model="m", base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="none")  # type: ignore[arg-type]
    yield model
    model.root_client.close()
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("mode", ["updates", "messages"])
def test_n_samples_are_one_request_whoever_streams(chat: ChatOpenAI, mode: Any) -> None:
    graph = create_self_consistency(chat, samples=3)
    with budget(money=1, prices={"m": Price(1.0, 2.0)}) as spent:
        modes: Any = [mode, "values"]
        *_, (_, output) = graph.stream(ASKED, stream_mode=modes)
    assert [one["vote"] for one in output["candidates"]] == ["0", "1", "0"]
    assert Server.requests == [(3, False)]
    [row] = spent.ledger()
    assert (row["model"], row["completions"], row["input_tokens"], row["tokens"]) == ("m", 3, 5, 21)
    assert spent.money == pytest.approx((5 * 1.0 + 21 * 2.0) / 1e6)


def test_the_tokens_of_the_answer_are_streamed_from_the_server(chat: ChatOpenAI) -> None:
    parts = list(create_chain_of_thought(chat).stream(ASKED, stream_mode="messages"))
    assert "".join(part[0].text for part in parts) == "0"  # type: ignore[union-attr]
    assert Server.requests == [(1, True)]
