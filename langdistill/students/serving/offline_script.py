"""The process that holds vLLM's `LLM`: requests come in as lines of JSON, replies go out as they finish.

It is run by the Python that has vLLM, which need not have langdistill: nothing is imported here but vllm and the standard
library. A request joins the running batch at once, so one long reply holds up no other. The process ends when its input does,
or when the process that started it is gone.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

Line = dict[str, Any]
Say = Callable[[Line], None]

ALIVE = 1.0
"""Seconds between two looks at whether the process that started this one is still there."""


class Refused(ValueError):
    """A request that cannot be met; the others go on."""


class Engine:
    """vLLM's offline engine, and who waits for which of its requests."""

    def __init__(self, arguments: Line, say: Say) -> None:
        from vllm import LLM  # pyright: ignore[reportMissingImports]

        self.llm = LLM(**arguments)
        self.engine = self.llm.llm_engine
        self.tokenizer: Any = self.llm.get_tokenizer()
        self.context = int(self.engine.model_config.max_model_len)
        self.say = say
        self.waiting: dict[str, Line] = {}
        """vLLM's own id of a request to what was asked."""
        self.adapters: dict[str, Any] = {}

    @property
    def busy(self) -> bool:
        """Whether there is anything to generate."""
        return bool(self.engine.has_unfinished_requests())

    def take(self, line: Line) -> None:
        """Begin a request, or give one up."""
        if "abort" in line:
            self._abort(line["abort"])
            return
        try:
            self._begin(line)
        except Exception as error:  # of a template, of vLLM's checks: each model has its own
            told = str(error) if isinstance(error, Refused) else f"{type(error).__name__}: {error}"
            self.say({"id": line["id"], "error": told})

    def step(self) -> None:
        """Generate one token of each running request, and tell those that are complete."""
        for output in self.engine.step():
            if not output.finished:
                continue
            if line := self.waiting.pop(output.request_id, None):
                replies = [self._reply(line, one) for one in output.outputs]
                self.say({"id": line["id"], "read": len(line["prompt"]), "replies": replies * line["copies"]})

    def _begin(self, line: Line) -> None:
        from vllm import SamplingParams  # pyright: ignore[reportMissingImports]
        from vllm.sampling_params import StructuredOutputsParams  # pyright: ignore[reportMissingImports]

        line["prompt"] = prompt = self._prompt(line)
        if len(prompt) >= self.context:
            raise Refused(
                f"The prompt has {len(prompt)} tokens; the context of the model is {self.context}. Shorten it."
            )
        params = dict(line["params"])
        room = self.context - len(prompt)
        params["max_tokens"] = min(params["max_tokens"] or room, room)
        # Of equal greedy replies vLLM makes one and refuses more.
        line["copies"] = params["n"] if params["temperature"] <= 0 else 1
        params["n"] //= line["copies"]
        if constraint := params.pop("structured_outputs", None):
            params["structured_outputs"] = StructuredOutputsParams(**constraint)
        line["parser"] = self._parser(line)
        if line["parser"] is not None:
            params["skip_special_tokens"] = line["parser"][1].skip_special_tokens
        lora = self._adapter(line["adapter"])
        [internal] = self.llm.enqueue(
            [{"prompt_token_ids": prompt}], SamplingParams(**params), lora_request=lora, use_tqdm=False
        )
        self.waiting[internal.split("-")[0]] = line  # outputs go by the number that vLLM made its own id of

    def _prompt(self, line: Line) -> list[int]:
        """Token ids of the conversation in the model's own chat template."""
        for message in line["messages"]:
            for call in (
                message.get("tool_calls") or ()
            ):  # templates expect arguments as an object, OpenAI's shape is a text
                if isinstance(arguments := call["function"]["arguments"], str):
                    call["function"]["arguments"] = json.loads(arguments)
        text = self.tokenizer.apply_chat_template(
            line["messages"], tools=line["tools"], tokenize=False, add_generation_prompt=True, **line["template"]
        )
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def _adapter(self, folder: str | None) -> Any:
        """The adapter, loaded; under a name of its own where its files have changed, as vLLM keeps caches by the name."""
        from vllm.lora.request import LoRARequest  # pyright: ignore[reportMissingImports]

        if folder is None:
            return None
        name = f"{folder}@{os.stat(folder).st_mtime_ns}"
        if name not in self.adapters:
            request = LoRARequest(name, len(self.adapters) + 1, folder)
            self.engine.add_lora(request)  # here, where an error meets one request; in a batch it would end the engine
            self.adapters[name] = request
        return self.adapters[name]

    def _parser(self, line: Line) -> Any:
        """What reads tool calls in vLLM, and the request in its shape; `None` where there is nothing to read."""
        if not (line["tools"] and line["tool_parser"]):
            return None
        found = import_module("vllm.tool_parsers").ToolParserManager.get_tool_parser(line["tool_parser"])
        shapes = import_module("vllm.entrypoints.openai.chat_completion.protocol")
        request = shapes.ChatCompletionRequest(messages=[], tools=line["tools"])
        parser = found(self.tokenizer, request.tools)
        return parser, parser.adjust_request(request)

    def _reply(self, line: Line, output: Any) -> Line:
        text, calls = output.text, []
        if line["parser"] is not None:
            parser, request = line["parser"]
            read = parser.extract_tool_calls(text, request)
            text, calls = read.content or "", [one.model_dump() for one in read.tool_calls or ()]
        wanted = line["params"]["logprobs"]
        told = None if wanted is None else [
            self._token(token, shares, wanted) for token, shares in zip(output.token_ids, output.logprobs, strict=True)
        ]  # fmt: skip
        return {"text": text, "tool_calls": calls, "tokens": len(output.token_ids), "logprobs": told,
                "finish_reason": "tool_calls" if calls else output.finish_reason}  # fmt: skip

    def _token(self, token: int, shares: Any, alternatives: int) -> Line:
        def told(one: int) -> Line:
            text = self.tokenizer.decode([one])
            return {"token": text, "logprob": shares[one].logprob, "bytes": list(text.encode())}

        ranked = sorted(shares, key=lambda one: -shares[one].logprob)
        return {**told(token), "top_logprobs": [told(one) for one in ranked[:alternatives]]}

    def _abort(self, identity: int) -> None:
        for own, line in list(self.waiting.items()):
            if line["id"] == identity:
                del self.waiting[own]
                self.engine.abort_request([own])


def serve(engine: Engine, lines: queue.Queue[Line]) -> None:
    """Take all that has come, generate one token of everything, and so on."""
    while True:
        try:
            engine.take(lines.get(block=not engine.busy))
        except queue.Empty:
            engine.step()


def read(lines: queue.Queue[Line]) -> None:
    """Requests until there will be no more, which ends the process, whatever it is doing: nobody waits for it."""
    for text in sys.stdin.buffer:
        lines.put(json.loads(text))
    os._exit(0)


def watch(parent: int) -> None:
    """End the process where its parent has gone; a fork of the parent may keep the input open."""
    while os.getppid() == parent:
        time.sleep(ALIVE)
    os._exit(0)


def main() -> None:
    """Load the model that the second argument describes, say that it is there, and serve; the first is the parent's number."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever else prints, prints there

    def say(line: Line) -> None:
        answers.write(json.dumps(line) + "\n")
        answers.flush()

    lines: queue.Queue[Line] = queue.Queue()
    threading.Thread(target=read, args=[lines], daemon=True).start()
    threading.Thread(target=watch, args=[int(sys.argv[1])], daemon=True).start()
    engine = Engine(json.loads(sys.argv[2]), say)
    say({"ready": engine.context})
    serve(engine, lines)


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [place for place in sys.path if place != here]  # its neighbours are no packages of vLLM's
    main()
