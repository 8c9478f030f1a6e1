"""A server on loopback that thinks and answers as vLLM, SGLang and DeepSeek do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

TOOL = {"name": "times", "arguments": '{"a": 17, "b": 23}'}
USAGE = {
    "prompt_tokens": 9,
    "completion_tokens": 12,
    "total_tokens": 21,
    "prompt_tokens_details": {"cached_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 7},
}
SPELT = {
    "vllm": ["reasoning"],
    "deepseek": ["reasoning_content"],
    "both": ["reasoning", "reasoning_content"],
    "mute": [],
}
THOUGHT = "Reply 0: 340 and 51."


class Server(BaseHTTPRequestHandler):
    """Thinks, then says "391", calls a tool that it was offered, or fills a schema; the model's name chooses the spelling."""

    asked: list[dict[str, Any]] = []

    def log_message(self, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.asked.append(asked)
        if asked["model"] == "missing":
            told = {
                "message": "The model `missing` does not exist.",
                "type": "NotFoundError",
                "param": "model",
                "code": 404,
            }
            return self.reply(404, "application/json", json.dumps({"error": told}))
        if asked.get("stream"):
            return self.reply(200, "text/event-stream", "".join(self.events(asked)))
        choices = [self.choice(asked, at) for at in range(asked.get("n") or 1)]
        return self.reply(200, "application/json", json.dumps(self.envelope("", choices, usage=USAGE) | ids(asked)))

    def reply(self, status: int, kind: str, body: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def envelope(self, kind: str, choices: Any, **more: Any) -> dict[str, Any]:
        return {
            "id": "1",
            "object": f"chat.completion{kind}",
            "created": 1,
            "model": "m-2026",
            "choices": choices,
        } | more

    def choice(self, asked: Any, at: int) -> dict[str, Any]:
        calls = "tools" in asked and asked["messages"][-1]["role"] != "tool"
        content = '{"product": 391}' if "response_format" in asked else f"39{at + 1}"
        message = {"role": "assistant", "content": None if calls else content}
        message |= dict.fromkeys(SPELT[asked["model"]], f"Reply {at}: 340 and 51.")
        if calls:
            message["tool_calls"] = [{"id": "c1", "type": "function", "index": 0, "function": TOOL}]
        logprobs = {"content": [{"token": content, "logprob": -0.5, "bytes": None, "top_logprobs": []}]}
        return {
            "index": at,
            "message": message,
            "finish_reason": "tool_calls" if calls else "stop",
            "logprobs": logprobs if asked.get("logprobs") else None,
            **({"token_ids": [51, 57 + at]} if asked.get("return_token_ids") else {}),
        }

    def events(self, asked: Any) -> Iterator[str]:
        """The replies of n choices, a word of the reasoning at a time, interleaved."""
        choices = [self.choice(asked, at) for at in range(asked.get("n") or 1)]
        deltas = [list(pieces(choice["message"])) for choice in choices]
        for number, together in enumerate(zip(*deltas, strict=True)):
            for choice, delta in zip(choices, together, strict=True):
                last = number == len(deltas[0]) - 1
                told = choice if last else {"index": choice["index"], "finish_reason": None, "logprobs": None}
                told = {key: value for key, value in told.items() if key != "message"} | {"delta": delta}
                first = ids(asked) if number == 0 and not choice["index"] else {}
                yield f"data: {json.dumps(self.envelope('.chunk', [told]) | first)}\n\n"
        if (asked.get("stream_options") or {}).get("include_usage"):
            yield f"data: {json.dumps(self.envelope('.chunk', [], usage=USAGE))}\n\n"
        yield "data: [DONE]\n\n"


def ids(asked: Any) -> dict[str, Any]:
    return {"prompt_token_ids": [1, 2, 3]} if asked.get("return_token_ids") else {}


def pieces(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    spelt = [key for key in ("reasoning", "reasoning_content") if key in message]
    yield {"role": "assistant", "content": ""}
    for word in THOUGHT.split(" ") if spelt else ():
        yield dict.fromkeys(spelt, word.replace("0:", f"{message[spelt[0]][6]}:") + " ")
    yield {key: value for key, value in message.items() if key in ("content", "tool_calls")}
