"""A real server of vLLM: what it says, and that swapping drops nothing."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any
from urllib.error import HTTPError

import orjson
import pytest
from langchain_core.messages import AIMessage

from langdistill.errors import StudentError
from langdistill.lab import WEIGHTS, lab_model
from langdistill.lab.tasks import task
from langdistill.students.card import Student
from langdistill.students.decoding import decoder_of
from langdistill.students.serving.adapters import Adapters
from langdistill.students.serving.endpoint import Endpoint, Refused
from langdistill.students.serving.kept import KEPT, kept_versions
from langdistill.students.train.imitation import on_server

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("vllm"), pytest.mark.timeout(900)]

Make = Callable[..., Student]
THINK = '\nThink step by step. End with one line that reads "Answer:" and then only the answer.'
PROMPTS = [
    problem.question + THINK
    for name in ("letters", "coin")
    for problem in task(name).draw(25, seed=7, pool="dev").problems
]
MOST = 24
"""Tokens of a reply."""
BASE = WEIGHTS.name
QUESTION = PROMPTS[0]


@pytest.fixture(scope="module")
def adapters(server: Endpoint) -> Adapters:
    return Adapters(server)


@pytest.fixture(scope="module")
def pair(make: Make, tmp_path_factory: pytest.TempPathFactory) -> tuple[Student, Student]:
    place = tmp_path_factory.mktemp("students") / "pair"
    return make(place, seed=1), make(place, seed=2)


def tokens(message: AIMessage) -> list[str]:
    return [token["token"] for token in message.response_metadata["logprobs"]["content"]]


def shares(message: AIMessage) -> list[float]:
    return [token["logprob"] for token in message.response_metadata["logprobs"]["content"]]


def test_base_and_adapters_say_what_transformers_and_peft_say(
    adapters: Adapters, pair: tuple[Student, Student]
) -> None:
    tokenizer = decoder_of(str(WEIGHTS), None).tokenizer
    told = {"max_tokens": MOST, "logprobs": True}
    texts: list[list[str]] = []
    compared = 0
    for student in (None, *pair):
        name = adapters.load(student) if student else BASE
        served = adapters.chat_model(name, extra_body={"return_token_ids": True}, **told)
        local = student.local(**told) if student else lab_model(**told)
        theirs = served.batch(PROMPTS, {"max_concurrency": 16})
        ours = local.batch(PROMPTS, {"max_concurrency": 64})
        assert [
            [tokenizer.decode([token]) for token in message.response_metadata["token_ids"]] for message in theirs
        ] == [tokens(message) for message in ours]
        differences = [
            abs(one - other)
            for mine, yours in zip(ours, theirs, strict=True)
            for one, other in zip(shares(mine), shares(yours), strict=True)
        ]
        assert max(differences) < 1e-3
        compared += len(differences)
        texts.append([message.text for message in ours])
    assert compared > 2000
    assert len({tuple(said) for said in texts}) == 3, "the adapters change what is said"


def test_the_chat_model_keeps_log_probabilities_and_usage(adapters: Adapters, pair: tuple[Student, Student]) -> None:
    student = pair[0]
    adapters.load(student)
    model = student.chat_model(adapters, max_tokens=4, logprobs=True, top_logprobs=3)
    said = model.invoke(QUESTION)
    assert said.response_metadata["model_name"] == student.served_name
    content = said.response_metadata["logprobs"]["content"]
    assert [len(token["top_logprobs"]) for token in content] == [3] * said.usage_metadata["output_tokens"]
    assert all(token["logprob"] <= 0 and math.isfinite(token["logprob"]) for token in content)
    local = student.local(max_tokens=4).invoke(QUESTION)
    assert {key: said.usage_metadata[key] for key in local.usage_metadata} == local.usage_metadata
    chunks = list(model.stream(QUESTION))
    assert "".join(chunk.text for chunk in chunks) == said.text
    assert (
        sum((chunk.usage_metadata or {}).get("output_tokens", 0) for chunk in chunks)
        == said.usage_metadata["output_tokens"]
    )


class Load:
    """Requests that go on until they are told to stop, and what became of each."""

    def __init__(self, adapters: Adapters, name: str, workers: int = 8) -> None:
        self._model = adapters.chat_model(name, max_tokens=MOST, max_retries=0)
        self._ended = Event()
        self._workers = ThreadPoolExecutor(workers)
        self.answered: list[AIMessage] = []
        self.failed: list[Exception] = []
        for number in range(workers):
            self._workers.submit(self._ask, number)

    def _ask(self, number: int) -> None:
        while not self._ended.is_set():
            try:
                reply = self._model.invoke(QUESTION) if number % 2 else sum_of(self._model.stream(QUESTION))
                self.answered.append(reply)
            except Exception as error:
                self.failed.append(error)

    def more(self, count: int = 24) -> None:
        """Wait for so many answers."""
        until = len(self.answered) + count
        while len(self.answered) < until and not self.failed:
            self._ended.wait(0.01)

    def stop(self) -> None:
        self._ended.set()
        self._workers.shutdown()

    def __enter__(self) -> Load:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


def sum_of(chunks: Iterator[Any]) -> Any:
    first = next(chunks)
    for chunk in chunks:
        first += chunk
    return first


def test_adapters_are_swapped_and_rolled_back_under_load_and_no_request_fails(
    adapters: Adapters, make: Make, tmp_path: Path
) -> None:
    place = tmp_path / "concierge"
    versions = [make(place, seed=seed) for seed in (11, 12, 13)]
    names = [one.served_name for one in versions]
    expected = {one.served_name: one.local(max_tokens=MOST).invoke(QUESTION).text for one in versions}
    assert len(set(expected.values())) == 3, "they can be told apart"
    adapters.swap(versions[0])
    with Load(adapters, "concierge") as load:
        load.more()
        assert adapters.swap(versions[1]) == names[1]
        load.more()
        assert adapters.rollback("concierge") == names[0]
        load.more()
        assert adapters.swap(versions[1]) == names[1]
        load.more()
        assert adapters.swap(versions[2]) == names[2]
        load.more()
        assert set(names) & set(adapters.loaded()) == {names[1], names[2]}, "what was replaced twice is unloaded"
        load.more()
        assert adapters.rollback("concierge") == names[1]
        assert adapters.rollback("concierge") == names[0], "it is loaded again"
        load.more()
    assert load.failed == []
    by = Counter(reply.response_metadata["model_name"] for reply in load.answered)
    assert set(by) == set(names)
    assert sum(by.values()) >= 6 * 24
    assert {(r.response_metadata["model_name"], r.text) for r in load.answered} == set(expected.items())
    with pytest.raises(StudentError, match=f"nothing to roll back to: {names[0]} has replaced nothing"):
        adapters.rollback("concierge")


def test_mining_asks_each_version_under_its_own_name(server: Endpoint, pair: tuple[Student, Student]) -> None:
    speaking = on_server(server, max_tokens=MOST)
    for student in (*pair, pair[0]):  # as after each round, and as after a crash
        told = speaking(student).invoke(QUESTION)
        assert told.response_metadata["model_name"] == student.served_name
        assert told.text == student.local(max_tokens=MOST).invoke(QUESTION).text


def test_a_version_is_not_unloaded_before_its_requests_are_done(adapters: Adapters, make: Make, tmp_path: Path) -> None:
    old, new = (make(tmp_path / "leaving", seed=seed) for seed in (21, 22))
    adapters.swap(old)
    with pytest.raises(Refused, match=f"{old.served_name} is the current leaving"):
        adapters.unload(old.served_name)
    adapters.load(new)  # which takes longer than the stream, where the machine is busy
    model = adapters.chat_model("leaving", max_tokens=300, extra_body={"ignore_eos": True})
    stream = model.stream(QUESTION)
    next(stream)
    adapters.swap(new)
    assert adapters.serving().running == {old.served_name: 1}
    with pytest.raises(Refused, match="1 requests under way"):
        adapters.unload(old.served_name, patience=0)
    with ThreadPoolExecutor(1) as aside:
        unloading = aside.submit(adapters.unload, old.served_name)
        said = sum_of(stream)
        unloading.result()
    assert said.usage_metadata["output_tokens"] == 300
    assert said.response_metadata["model_name"] == old.served_name
    assert old.served_name not in adapters.loaded()
    assert adapters.serving().running == {}


def test_what_is_current_is_kept_for_the_next_start(adapters: Adapters, make: Make, tmp_path: Path) -> None:
    place = tmp_path / "kept"
    versions = [make(place, seed=seed) for seed in (31, 32)]
    names = [one.served_name for one in versions]
    assert [one.name for one in kept_versions(place)] == names[1:], "never served: the latest"
    for one in versions:
        adapters.swap(one)
    other = Adapters(adapters.url, adapters.api_key)
    assert other.serving().current["kept"] == names[1], "the server knows, whoever asks"
    assert [one.name for one in kept_versions(place)] == names
    other.rollback("kept")
    assert orjson.loads((place / KEPT).read_bytes()) == {"versions": ["v1"]}
    assert [one.name for one in kept_versions(place)] == names[:1], "a server that comes up again does not go forward"
    assert [one.name for one in kept_versions(place / "v2")] == names, "unless it is told to"
    adapters.unload("kept")
    assert "kept" not in adapters.serving().students
    adapters.restore("kept", kept_versions(place / "v2"))
    assert adapters.rollback("kept") == names[0]


def test_two_who_change_a_student_at_once_do_not_undo_each_other(
    adapters: Adapters, make: Make, tmp_path: Path
) -> None:
    one, two = (make(tmp_path / "contended", seed=seed) for seed in (41, 42))
    adapters.swap(one)
    before = adapters.serving().students["contended"]
    adapters.swap(two)
    with pytest.raises(Refused, match="changed by somebody else meanwhile"):
        adapters._put("contended", before, before)
    assert adapters.serving().current["contended"] == two.served_name


def test_what_cannot_be_served_is_refused_and_what_was_current_still_is(
    adapters: Adapters, make: Make, tmp_path: Path
) -> None:
    place = tmp_path / "refused"
    good = make(place, seed=51)
    adapters.swap(good)
    for told, said in [
        (
            {"base_digest": "0" * 64},
            r"is of the base .*\(000000000000\); the server at .* has .* Start a server with its base",
        ),
        ({"holds": "model"}, "is a whole model and no adapter .*langdistill serve"),
        ({"head": "score"}, "gives no text but score"),
        ({"rank": 32}, "is of rank 32; the server at .* for 16 at most. Start it with --max-rank 32"),
    ]:
        with pytest.raises(StudentError, match=said):
            adapters.swap(make(place, seed=52, **told))
    broken = make(place, seed=53)
    (broken.folder / "adapter_model.safetensors").write_bytes(b"not weights")
    with pytest.raises(StudentError, match=f"{broken.served_name} cannot be loaded. The server at .* says 500"):
        adapters.swap(broken)
    assert adapters.serving().current["refused"] == good.served_name
    assert broken.served_name not in adapters.loaded()
    with pytest.raises(StudentError, match="no student 'nobody' is served"):
        adapters.rollback("nobody")
    with pytest.raises(Refused, match="says 404"):
        adapters.unload("nobody-v1")


def test_the_key_is_asked_for_everywhere_but_for_health(server: Endpoint) -> None:
    root = server.url.removesuffix("/v1")
    stranger = Endpoint(root, "guessed")
    asked = {"model": BASE, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 1}
    loading = {"name": "x", "src": str(WEIGHTS)}
    for method, path, body in [
        ("GET", "/v1/models", None), ("GET", "/v1/students", None), ("PUT", "/v1/students/x", {"versions": []}),
        ("POST", "/v1/chat/completions", asked), ("POST", "/invocations", asked), ("POST", "/adapters", loading),
        ("POST", "/tokenize", {"prompt": "a"}), ("DELETE", "/adapters/x", None),
    ]:  # fmt: skip
        with pytest.raises(Refused, match="refuses the key") as refused:
            stranger.call(method, path, body)
        assert refused.value.status == 401
        reply = refused.value.__cause__
        assert isinstance(reply, HTTPError)
        assert reply.closed, "its socket is not left to the garbage collector"
    stranger.call("GET", "/health")
    with pytest.raises(Refused, match="says 404: Load with /v1/load_lora_adapter"):
        Endpoint(root, server.api_key).call("POST", "/adapters", loading)


def test_odd_requests_are_answered_by_vllm_and_break_nothing(server: Endpoint, adapters: Adapters) -> None:
    with pytest.raises(Refused, match="says 404: The model `nobody` does not exist"):
        server.call("POST", "/chat/completions", {"model": "nobody", "messages": []})
    for body in ([], {"model": 3}, {"model": BASE}):
        with pytest.raises(Refused, match="says 400"):
            server.call("POST", "/chat/completions", body)
    with pytest.raises(Refused, match="says 405"):
        server.call("DELETE", "/students/x")
    assert adapters.serving().running == {}


def test_a_client_that_leaves_is_not_counted_for_ever(adapters: Adapters) -> None:
    async def leave() -> None:
        model = adapters.chat_model(BASE, max_tokens=400, extra_body={"ignore_eos": True})
        async for _ in model.astream(QUESTION):
            break

    asyncio.run(leave())
    for _ in range(500):
        if not adapters.serving().running:
            break
        Event().wait(0.02)
    assert adapters.serving().running == {}
